//! ZFS: pools with their virtual devices, and the datasets in them.
//!
//! Devices are known by lasting names, as everywhere; a pool that has a disk as a whole lies on its first partition.

mod effect;
mod layout;
mod property;

pub use effect::ZfsEffect;
pub use layout::{Class, Layout};
pub use property::{Property, Source, same};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::block::{Block, Device, Uuid};
use super::mounts::is_below;

/// All pools of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Zfs {
    /// Those that are imported.
    pub pools: BTreeMap<String, Pool>,
    /// Those that are not, as far as devices of this host say so.
    pub others: Vec<Other>,
    pub datasets: BTreeMap<String, Dataset>,
}

/// A pool that is imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    pub name: String,
    pub guid: Uuid,
    /// `ONLINE`, `DEGRADED`, ...
    pub health: String,
    /// Bytes, before anything is subtracted for redundancy.
    pub size: u64,
    pub allocated: u64,
    pub tops: Vec<Top>,
    pub properties: BTreeMap<String, Property>,
    /// Whether it could be taken back to an earlier state.
    pub checkpoint: bool,
}

/// A virtual device of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Top {
    pub class: Class,
    pub layout: Layout,
    pub guid: Option<String>,
    /// Its own name: `mirror-0`; that of its device where it is one.
    pub name: String,
    /// The binary logarithm of the least it reads and writes at once.
    pub ashift: Option<u64>,
    pub members: Vec<Member>,
}

/// A device of a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub guid: Option<String>,
    /// Lasting name of the device it lies on; what ZFS calls it where there is no such device.
    pub path: String,
    /// The disk, where ZFS has all of it.
    pub disk: Option<String>,
    /// `ONLINE`, `FAULTED`, `AVAIL`, ...
    pub state: String,
    /// Whether another one is taking its place, or it is taking another one's.
    pub replacing: bool,
}

/// A pool that is not imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    pub name: String,
    pub guid: String,
    /// Whether it was exported in order; else a host may still use it.
    pub exported: bool,
    pub hostname: Option<String>,
    pub devices: Vec<String>,
}

/// What a dataset is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DatasetKind {
    FileSystem,
    Volume,
    Snapshot,
}

/// A file system, a volume or a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    pub name: String,
    pub kind: DatasetKind,
    pub guid: Uuid,
    /// Bytes, with all that is below it.
    pub used: u64,
    pub referenced: u64,
    /// The snapshot it is a clone of.
    pub origin: Option<String>,
    pub clones: Vec<String>,
    pub mounted: bool,
    /// Where it is mounted, or would be: a path, `none` or `legacy`.
    pub mountpoint: Option<String>,
    pub volsize: Option<u64>,
    /// How many holds it has.
    pub userrefs: u64,
    /// Their names, where somebody asked.
    pub holds: Option<Vec<String>>,
    /// Where somebody asked; before it exists, those that it is made with.
    pub properties: Option<BTreeMap<String, Property>>,
}

impl DatasetKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::FileSystem => "file system",
            Self::Volume => "volume",
            Self::Snapshot => "snapshot",
        }
    }
}

impl Member {
    /// Whether that is the device, or the disk that ZFS has as a whole.
    pub fn is(&self, path: &str) -> bool {
        self.path == path || self.disk.as_deref() == Some(path)
    }

    /// The device as somebody names it in a task.
    pub fn named(&self) -> &str {
        self.disk.as_deref().unwrap_or(&self.path)
    }
}

impl Top {
    pub fn has(&self, path: &str) -> bool {
        self.members.iter().any(|member| member.is(path))
    }
}

impl Pool {
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.tops.iter().flat_map(|top| &top.members)
    }

    /// What its consent tokens are bound to.
    pub fn identity(&self) -> String {
        self.guid.known().map_or_else(|| self.name.clone(), str::to_owned)
    }
}

impl Zfs {
    /// What lies in a dataset, without itself: file systems, volumes, and with them all snapshots.
    pub fn below<'a>(&'a self, name: &'a str) -> impl DoubleEndedIterator<Item = &'a Dataset> {
        self.datasets.values().filter(move |one| inside(&one.name, name))
    }

    /// Where a dataset would be mounted that has no mount point of its own: below its parent's.
    pub fn mountpoint_of(&self, name: &str) -> Option<String> {
        let (parent, last) = name.rsplit_once('/')?;
        let above = match self.datasets.get(parent) {
            Some(parent) => parent.mountpoint.clone()?,
            None => self.mountpoint_of(parent)?,
        };
        match above.as_str() {
            "none" | "legacy" => Some(above),
            path => Some(format!("{}/{last}", path.trim_end_matches('/'))),
        }
    }
}

/// Whether a dataset lies in another one, or is a snapshot of it.
pub fn inside(name: &str, other: &str) -> bool {
    is_below(name, other) || name.strip_prefix(other).is_some_and(|rest| rest.starts_with('@'))
}

/// The disk of a partition that is there for ZFS to have all of it: made here, under such a name and alone; or by
/// ZFS, the first of two of which the other is the ninth.
pub fn whole_disk<'a>(block: &'a Block, part: &Device) -> Option<&'a Device> {
    let disk = block.devices.get(part.sits_on.first()?)?;
    let number = |part: &Device| part.slot.as_ref().map(|slot| slot.number);
    let mut numbers: Vec<u64> = block.holders(&disk.path).filter_map(number).collect();
    numbers.sort_unstable();
    let named = || {
        let of = |(name, path): (&String, &String)| {
            *path == part.path && name.starts_with("/dev/disk/by-partlabel/zfs-")
        };
        block.names.iter().any(of)
    };
    let whole = numbers == [1, 9] || numbers == [1] && named();
    (whole && number(part) == Some(1)).then_some(disk)
}
