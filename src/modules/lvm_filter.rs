//! `lvm_filter`: which devices LVM looks at. A host that scans its guests' disks finds their groups, activates them, and
//! sooner or later takes one for its own.
//!
//! The filter goes into `lvmlocal.conf`, which is a host's own and overrides `lvm.conf`. The devices file of newer LVM is
//! not used: Debian 12 does not read one unless it is told to.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::{DeviceRef, block, by_id};
use super::lvg::{GroupName, named};
use super::{Describe, Module, boot_image, text_file};
use crate::machine::block::{Block, BlockEffect};
use crate::machine::lvm::{Group, LvmEffect};
use crate::machine::{Domain, Machine, Needs, Prediction};
use crate::modules::presence::State;
use crate::plan::{Change, LineEdit, Plan, Refusal, Risk, Step};
use crate::tools::{initramfs, lvm};

/// Makes LVM look at the devices of this host's own volume groups and at no others, so that the groups of its guests
/// are neither seen nor activated, now and at boot.
///
/// Groups that are not named and that nobody uses are deactivated first; their data stays as it is. A group in use that
/// is not named is refused. Devices for later groups are given in `devices`: what is filtered out cannot become one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LvmFilter {
    /// The volume groups of this host. Needed while `present`.
    #[serde(default)]
    groups: Vec<GroupName>,
    /// Devices that LVM may look at beside those of the groups: named as everywhere.
    #[serde(default)]
    devices: Vec<DeviceRef>,
    /// Whether there is such a filter.
    #[serde(default)]
    state: State,
}

/// Where a host's own settings go (lvm.conf(5)).
const FILE: &str = "/etc/lvm/lvmlocal.conf";
const KEY: &str = "devices/global_filter";

impl Describe for LvmFilter {
    const NAME: &'static str = "lvm_filter";
    const EXAMPLE: &'static str = "\
lvm_filter:
  groups: [vg_kvm]
";
}

impl Module for LvmFilter {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts]).content(FILE).and(initramfs::needs())
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let mut plan = self.filter(machine)?;
        boot_image::catch_up(machine, &mut plan);
        Ok(plan)
    }
}

impl LvmFilter {
    fn filter(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let text = String::from_utf8_lossy(text_file::text(machine, FILE)?.unwrap_or_default());
        let ours: Vec<&str> = text.lines().filter(|line| line.starts_with(KEY)).collect();
        if let Some(other) = text.lines().find(|line| is_foreign(line)) {
            return Err(Refusal::new(format!("{FILE} has a filter that somebody else has written"))
                .fact(format!("it says `{}`", other.trim()))
                .help("take it out, and give its devices in `devices`"));
        }
        let mut edits: Vec<LineEdit> = Vec::new();
        let mut plan = Plan::empty();
        let mut detail = "LVM looks at every device again".to_owned();
        if self.state == State::Present {
            let groups = self.own(machine)?;
            let accepted = self.accepted(machine, &groups)?;
            let line = format!("{KEY}=[ {}, \"r|.*|\" ]", quoted(&accepted));
            if ours == [line.as_str()] {
                return Ok(plan);
            }
            for group in machine.lvm.iter().flat_map(|lvm| lvm.groups.values()) {
                if !groups.iter().any(|own| own.name == group.name) {
                    plan.then(hide(machine, group)?);
                }
            }
            detail = format!("LVM looks at {} and nothing else", accepted.join(", "));
            edits.push(LineEdit::Append { line });
        }
        edits.splice(0..0, ours.into_iter().map(|old| LineEdit::Remove { old: old.to_owned() }));
        let mut filter = text_file::lines(machine, FILE, edits, Change::modify("LVM filter", FILE, detail))?;
        if let Some(action) = filter.actions.first_mut() {
            // What finds the root has its own copy.
            action.steps.extend(initramfs::rebuild(machine).map(Step::run));
            action.predicts.push(Prediction::Touches(Domain::Lvm));
            let own = self.own(machine)?.into_iter().cloned().map(LvmEffect::Group);
            action.predicts.extend(own.map(Prediction::Lvm));
        }
        plan.then(filter);
        Ok(plan)
    }

    fn own<'a>(&self, machine: &'a Machine) -> Result<Vec<&'a Group>, Refusal> {
        if self.state == State::Present && self.groups.is_empty() {
            return Err(Refusal::new("no group of this host is named")
                .help("`groups` has those that LVM is to find; without one it would find nothing"));
        }
        let find = |name: &GroupName| {
            named(machine, name)?.ok_or_else(|| {
                let refusal = Refusal::new(format!("there is no volume group {}", &**name));
                let known = machine.lvm.iter().flat_map(|lvm| lvm.groups.keys());
                let known: Vec<&str> = known.map(String::as_str).collect();
                match known[..] {
                    [] => refusal,
                    _ => refusal.fact(format!("there are {}", known.join(", "))),
                }
                .help("make it first, with `lvg`")
            })
        };
        self.groups.iter().map(find).collect()
    }

    /// The names that the filter takes, in order.
    fn accepted(&self, machine: &Machine, groups: &[&Group]) -> Result<Vec<String>, Refusal> {
        let block = block(machine)?;
        let physical = groups.iter().flat_map(|group| group.physical.keys().map(String::as_str));
        let mut names: BTreeSet<String> = physical.map(|path| lasting(block, path)).collect();
        for device in &self.devices {
            names.insert(lasting(block, &device.find(machine, "the filter")?.path));
        }
        Ok(names.into_iter().collect())
    }
}

