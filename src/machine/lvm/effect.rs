//! What an action does to LVM.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Group, Logical, Lvm};

/// What an action does to LVM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LvmEffect {
    /// The group is there with exactly these devices and tags. Its volumes stay as they are.
    Group(Group),
    GroupGone {
        name: String,
    },
    Logical {
        group: String,
        volume: Box<Logical>,
    },
    LogicalGone {
        group: String,
        name: String,
    },
    /// What belongs to no volume: the spare of pool metadata, extents by device and in all.
    Other {
        group: String,
        places: BTreeMap<String, u64>,
        spare: u64,
    },
    /// Nothing is left on the device; what was there is on others.
    Moved {
        group: String,
        device: String,
    },
}

impl LvmEffect {
    pub fn apply(&self, lvm: &mut Lvm) {
        match self {
            Self::Group(group) => {
                let old = lvm.groups.remove(&group.name);
                let mut group = group.clone();
                if let Some(old) = old {
                    (group.logical, group.other, group.spare) = (old.logical, old.other, old.spare);
                }
                for device in group.physical.keys() {
                    lvm.orphans.remove(device);
                }
                lvm.groups.insert(group.name.clone(), group);
            }
            Self::GroupGone { name } => {
                lvm.groups.remove(name);
            }
            Self::Logical { group, volume } => {
                if let Some(group) = lvm.groups.get_mut(group) {
                    group.logical.insert(volume.name.clone(), (**volume).clone());
                }
            }
            Self::LogicalGone { group, name } => {
                if let Some(group) = lvm.groups.get_mut(group) {
                    group.logical.remove(name);
                }
            }
            Self::Other { group, places, spare } => {
                if let Some(group) = lvm.groups.get_mut(group) {
                    (group.other, group.spare) = (places.clone(), *spare);
                }
            }
            Self::Moved { group, device } => {
                if let Some(group) = lvm.groups.get_mut(group) {
                    moved(group, device);
                }
            }
        }
    }

    pub fn holds(&self, lvm: &Lvm) -> Result<(), String> {
        let named =
            |name: &str| lvm.groups.get(name).ok_or_else(|| format!("there is no volume group {name}"));
        match self {
            Self::Group(want) => group_holds(want, named(&want.name)?),
            Self::GroupGone { name } if lvm.groups.contains_key(name) => {
                Err(format!("the volume group {name} is still there"))
            }
            Self::Logical { group, volume } => {
                let found = named(group)?.logical.get(&volume.name);
                let found = found.ok_or_else(|| format!("there is no volume {group}/{}", volume.name))?;
                volume.agrees(found).map_err(|differs| format!("in {group} {differs}"))
            }
            Self::LogicalGone { group, name } => {
                match lvm.groups.get(group).and_then(|one| one.logical.get(name)) {
                    Some(_) => Err(format!("the volume {group}/{name} is still there")),
                    None => Ok(()),
                }
            }
            Self::Other { group, places, .. } => {
                let count = |places: &BTreeMap<String, u64>| places.values().sum::<u64>();
                let (want, found) = (count(places), count(&named(group)?.other));
                if want == found {
                    return Ok(());
                }
                Err(format!("{found} extents of {group} belong to no volume, not {want}"))
            }
            Self::Moved { group, device } => match named(group)?.used_on(device) {
                0 => Ok(()),
                left => Err(format!("{left} extents of {group} are still on {device}")),
            },
            Self::GroupGone { .. } => Ok(()),
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Group(later), Self::Group(earlier)) => later.name == earlier.name,
            (Self::Group(later), Self::Moved { group, device }) => {
                later.name == *group && !later.physical.contains_key(device)
            }
            (Self::Group(later), Self::GroupGone { name }) => later.name == *name,
            (Self::GroupGone { name }, Self::Group(earlier)) => *name == earlier.name,
            (
                Self::GroupGone { name },
                Self::Logical { group, .. }
                | Self::LogicalGone { group, .. }
                | Self::Other { group, .. }
                | Self::Moved { group, .. },
            ) => name == group,
            (
                Self::Logical { .. } | Self::LogicalGone { .. },
                Self::Logical { .. } | Self::LogicalGone { .. },
            ) => self.volume() == earlier.volume(),
            (Self::Other { group, .. }, Self::Other { group: other, .. }) => group == other,
            _ => false,
        }
    }

    fn volume(&self) -> Option<(&str, &str)> {
        match self {
            Self::Logical { group, volume } => Some((group, &volume.name)),
            Self::LogicalGone { group, name } => Some((group, name)),
            _ => None,
        }
    }
}

/// Guesses where everything goes that lay on a device: it is LVM that chooses, and nothing is held to the guess.
fn moved(group: &mut Group, device: &str) {
    if group.moving.remove(device) {
        // The other copy is where it shall be.
        group.other.remove(device);
    }
    let targets: Vec<String> = group.physical.keys().filter(|other| *other != device).cloned().collect();
    for target in targets {
        let mut room = group.free_on(&target);
        let places =
            group.logical.values_mut().map(|one| &mut one.places).chain(std::iter::once(&mut group.other));
        for places in places {
            let Some(here) = places.get(device).copied() else { continue };
            let part = here.min(room);
            room -= part;
            if part > 0 {
                *places.entry(target.clone()).or_default() += part;
            }
            if here == part {
                places.remove(device);
            } else {
                places.insert(device.to_owned(), here - part);
            }
        }
    }
}

fn group_holds(want: &Group, found: &Group) -> Result<(), String> {
    let name = &want.name;
    if found.extent != want.extent {
        return Err(format!("{name} has extents of {} bytes, not {}", found.extent, want.extent));
    }
    let devices = |group: &Group| group.physical.keys().cloned().collect::<BTreeSet<_>>();
    if let Some(device) = devices(found).difference(&devices(want)).next() {
        return Err(format!("{device} is still in {name}"));
    }
    for (device, want) in &want.physical {
        let there = found.physical.get(device);
        let there = there.ok_or_else(|| format!("{device} is not in {name}"))?;
        if (there.start, there.extents) != (want.start, want.extents) {
            return Err(format!(
                "{device} gives {name} {} extents from byte {}, not {} from {}",
                there.extents, there.start, want.extents, want.start
            ));
        }
    }
    if found.tags != want.tags {
        return Err(format!("the tags of {name} are {:?}, not {:?}", found.tags, want.tags));
    }
    Ok(())
}
