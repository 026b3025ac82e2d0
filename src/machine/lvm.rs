//! LVM: volume groups, what they are made of and what is made of them. Counted in extents, never in megabytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::block::Uuid;

/// The volume groups of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lvm {
    pub groups: BTreeMap<String, Group>,
}

/// A volume group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    pub uuid: Uuid,
    /// Bytes of an extent.
    pub extent: u64,
    /// By lasting device name.
    pub physical: BTreeMap<String, Physical>,
    pub logical: BTreeMap<String, Logical>,
    /// Extents that are used by something other than plain volumes: copies, metadata, snapshots.
    pub other: u64,
    /// How many physical volumes are missing.
    pub missing: u64,
}

/// A device in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Physical {
    /// Where the first extent begins.
    pub start: u64,
    pub extents: u64,
}

/// A logical volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logical {
    pub name: String,
    pub uuid: Uuid,
    pub extents: u64,
    /// `linear`, `striped`, `thin`, ...
    pub layout: String,
    pub active: bool,
}

impl Logical {
    /// A plain volume that is about to be made.
    pub fn linear(name: impl Into<String>, extents: u64) -> Self {
        Self { name: name.into(), uuid: Uuid::Late, extents, layout: "linear".to_owned(), active: true }
    }

    /// Whether it takes exactly its own extents out of the group.
    pub fn plain(&self) -> bool {
        matches!(self.layout.as_str(), "linear" | "striped")
    }
}

impl Physical {
    /// What a device of `size` bytes gives, when extents begin at multiples of `alignment`.
    ///
    /// LVM keeps the first MiB for itself, as far as the alignment allows.
    pub fn foresee(size: u64, alignment: u64, extent: u64) -> Self {
        let start = crate::units::MIB.div_ceil(alignment) * alignment;
        Self { start, extents: size.saturating_sub(start) / extent }
    }
}

impl Group {
    /// All extents.
    pub fn extents(&self) -> u64 {
        self.physical.values().map(|one| one.extents).sum()
    }

    /// Extents that nothing uses.
    pub fn free(&self) -> u64 {
        let plain: u64 = self.logical.values().filter(|one| one.plain()).map(|one| one.extents).sum();
        self.extents().saturating_sub(self.other).saturating_sub(plain)
    }
}

impl Lvm {
    /// The group a device belongs to.
    pub fn group_of(&self, device: &str) -> Option<&Group> {
        self.groups.values().find(|group| group.physical.contains_key(device))
    }

    /// A device got another name.
    pub fn rename_device(&mut self, from: &str, to: &str) {
        for group in self.groups.values_mut() {
            if let Some(physical) = group.physical.remove(from) {
                group.physical.insert(to.to_owned(), physical);
            }
        }
    }

    /// The group and volume of a path such as `/dev/vg/lv`.
    pub fn volume(&self, path: &str) -> Option<(&Group, &Logical)> {
        let (group, volume) = path.strip_prefix("/dev/")?.split_once('/')?;
        let group = self.groups.get(group)?;
        group.logical.get(volume).map(|volume| (group, volume))
    }
}

/// What an action does to LVM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LvmEffect {
    /// The group is there with these devices. Its volumes stay as they are.
    Group(Group),
    GroupGone {
        name: String,
    },
    Logical {
        group: String,
        volume: Logical,
    },
    LogicalGone {
        group: String,
        name: String,
    },
}

impl LvmEffect {
    pub fn apply(&self, lvm: &mut Lvm) {
        match self {
            Self::Group(group) => {
                let logical = lvm.groups.remove(&group.name).map(|old| old.logical);
                let mut group = group.clone();
                group.logical = logical.unwrap_or(group.logical);
                lvm.groups.insert(group.name.clone(), group);
            }
            Self::GroupGone { name } => {
                lvm.groups.remove(name);
            }
            Self::Logical { group, volume } => {
                if let Some(group) = lvm.groups.get_mut(group) {
                    group.logical.insert(volume.name.clone(), volume.clone());
                }
            }
            Self::LogicalGone { group, name } => {
                if let Some(group) = lvm.groups.get_mut(group) {
                    group.logical.remove(name);
                }
            }
        }
    }

    pub fn holds(&self, lvm: &Lvm) -> Result<(), String> {
        match self {
            Self::Group(want) => {
                let found = lvm
                    .groups
                    .get(&want.name)
                    .ok_or_else(|| format!("there is no volume group {}", want.name))?;
                if found.extent != want.extent {
                    return Err(format!(
                        "{} has extents of {} bytes, not {}",
                        want.name, found.extent, want.extent
                    ));
                }
                for (device, physical) in &want.physical {
                    if found.physical.get(device) != Some(physical) {
                        return Err(format!(
                            "{device} in {} is {:?}, not {physical:?}",
                            want.name,
                            found.physical.get(device)
                        ));
                    }
                }
                Ok(())
            }
            Self::GroupGone { name } if lvm.groups.contains_key(name) => {
                Err(format!("the volume group {name} is still there"))
            }
            Self::Logical { group, volume } => {
                let found = lvm.groups.get(group).and_then(|group| group.logical.get(&volume.name));
                let found = found.ok_or_else(|| format!("there is no volume {group}/{}", volume.name))?;
                if found.extents != volume.extents
                    || found.layout != volume.layout
                    || found.active != volume.active
                {
                    return Err(format!(
                        "{group}/{} has {} extents ({}), not {} ({})",
                        volume.name, found.extents, found.layout, volume.extents, volume.layout
                    ));
                }
                Ok(())
            }
            Self::LogicalGone { group, name } => {
                match lvm.groups.get(group).and_then(|one| one.logical.get(name)) {
                    Some(_) => Err(format!("the volume {group}/{name} is still there")),
                    None => Ok(()),
                }
            }
            Self::GroupGone { .. } => Ok(()),
        }
    }

    fn about(&self) -> (&str, Option<&str>) {
        match self {
            Self::Group(group) => (&group.name, None),
            Self::GroupGone { name } => (name, None),
            Self::Logical { group, volume } => (group, Some(&volume.name)),
            Self::LogicalGone { group, name } => (group, Some(name)),
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        self.about() == earlier.about()
            || matches!((self, earlier), (Self::GroupGone { name }, Self::Logical { group, .. }) if name == group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::{KIB, MIB};

    /// Measured with LVM 2.03.16 on a disk of 4 GiB.
    #[test]
    fn extents_are_those_of_lvm() {
        for (alignment, start) in [(1536 * KIB, 1_572_864), (384 * KIB, 1_179_648), (2 * MIB, 2_097_152)] {
            let physical = Physical::foresee(4 << 30, alignment, 4 * MIB);
            assert_eq!(physical, Physical { start, extents: 1023 });
        }
        assert_eq!(Physical::foresee(8_580_497_408, MIB, 4 * MIB).extents, 2045);
    }
}
