//! `disk`: making a disk provably blank.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::{DeviceRef, clear, shown};
use super::{Describe, Module};
use crate::machine::block::{Content, DeviceKind};
use crate::machine::{Domain, Machine, Needs};
use crate::plan::{Plan, Refusal};

/// Makes a disk blank: all signatures at all offsets, the copy of a GPT and both ends are removed, those of partitions
/// first. What is on it is named, with the token that allows to destroy exactly that.
///
/// A disk that anybody uses is refused, whatever the consent. One that is blank already, also with an empty partition
/// table, is left as it is. Bytes in the middle are not overwritten: this is no erasure for disposal.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Disk {
    /// The disk: a path, a link below `/dev/disk`, a serial or a WWN; or a mapping of what it has to be, such as
    /// `{path: /dev/vdb, serial: HF-1}`.
    device: DeviceRef,
    /// What becomes of it.
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Nothing is on it any more.
    Blank,
}

impl Describe for Disk {
    const NAME: &'static str = "disk";
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] =
        &[("path", "device"), ("disk", "device")];
    const EXAMPLE: &'static str = "\
disk:
  device: {path: /dev/vdb, serial: HF-DISK-1}
  state: blank
";
}

impl Module for Disk {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts])
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let State::Blank = self.state;
        let disk = self.device.find(machine, "a blank disk")?;
        if disk.kind != DeviceKind::Disk {
            let title = format!("{} is no disk but a {}", shown(disk), disk.kind.name());
            return Err(Refusal::new(title).help(
                "a volume, an array or a partition is removed by its own module, with `state: absent`",
            ));
        }
        let mut plan = Plan::empty();
        if !matches!(disk.content, Content::Blank { .. }) {
            clear(&mut plan, machine.claim(disk)?);
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::machine::Machine;
    use crate::machine::block::{BlockEffect, Content, Device, DeviceKind, FileSystem, Slot};
    use crate::machine::mounts::Live;
    use crate::modules::fixture::{becomes, host, plan, refused};
    use crate::plan::Consent;
    use crate::units::{GIB, MIB};

    fn args() -> Value {
        json!({"device": "HF-DISK-1", "state": "blank"})
    }

    fn partitioned() -> Machine {
        let mut machine = host(1);
        let block = machine.block.as_mut().unwrap();
        let part = Device {
            sits_on: vec!["/dev/vdb".into()],
            content: Content::FileSystem(FileSystem { used: Some(GIB), ..FileSystem::new("xfs") }),
            slot: Some(Slot { number: 1, start: MIB, serial: Some("HF-DISK-1".into()) }),
            ..Device::new("/dev/vdb1", DeviceKind::Partition, 2 * GIB)
        };
        BlockEffect::Put(part.into()).apply(block);
        block.devices.get_mut("/dev/vdb").unwrap().content = Content::Partitions { table: "gpt".into() };
        machine
    }

    #[test]
    fn a_blank_disk_stays_as_it_is() {
        let mut machine = host(1);
        assert!(plan(&machine, "disk", &args()).unwrap().is_empty());
        machine.block.as_mut().unwrap().devices.get_mut("/dev/vdb").unwrap().content =
            Content::Blank { table: true };
        assert!(plan(&machine, "disk", &args()).unwrap().is_empty());
    }

    #[test]
    fn partitions_go_first_and_take_consent_to_the_disk() {
        let mut machine = partitioned();
        let planned = plan(&machine, "disk", &args()).unwrap();
        let refusal = Consent::default().covers(&planned).unwrap_err();
        assert_eq!(refusal.token.as_deref(), Some("format:HF-DISK-1"));
        assert_eq!(
            refusal.facts,
            [
                "HF-DISK-1 (/dev/vdb), disk of 4 GiB, holds a gpt partition table with partitions: /dev/vdb1 (2 GiB, file system xfs, 1 GiB used)"
            ]
        );
        insta::assert_snapshot!(becomes(&mut machine, "disk", &args()));
        assert!(!machine.block.unwrap().devices.contains_key("/dev/vdb1"));
    }

    #[test]
    fn what_is_used_is_never_wiped() {
        let mut machine = partitioned();
        let live = Live {
            target: "/photos".into(),
            source: "/dev/vdb1".into(),
            fstype: "xfs".into(),
            options: vec![],
            root: "/".into(),
        };
        machine.mounts.as_mut().unwrap().live.push(live);
        let said = refused(&machine, "disk", &args());
        assert!(said.starts_with("/dev/vdb is in use: /dev/vdb1: it is mounted at /photos"), "{said}");
    }
}
