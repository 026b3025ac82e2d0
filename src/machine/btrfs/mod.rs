//! btrfs file systems: their devices, and what one finds inside: profiles, subvolumes, limits.
//!
//! The inside is known only of those that somebody asked about; one that is not mounted is looked into by a mount that
//! is read-only, replays no log, and is seen by nobody else.

mod effect;
mod profile;

pub use effect::BtrfsEffect;
pub use profile::Profile;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::block::{Block, Uuid};
use crate::exec::Seen;

/// All btrfs file systems of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Btrfs {
    pub pools: Vec<Pool>,
}

/// One btrfs file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    pub uuid: Uuid,
    pub label: Option<String>,
    /// In the order of their numbers.
    pub devices: Vec<PoolDevice>,
    /// Numbers of devices that are not there.
    pub missing: Vec<u64>,
    /// Bytes in use, once.
    pub used: u64,
    pub inside: Option<Inside>,
    /// Why nobody could look inside, where somebody tried.
    pub blind: Option<String>,
}

/// A device of a btrfs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolDevice {
    pub id: u64,
    /// Lasting name.
    pub path: String,
    /// Bytes of the device that belong to the file system.
    pub size: u64,
    /// Bytes in chunks.
    pub allocated: u64,
}

/// What is seen in a btrfs while it is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Inside {
    pub groups: Vec<Groups>,
    /// By path from the top level, without a slash in front. The top level itself is not among them.
    pub subvolumes: BTreeMap<String, Subvolume>,
    /// The path of the subvolume that is mounted when none is asked for; empty for the top level.
    pub default: String,
    /// Whether subvolumes are counted (quota groups).
    pub quota: bool,
    /// Paths that were asked for, in the same way, and what is there.
    pub seen: BTreeMap<String, Option<Seen>>,
}

/// The block groups of one kind and profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    pub kind: GroupKind,
    pub profile: Profile,
    /// Bytes, once.
    pub size: u64,
    pub used: u64,
}

/// What block groups hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GroupKind {
    Data,
    Metadata,
    System,
    /// Data and metadata together, as in very small file systems.
    Mixed,
}

/// A subvolume.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Subvolume {
    /// `None` while it is only foreseen.
    pub id: Option<u64>,
    pub path: String,
    pub uuid: Option<String>,
    /// The subvolume it is a snapshot of, by UUID.
    pub parent_uuid: Option<String>,
    /// It came by `btrfs receive`.
    pub received: bool,
    pub read_only: bool,
    /// Bytes it refers to, where they are counted.
    pub referenced: Option<u64>,
    /// Bytes that nothing else refers to.
    pub exclusive: Option<u64>,
    pub limit: Option<u64>,
    pub limit_exclusive: Option<u64>,
}

/// How somebody names a btrfs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PoolName {
    Label(String),
    Uuid(String),
    /// Any name of any of its devices.
    Device(String),
    /// The only one there is.
    Only,
}

/// What somebody wants to see inside a btrfs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    pub pool: PoolName,
    /// Paths from the top level, without a slash in front.
    pub paths: Vec<String>,
}

impl Btrfs {
    /// All that go by that name: two may have one label.
    pub fn named<'a, 'n>(
        &'a self,
        name: &'n PoolName,
        block: &'n Block,
    ) -> impl Iterator<Item = &'a Pool> + use<'a, 'n> {
        let device = match name {
            PoolName::Device(device) => block.find(device).map(|device| device.path.as_str()),
            _ => None,
        };
        self.pools.iter().filter(move |pool| match name {
            PoolName::Label(label) => pool.label.as_ref() == Some(label),
            PoolName::Uuid(uuid) => pool.uuid.known().is_some_and(|known| known.eq_ignore_ascii_case(uuid)),
            PoolName::Device(_) => device.is_some_and(|path| pool.has(path)),
            PoolName::Only => true,
        })
    }

    /// The one that a device belongs to.
    pub fn on(&self, path: &str) -> Option<&Pool> {
        self.pools.iter().find(|pool| pool.has(path))
    }
}

impl Pool {
    pub fn has(&self, path: &str) -> bool {
        self.devices.iter().any(|device| device.path == path)
    }

    pub fn paths(&self) -> Vec<String> {
        self.devices.iter().map(|device| device.path.clone()).collect()
    }

    /// How it is spoken of: by label, or else by its first device.
    pub fn name(&self) -> String {
        match (&self.label, self.devices.iter().map(|device| &device.path).min()) {
            (Some(label), _) => label.clone(),
            (None, Some(path)) => path.clone(),
            (None, None) => "btrfs".to_owned(),
        }
    }

    /// What its consent tokens are bound to.
    pub fn identity(&self) -> String {
        self.uuid.known().map_or_else(|| self.name(), str::to_owned)
    }
}

impl Inside {
    /// The profiles of a kind; more than one after a conversion that was cut short.
    pub fn profiles(&self, kind: GroupKind) -> Vec<Profile> {
        let mut found: Vec<Profile> =
            self.groups.iter().filter(|groups| groups.kind == kind).map(|groups| groups.profile).collect();
        found.sort();
        found.dedup();
        found
    }

    pub fn used(&self, kind: GroupKind) -> u64 {
        self.groups.iter().filter(|groups| groups.kind == kind).map(|groups| groups.used).sum()
    }

    /// The subvolumes that lie in one, the deepest last.
    pub fn below<'a>(&'a self, path: &'a str) -> impl DoubleEndedIterator<Item = &'a Subvolume> {
        self.subvolumes
            .values()
            .filter(move |one| one.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/')))
    }
}
