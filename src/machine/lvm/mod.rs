//! LVM: volume groups, what they are made of and what is made of them. Counted in extents, never in megabytes.

mod effect;
mod logical;
mod placing;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::block::Uuid;

pub use effect::LvmEffect;
pub use logical::{Cache, CacheKind, CacheMode, Kind, Logical, RaidLevel};
pub use placing::{NoPlace, Shape, rmeta_extents};

/// The volume groups of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lvm {
    /// By name; those of several with the same name by UUID, all but the first.
    pub groups: BTreeMap<String, Group>,
    /// Names that more than one group has, with the UUIDs of those groups: none of them can be spoken of by name.
    pub ambiguous: BTreeMap<String, Vec<String>>,
    /// Devices that carry the same identity: copies of a disk, or several paths to one.
    pub duplicates: Vec<Vec<String>>,
    /// Physical volumes that belong to no group, by lasting device name.
    pub orphans: BTreeSet<String>,
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
    /// The volumes one can speak of; what they are made of is counted in them.
    pub logical: BTreeMap<String, Logical>,
    /// Extents by device that belong to no volume: the spare of pool metadata, a move that was cut short.
    pub other: BTreeMap<String, u64>,
    /// How large the spare for pool metadata is, in extents; it is part of `other`.
    pub spare: u64,
    /// The devices that a `pvmove` was taking out when it was cut short.
    pub moving: BTreeSet<String>,
    /// How many physical volumes are missing.
    pub missing: u64,
    pub tags: BTreeSet<String>,
}

/// A device in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Physical {
    /// Where the first extent begins.
    pub start: u64,
    pub extents: u64,
    /// Bytes of the device as LVM last took note of it; `None` for one that is yet to be made.
    pub size: Option<u64>,
}

impl Physical {
    /// What a device of `size` bytes gives, when extents begin at multiples of `alignment`.
    ///
    /// LVM keeps the first MiB for itself, as far as the alignment allows.
    pub fn foresee(size: u64, alignment: u64, extent: u64) -> Self {
        let start = crate::units::MIB.div_ceil(alignment) * alignment;
        Self { start, extents: size.saturating_sub(start) / extent, size: None }
    }
}

impl Group {
    /// A group without devices and volumes that is about to be made.
    pub fn new(name: impl Into<String>, extent: u64) -> Self {
        Self {
            name: name.into(),
            uuid: Uuid::Late,
            extent,
            physical: BTreeMap::new(),
            logical: BTreeMap::new(),
            other: BTreeMap::new(),
            spare: 0,
            moving: BTreeSet::new(),
            missing: 0,
            tags: BTreeSet::new(),
        }
    }

    /// All extents.
    pub fn extents(&self) -> u64 {
        self.physical.values().map(|one| one.extents).sum()
    }

    /// Extents that nothing uses.
    pub fn free(&self) -> u64 {
        self.physical.keys().map(|device| self.free_on(device)).sum()
    }

    /// Extents of one device that something uses.
    pub fn used_on(&self, device: &str) -> u64 {
        let by = |places: &BTreeMap<String, u64>| places.get(device).copied().unwrap_or(0);
        self.logical.values().map(|one| by(&one.places)).sum::<u64>() + by(&self.other)
    }

    /// Extents of one device that nothing uses.
    pub fn free_on(&self, device: &str) -> u64 {
        let all = self.physical.get(device).map_or(0, |one| one.extents);
        all.saturating_sub(self.used_on(device))
    }

    /// The device of one of its volumes.
    pub fn path_of(&self, volume: &str) -> String {
        format!("/dev/{}/{volume}", self.name)
    }

    /// The volumes of a pool.
    pub fn of_pool<'a>(&'a self, pool: &'a str) -> impl Iterator<Item = &'a Logical> {
        self.logical
            .values()
            .filter(move |one| matches!(&one.kind, Kind::Thin { pool: of, .. } if of == pool))
    }

    /// The snapshots of a volume that live off its own old content.
    pub fn snapshots_of<'a>(&'a self, origin: &'a str) -> impl Iterator<Item = &'a Logical> {
        self.logical
            .values()
            .filter(move |one| matches!(&one.kind, Kind::Snapshot { origin: of, .. } if of == origin))
    }
}

impl Lvm {
    /// Gives every device the name `lasting` has for it.
    pub fn rename_devices(&mut self, lasting: impl Fn(&str) -> String) {
        let keys = |places: &mut BTreeMap<String, u64>| {
            *places =
                std::mem::take(places).into_iter().map(|(device, count)| (lasting(&device), count)).collect();
        };
        for group in self.groups.values_mut() {
            let physical = std::mem::take(&mut group.physical);
            group.physical = physical.into_iter().map(|(device, one)| (lasting(&device), one)).collect();
            group.moving = group.moving.iter().map(|device| lasting(device)).collect();
            keys(&mut group.other);
            group.logical.values_mut().for_each(|volume| keys(&mut volume.places));
        }
        self.orphans = self.orphans.iter().map(|device| lasting(device)).collect();
    }

    /// The group a device belongs to.
    pub fn group_of(&self, device: &str) -> Option<&Group> {
        self.groups.values().find(|group| group.physical.contains_key(device))
    }

    /// The group and volume of a path such as `/dev/vg/lv`.
    pub fn volume(&self, path: &str) -> Option<(&Group, &Logical)> {
        let (group, volume) = path.strip_prefix("/dev/")?.split_once('/')?;
        let group = self.groups.get(group)?;
        group.logical.get(volume).map(|volume| (group, volume))
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
            assert_eq!(physical, Physical { start, extents: 1023, size: None });
        }
        assert_eq!(Physical::foresee(8_580_497_408, MIB, 4 * MIB).extents, 2045);
    }
}
