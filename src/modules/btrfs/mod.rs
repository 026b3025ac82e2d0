//! `btrfs`: a btrfs file system on one or several devices.
//!
//! What is inside belongs to `btrfs_subvolume`, and where it is mounted to `mount`.

mod change;
mod make;
mod members;
pub(super) mod reach;
mod room;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::{block, checked_text};
use super::{Describe, Module};
use crate::machine::btrfs::{Look, Pool, PoolName, Profile};
use crate::machine::{Domain, Machine, Needs};
use crate::modules::presence::State;
use crate::plan::{Plan, Refusal};
use crate::tools::btrfs as tool;
use crate::units::Size;

checked_text!(
    /// A label.
    Label,
    |text| {
        if text.is_empty() || text.len() > tool::LABEL {
            return Err(format!("`{text}` is no label: 1 to {} bytes are", tool::LABEL));
        }
        if text.starts_with('-') || text.chars().any(|letter| letter.is_control() || letter.is_whitespace() || matches!(letter, '/' | '\'')) {
            return Err(format!("`{text}` is no label: no blanks, slashes, quotes, and no hyphen in front"));
        }
        Ok(())
    }
);
checked_text!(
    /// A block group profile.
    ProfileName,
    |text| text.parse::<Profile>().map(drop)
);
checked_text!(
    /// Bytes of a device.
    DeviceSize,
    |text| text.parse::<Size>().map(drop).map_err(|error| error.to_string())
);

/// Makes, changes or removes a btrfs file system: its label, its devices, its profiles. Everything but making and
/// removing is done while it is in use.
///
/// It is found by `uuid`, or by `label` where there is no `uuid`; with both the label becomes what is given. A file
/// system that lacks a device is left alone, and nothing is ever mounted degraded: writing to a degraded btrfs makes
/// chunks without redundancy, which stand in the way of the repair.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Btrfs {
    /// The label.
    label: Option<Label>,
    /// The UUID of one that is there.
    uuid: Option<String>,
    /// The devices: paths, links below `/dev/disk`, or serials. New ones are added. Needed to make one.
    #[serde(default)]
    devices: Vec<String>,
    /// Whether devices that `devices` does not name are taken out. Where there are new ones, each takes the place of
    /// one of these, so that the redundancy is never less; what is on the others moves to those that stay.
    #[serde(default)]
    remove_extra_devices: bool,
    /// How data is kept: `single`, `dup`, `raid0`, `raid1`, `raid1c3`, `raid1c4`, `raid10`, `raid5`, `raid6`. `single`
    /// when it is made without this; left out later, it stays. What has another profile is rewritten.
    data: Option<ProfileName>,
    /// How metadata is kept; made without this `dup` on one device and `raid1` on several.
    metadata: Option<ProfileName>,
    /// Accepts raid5 and raid6, which a crash can leave with parity that does not match (the write hole).
    #[serde(default)]
    accept_risk: bool,
    /// Whether it grows to the size of its devices.
    #[serde(default)]
    resizefs: bool,
    /// How much of single devices it uses: `{HF-1: 800g}`. It grows and shrinks while it is in use.
    #[serde(default)]
    sizes: std::collections::BTreeMap<String, DeviceSize>,
    /// Whether the sizes of subvolumes are counted, which limits need. It costs speed where there are many snapshots.
    quota: Option<bool>,
    /// Asks to make it on devices that hold something else. It does not consent: the refusal names the token that does.
    #[serde(default)]
    force: bool,
    /// Whether there is such a file system.
    #[serde(default)]
    state: State,
}

impl Describe for Btrfs {
    const NAME: &'static str = "btrfs";
    const EXAMPLE: &'static str = "\
btrfs:
  label: pool
  devices:
    - /dev/disk/by-id/virtio-HF-DISK-1
    - /dev/disk/by-id/virtio-HF-DISK-2
  data: raid1
  metadata: raid1
";
}

impl Module for Btrfs {
    fn needs(&self) -> Needs {
        let mut needs = Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts, Domain::Btrfs]);
        needs.btrfs.extend(self.identity().map(|pool| Look { pool, paths: Vec::new() }));
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        match (self.state, self.find(machine)?) {
            (State::Absent, None) => Ok(Plan::empty()),
            (State::Absent, Some(pool)) => make::remove(machine, pool),
            (State::Present, None) => self.create(machine),
            (State::Present, Some(pool)) => self.keep(machine, pool),
        }
    }
}

impl Btrfs {
    fn identity(&self) -> Option<PoolName> {
        match (&self.uuid, &self.label) {
            (Some(uuid), _) => Some(PoolName::Uuid(uuid.clone())),
            (None, Some(label)) => Some(PoolName::Label(label.to_string())),
            (None, None) => None,
        }
    }

    fn find<'a>(&self, machine: &'a Machine) -> Result<Option<&'a Pool>, Refusal> {
        let identity = self
            .identity()
            .ok_or_else(|| Refusal::new("which btrfs is meant is not given: `label` or `uuid`"))?;
        let known = reach::known(machine)?;
        let found: Vec<&Pool> = known.named(&identity, block(machine)?).collect();
        match found.as_slice() {
            [] if self.uuid.is_some() && self.state == State::Present => {
                Err(reach::list(Refusal::new("there is no btrfs of that UUID"), known)
                    .help("to make one, give `label` and `devices` and no `uuid`: it gets its UUID then"))
            }
            [] => Ok(None),
            [one] => Ok(Some(*one)),
            several => {
                let refusal = Refusal::new(format!("{} btrfs file systems go by that name", several.len()));
                Err(reach::list(refusal, known).help("say which one by its `uuid`"))
            }
        }
    }

    fn profile(name: Option<&ProfileName>) -> Result<Option<Profile>, Refusal> {
        name.map(|name| name.parse::<Profile>()).transpose().map_err(Refusal::new)
    }

    /// Refuses what so many devices cannot be, and what needs a word more.
    fn allow(&self, what: &str, profile: Profile, devices: usize) -> Result<(), Refusal> {
        if devices < profile.least() {
            return Err(Refusal::new(format!(
                "{what} cannot be {profile}: it needs at least {} devices, and there are {devices}",
                profile.least()
            )));
        }
        if profile.write_hole() && !self.accept_risk {
            return Err(Refusal::new(format!("{what} as {profile} can be damaged by a crash"))
                .fact("btrfs writes data and parity one after the other (the write hole); btrfs(5) advises against it")
                .help("use raid1, raid1c3 or raid10, or say `accept_risk: true`"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