/// A setting of a filter that is not ours, in the form of a section.
fn is_foreign(line: &str) -> bool {
    let line = line.trim_start();
    !line.starts_with(KEY) && !line.starts_with('#') && line.contains("global_filter")
}

/// The name that a device keeps over restarts: its own where that is no `/dev/sdX`, else a link by what it is.
fn lasting(block: &Block, path: &str) -> String {
    let kept = ["/dev/md/", "/dev/mapper/", "/dev/disk/"].iter().any(|folder| path.starts_with(folder));
    by_id(block, path).filter(|_| !kept).unwrap_or(path).to_owned()
}

fn quoted(names: &[String]) -> String {
    // Letters with a meaning of their own stand for themselves in brackets.
    let exactly = |name: &String| {
        let plain = name.replace('.', "[.]").replace('+', "[+]");
        format!("\"a|^{plain}$|\"")
    };
    names.iter().map(exactly).collect::<Vec<_>>().join(", ")
}

/// A group that is not this host's is deactivated, and seen no longer.
fn hide(machine: &Machine, group: &Group) -> Result<Plan, Refusal> {
    let block = block(machine)?;
    let volumes = group.logical.keys().filter_map(|name| block.find(&format!("/dev/{}/{name}", group.name)));
    let volumes: Vec<_> = volumes.collect();
    for volume in &volumes {
        if let Some(user) = machine.user_of(volume) {
            return Err(Refusal::new(format!(
                "the volume group {} is not named, and is in use: {} {user}",
                group.name, volume.path
            ))
            .help(format!("name it in `groups`, or end the use of {}", volume.path)));
        }
    }
    let steps: Vec<Step> = if group.logical.values().any(|volume| volume.active) {
        vec![Step::run(lvm::deactivate(&group.name))]
    } else {
        Vec::new()
    };
    let gone = volumes.into_iter().map(|volume| BlockEffect::Gone { path: volume.path.clone() });
    let mut predicts: Vec<Prediction> = gone.map(Prediction::Block).collect();
    predicts.push(Prediction::Lvm(LvmEffect::GroupGone { name: group.name.clone() }));
    let change = Change::modify("volume group", &group.name, "is not looked at any more; it stays as it is")
        .risk(Risk::Disruptive);
    Ok(Plan::of(change, steps, predicts))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{becomes, host, refused};
    use super::FILE;
    use crate::machine::Machine;
    use crate::machine::block::Content;

    /// The host's own group on the first disk, a guest's on the second.
    fn machine() -> Machine {
        let mut machine = host(3);
        for (group, disk) in [("vg", "HF-DISK-1"), ("guest", "HF-DISK-2")] {
            becomes(&mut machine, "lvg", &json!({"vg": group, "pvs": disk}));
            becomes(&mut machine, "lvol", &json!({"vg": group, "lv": "root", "size": "1g"}));
        }
        let block = machine.block.as_mut().unwrap();
        for (number, letter) in [(1, 'b'), (3, 'd')] {
            let name = format!("/dev/disk/by-id/virtio-HF-DISK-{number}");
            block.names.insert(name, format!("/dev/vd{letter}"));
        }
        machine
    }

    fn content(machine: &Machine) -> String {
        String::from_utf8(machine.files.at(FILE).unwrap().content.clone().unwrap()).unwrap()
    }

    #[test]
    fn groups_of_guests_are_seen_no_longer_and_lose_nothing() {
        let mut machine = machine();
        let text = becomes(&mut machine, "lvm_filter", &json!({"groups": ["vg"], "devices": ["HF-DISK-3"]}));
        assert_eq!(
            text,
            "~ volume group guest is not looked at any more; it stays as it is\n    vgchange --activate n guest\n\
             ~ LVM filter /etc/lvm/lvmlocal.conf LVM looks at /dev/disk/by-id/virtio-HF-DISK-1, \
             /dev/disk/by-id/virtio-HF-DISK-3 and nothing else\n    \
             write /etc/lvm/lvmlocal.conf (116 bytes)\n    update-initramfs -u -k all\n"
        );
        assert_eq!(
            content(&machine),
            "devices/global_filter=[ \"a|^/dev/disk/by-id/virtio-HF-DISK-1$|\", \
             \"a|^/dev/disk/by-id/virtio-HF-DISK-3$|\", \"r|.*|\" ]\n"
        );
        let block = machine.block.as_ref().unwrap();
        assert!(matches!(block.find("HF-DISK-2").unwrap().content, Content::Physical));
        becomes(&mut machine, "lvm_filter", &json!({"groups": ["vg"]}));
        assert_eq!(content(&machine).matches("global_filter").count(), 1);
        becomes(&mut machine, "lvm_filter", &json!({"state": "absent"}));
        assert_eq!(content(&machine), "");
    }

    #[test]
    fn a_group_in_use_is_never_hidden() {
        let mut machine = machine();
        let refusal = refused(&machine, "lvm_filter", &json!({"groups": ["other"]}));
        assert!(refusal.starts_with("there is no volume group other"), "{refusal}");
        assert!(refusal.contains("there are guest, vg"), "{refusal}");
        let refusal = refused(&machine, "lvm_filter", &json!({}));
        assert!(refusal.starts_with("no group of this host is named"), "{refusal}");
        becomes(&mut machine, "lvg", &json!({"vg": "inner", "pvs": "/dev/guest/root"}));
        let refusal = refused(&machine, "lvm_filter", &json!({"groups": ["vg"]}));
        let why = "the volume group guest is not named, and is in use: /dev/guest/root it belongs to the volume group inner";
        assert!(refusal.starts_with(why), "{refusal}");
    }
}
