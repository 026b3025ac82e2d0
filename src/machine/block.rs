//! Block devices, how they sit on each other, and what is on them.
//!
//! Devices are known by names that last: disks by their kernel path, arrays as `/dev/md/NAME`, logical volumes as
//! `/dev/VG/LV`. All other names are ways to look one up. A device that cannot be found is an error of whoever asks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::array::{Array, Stripe};
use super::membership::Part;
use super::span::Span;
use super::unfinished::Unfinished;

/// All block devices of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Block {
    /// By lasting name.
    pub devices: BTreeMap<String, Device>,
    /// Every other name, as far as the host has links for it: `/dev/disk/by-id/...`, `/dev/md127`.
    pub names: BTreeMap<String, String>,
    /// The superblocks of members whose array does not run, by device.
    pub parts: BTreeMap<String, Part>,
    /// The arrays that mdadm.conf names: they have the same name after a reboot.
    pub registered: Vec<Registered>,
    /// What an earlier run had begun on devices and did not finish.
    pub unfinished: Vec<Unfinished>,
    /// File systems that lie on several devices, or on one and could on more.
    pub spans: Vec<Span>,
    /// The UUIDs that LVM physical volumes carry, by lasting name: two with the same are copies of each other.
    pub physical: BTreeMap<String, String>,
    /// Devices that a ZFS pool has which is imported, by lasting name, and the pool.
    pub pooled: BTreeMap<String, String>,
}

/// A block device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub path: String,
    pub kind: DeviceKind,
    /// Bytes.
    pub size: u64,
    /// Bytes of a logical sector.
    pub sector: u64,
    pub serial: Option<String>,
    pub wwn: Option<String>,
    pub model: Option<String>,
    pub read_only: bool,
    /// Whether its medium, or the disk itself, is meant to be taken out.
    pub removable: bool,
    /// Whether it turns, as far as the kernel knows.
    pub rotational: Option<bool>,
    /// Which partition it is, where it is one.
    pub slot: Option<Slot>,
    /// What it is made of: the disk of a partition, the members of an array, the devices of a volume group.
    pub sits_on: Vec<String>,
    pub content: Content,
    pub array: Option<Array>,
}

impl Device {
    /// A device with nothing on it and nothing below it.
    pub fn new(path: impl Into<String>, kind: DeviceKind, size: u64) -> Self {
        Self {
            path: path.into(),
            kind,
            size,
            sector: 512,
            serial: None,
            wwn: None,
            model: None,
            read_only: false,
            removable: false,
            rotational: None,
            slot: None,
            sits_on: Vec::new(),
            content: Content::Blank { table: false },
            array: None,
        }
    }

    /// Whether that is its WWN, however it is written: `0x5000...`, `naa.5000...`, `eui.0025...`.
    pub fn has_wwn(&self, wanted: &str) -> bool {
        let plain = |wwn: &str| {
            let lower = wwn.trim().to_ascii_lowercase();
            let short = ["0x", "naa.", "wwn-0x", "wwn-"].iter().find_map(|prefix| lower.strip_prefix(prefix));
            short.map_or(lower.clone(), str::to_owned)
        };
        self.wwn.as_deref().is_some_and(|wwn| plain(wwn) == plain(wanted))
    }
}

/// Where a partition lies on its disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    pub number: u64,
    /// Bytes from the beginning of the disk.
    pub start: u64,
    /// The serial of the disk.
    pub serial: Option<String>,
}

/// The kinds of block devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    Disk,
    Partition,
    Array,
    /// A logical volume.
    Logical,
    /// Anything else: encrypted, multipath, loop.
    Other,
}

impl DeviceKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Partition => "partition",
            Self::Array => "array",
            Self::Logical => "logical volume",
            Self::Other => "device",
        }
    }
}

/// An identity that is made at random when its owner is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Uuid {
    Known(String),
    /// The owner does not exist yet.
    Late,
}

impl Uuid {
    /// Whether two can be the same: one that is not known yet can be any.
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(left), Self::Known(right)) => left.eq_ignore_ascii_case(right),
            _ => true,
        }
    }

    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(uuid) => Some(uuid),
            Self::Late => None,
        }
    }
}

/// What is on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Proven empty; with `table`, but for a partition table without partitions.
    Blank {
        table: bool,
    },
    FileSystem(FileSystem),
    /// A part of an array, assembled or not.
    Member {
        array: Uuid,
        name: String,
    },
    /// An LVM physical volume.
    Physical,
    /// A partition table with partitions.
    Partitions {
        table: String,
    },
    /// Another signature: LUKS, ZFS, ...
    Other {
        kind: String,
        uuid: Option<String>,
        label: Option<String>,
    },
    /// No signature is known, and still it is not empty or cannot be told.
    Unknown {
        why: String,
    },
}

/// A file system, or a swap area: bytes in a known form under a UUID and a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystem {
    /// `xfs`, `ext4`, `swap`, ...
    pub kind: String,
    pub uuid: Uuid,
    pub label: Option<String>,
    /// Bytes it manages, where that is known.
    pub size: Option<u64>,
    /// Bytes in use, where that is known.
    pub used: Option<u64>,
    pub stripe: Option<Stripe>,
    /// What else its superblock says and somebody may want otherwise: `block_size`, `reflink`, `reserved`. Bytes,
    /// seconds and percent are numbers alone. Not held to a prediction: a module that sets one looks again.
    pub properties: BTreeMap<String, String>,
}

impl FileSystem {
    /// A file system of which nothing but its kind is known: one that is about to be made.
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            uuid: Uuid::Late,
            label: None,
            size: None,
            used: None,
            stripe: None,
            properties: BTreeMap::new(),
        }
    }

    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    pub fn put(&mut self, name: &str, value: &impl ToString) {
        self.properties.insert(name.to_owned(), value.to_string());
    }
}

impl Content {
    /// In words: `an xfs file system labelled images`.
    pub fn describe(&self) -> String {
        let labelled = |label: &Option<String>| {
            label
                .as_ref()
                .filter(|label| !label.is_empty())
                .map(|label| format!(" labelled `{label}`"))
                .unwrap_or_default()
        };
        match self {
            Self::Blank { table: false } => "nothing".to_owned(),
            Self::Blank { table: true } => "an empty partition table".to_owned(),
            Self::FileSystem(found) if found.kind == "swap" => {
                format!("a swap area{}", labelled(&found.label))
            }
            Self::FileSystem(found) => format!("file system {}{}", found.kind, labelled(&found.label)),
            Self::Member { name, .. } if name.is_empty() => "a member of an array".to_owned(),
            Self::Member { name, .. } => format!("a member of the array `{name}`"),
            Self::Physical => "an LVM physical volume".to_owned(),
            Self::Partitions { table } => format!("a {table} partition table with partitions"),
            Self::Other { kind, label, .. } => format!("{kind}{}", labelled(label)),
            Self::Unknown { why } => format!("unknown content ({why})"),
        }
    }

    pub fn uuid(&self) -> Option<&str> {
        match self {
            Self::FileSystem(found) => found.uuid.known(),
            Self::Member { array, .. } => array.known(),
            Self::Other { uuid, .. } => uuid.as_deref(),
            _ => None,
        }
    }

    /// Whether an observed content is what was predicted.
    fn agrees(&self, found: &Self) -> bool {
        match (self, found) {
            (Self::FileSystem(want), Self::FileSystem(found)) => {
                want.kind == found.kind && want.label == found.label && want.uuid.agrees(&found.uuid)
            }
            (Self::Member { array: want, .. }, Self::Member { array: found, .. }) => want.agrees(found),
            (Self::Other { uuid: None, .. }, Self::Other { kind, label, .. }) => {
                *self == Self::Other { kind: kind.clone(), uuid: None, label: label.clone() }
            }
            // A swap area is made under a new UUID, and seen as a signature that is no file system.
            (Self::FileSystem(want), Self::Other { kind, label, .. }) => {
                want.kind == *kind && want.label == *label
            }
            _ => self == found,
        }
    }
}

/// An `ARRAY` line of mdadm.conf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// The device node it asks for.
    pub path: String,
    pub uuid: Uuid,
    /// The line as it is written there; a late name stands for a UUID that is not known yet.
    pub line: String,
}

impl Block {
    /// The device of a name, by any of its names, its serial or its WWN.
    pub fn find(&self, name: &str) -> Option<&Device> {
        if let Some(device) = self.devices.get(name) {
            return Some(device);
        }
        if let Some(path) = self.names.get(name) {
            return self.devices.get(path);
        }
        if let Some(mapped) = name.strip_prefix("/dev/mapper/").and_then(logical_path) {
            return self.devices.get(&mapped);
        }
        if let Some(array) = name.strip_prefix("/dev/md/") {
            // Assembled under another node, it is still that array.
            return self.array(array).map(|(device, _)| device);
        }
        if let Some((by, value)) = name.split_once('=') {
            return self.find(&format!("/dev/disk/by-{}/{value}", by.to_ascii_lowercase())).or_else(|| {
                self.devices.values().find(|device| match (&device.content, by) {
                    (content, "UUID") => content.uuid() == Some(value),
                    (Content::FileSystem(found), "LABEL") => found.label.as_deref() == Some(value),
                    (Content::Other { label, .. }, "LABEL") => label.as_deref() == Some(value),
                    _ => false,
                })
            });
        }
        if name.starts_with('/') {
            // udev has no link yet for a partition that is only foreseen.
            let (disk, number) = name.rsplit_once("-part").filter(|_| name.starts_with("/dev/disk/by-"))?;
            let disk = self.devices.get(self.names.get(disk)?)?;
            return self.devices.get(&partition_path(&disk.path, number.parse().ok()?));
        }
        // Two disks with one serial are no identity.
        match self.twins(name).as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// The disks of that serial or WWN: one, where all is well.
    pub fn twins(&self, name: &str) -> Vec<&Device> {
        let disks = self.devices.values().filter(|device| device.kind == DeviceKind::Disk);
        disks.filter(|disk| disk.serial.as_deref() == Some(name) || disk.has_wwn(name)).collect()
    }

    /// The device of a container, by any of its names or by the mapping it is open as.
    pub fn container(&self, name: &str) -> Option<&Device> {
        let found = self.find(name)?;
        match found.sits_on.as_slice() {
            [below] if found.kind == DeviceKind::Other && found.path.starts_with("/dev/mapper/") => {
                // A container may lie on such a device itself.
                let itself =
                    matches!(&found.content, Content::Other { kind, .. } if kind == super::luks::KIND);
                if itself { Some(found) } else { self.find(below) }
            }
            _ => Some(found),
        }
    }

    /// What sits directly on a device.
    pub fn holders<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Device> {
        self.devices.values().filter(move |device| device.sits_on.iter().any(|below| below == path))
    }

    /// Gives a device another name, below and above.
    fn rename(&mut self, from: &str, to: &str) {
        let Some(mut device) = self.devices.remove(from) else { return };
        to.clone_into(&mut device.path);
        self.devices.insert(to.to_owned(), device);
        let uses = self.devices.values_mut().flat_map(|device| &mut device.sits_on);
        let names = uses.chain(self.names.values_mut());
        names.filter(|name| *name == from).for_each(|name| to.clone_into(name));
        self.names.insert(from.to_owned(), to.to_owned());
        self.names.remove(to);
    }

    /// The ZFS pool that has a device, also one that it has for nothing: the end of a disk that it has as a whole.
    pub fn pool_of(&self, device: &Device) -> Option<&str> {
        let whole = || {
            device.slot.as_ref().filter(|slot| slot.number == 9)?;
            let disk = device.sits_on.first()?;
            self.holders(disk).find_map(|part| self.pooled.get(&part.path))
        };
        self.pooled.get(&device.path).or_else(whole).map(String::as_str)
    }

    /// The array of that name.
    pub fn array(&self, name: &str) -> Option<(&Device, &Array)> {
        let found = self.devices.get(&format!("/dev/md/{name}")).or_else(|| {
            self.devices.values().find(|device| device.array.as_ref().is_some_and(|array| array.name == name))
        })?;
        found.array.as_ref().map(|array| (found, array))
    }
}

/// The kernel's path of a disk's partition: `/dev/vdb1`, `/dev/nvme0n1p1`.
pub fn partition_path(disk: &str, number: u64) -> String {
    let between = if disk.ends_with(|last: char| last.is_ascii_digit()) { "p" } else { "" };
    format!("{disk}{between}{number}")
}

/// `/dev/vg/lv` of a device-mapper name: `vg_kvm-iso--x` is `/dev/vg_kvm/iso-x`. What LVM layers below a volume has a
/// third part, `vg-lv-real`, and no path of its own.
pub fn logical_path(mapped: &str) -> Option<String> {
    // A hyphen within a name is doubled; U+0000 is in no name.
    let parts = mapped.replace("--", "\0");
    let (group, volume) = parts.split_once('-')?;
    let plain = |text: &str| text.replace('\0', "-");
    (!group.is_empty() && !volume.is_empty() && !volume.contains('-'))
        .then(|| format!("/dev/{}/{}", plain(group), plain(volume)))
}

/// What an action does to block devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockEffect {
    /// The device is there, like this. What is on it is said separately.
    Put(Box<Device>),
    Content {
        path: String,
        content: Content,
    },
    Gone {
        path: String,
    },
    /// A device that is there gets the name that lasts; it keeps what is on it and above it.
    Renamed {
        from: String,
        to: String,
    },
    /// udev makes a link to the device.
    Named {
        name: String,
        path: String,
    },
    Registered(Registered),
    Unregistered {
        path: String,
    },
    /// A ZFS pool has the device from now on, or none has.
    Pooled {
        path: String,
        pool: Option<String>,
    },
    /// A file system that lay on the devices `before` lies on these from now on, or nowhere.
    Span {
        before: Vec<String>,
        span: Option<Span>,
    },
}

impl BlockEffect {
    pub fn apply(&self, block: &mut Block) {
        match self {
            Self::Put(device) => {
                let content = block.devices.get(&device.path).map(|old| old.content.clone());
                let mut device = (**device).clone();
                if let Some(content) = content {
                    device.content = content;
                }
                let members = device.array.iter().flat_map(|array| &array.members);
                members.for_each(|member| drop(block.parts.remove(&member.device)));
                block.devices.insert(device.path.clone(), device);
            }
            Self::Content { path, content } => {
                if let Some(device) = block.devices.get_mut(path) {
                    device.content = content.clone();
                }
                if !matches!(content, Content::Member { .. }) {
                    block.parts.remove(path);
                }
            }
            Self::Gone { path } => {
                block.devices.remove(path);
                block.names.retain(|_, to| to != path);
            }
            Self::Renamed { from, to } => block.rename(from, to),
            Self::Named { name, path } => {
                block.names.insert(name.clone(), path.clone());
            }
            Self::Registered(line) => {
                block.registered.retain(|old| old.path != line.path);
                block.registered.push(line.clone());
            }
            Self::Unregistered { path } => block.registered.retain(|old| old.path != *path),
            Self::Pooled { path, pool } => match pool {
                Some(pool) => drop(block.pooled.insert(path.clone(), pool.clone())),
                None => drop(block.pooled.remove(path)),
            },
            Self::Span { before, span } => block.put_span(before, span.as_ref()),
        }
    }

    pub fn holds(&self, block: &Block) -> Result<(), String> {
        match self {
            Self::Put(want) => {
                let found =
                    block.devices.get(&want.path).ok_or_else(|| format!("{} is not there", want.path))?;
                if found.size != want.size {
                    return Err(format!("{} has {} bytes, not {}", want.path, found.size, want.size));
                }
                match (&want.array, &found.array) {
                    (Some(wanted), Some(array)) => wanted.agrees(&want.path, array),
                    (Some(_), None) => Err(format!("{} is no array", want.path)),
                    (None, _) => Ok(()),
                }
            }
            Self::Content { path, content } => {
                let found = block.devices.get(path).ok_or_else(|| format!("{path} is not there"))?;
                if content.agrees(&found.content) {
                    return Ok(());
                }
                Err(format!("{path} holds {}, not {}", found.content.describe(), content.describe()))
            }
            Self::Gone { path } if block.devices.contains_key(path) => Err(format!("{path} is still there")),
            Self::Renamed { from, to } => {
                let there = block.devices.get(to).and_then(|device| device.array.as_ref());
                let stays = block.devices.contains_key(from);
                if there.is_some() && !stays { Ok(()) } else { Err(format!("{from} has no name {to}")) }
            }
            Self::Named { name, path } if block.names.get(name) != Some(path) => {
                Err(format!("{name} does not lead to {path}"))
            }
            Self::Registered(line) => {
                let known = block.devices.get(&line.path).and_then(|device| device.array.as_ref());
                let known =
                    known.map(|array| &array.uuid).or(Some(&line.uuid).filter(|uuid| uuid.known().is_some()));
                let there = block.registered.iter().any(|found| {
                    found.path == line.path && known.is_some_and(|uuid| uuid.agrees(&found.uuid))
                });
                if there { Ok(()) } else { Err(format!("mdadm.conf does not name {}", line.path)) }
            }
            Self::Unregistered { path } if block.registered.iter().any(|found| found.path == *path) => {
                Err(format!("mdadm.conf still names {path}"))
            }
            Self::Pooled { path, pool } if block.pooled.get(path) != pool.as_ref() => {
                Err(format!("{path} belongs to the pool {:?}, not to {pool:?}", block.pooled.get(path)))
            }
            Self::Span { before, span } => block.holds_span(before, span.as_ref()),
            Self::Gone { .. } | Self::Named { .. } | Self::Pooled { .. } | Self::Unregistered { .. } => {
                Ok(())
            }
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Gone { path }, Self::Put(device)) => *path == device.path,
            (Self::Put(later), Self::Put(earlier)) => later.path == earlier.path,
            (Self::Put(later), Self::Gone { path }) => later.path == *path,
            (Self::Gone { path } | Self::Renamed { from: path, .. }, Self::Renamed { to, .. }) => path == to,
            (Self::Renamed { from, .. }, Self::Put(device)) => device.path == *from,
            (Self::Renamed { from, .. }, Self::Content { path, .. }) => path == from,
            (Self::Gone { path }, Self::Named { path: other, .. })
            | (Self::Pooled { path, .. }, Self::Pooled { path: other, .. }) => path == other,
            (Self::Named { name, .. }, Self::Named { name: other, .. }) => name == other,
            (Self::Gone { path } | Self::Content { path, .. }, Self::Content { path: other, .. }) => {
                path == other
            }
            (Self::Registered(line), Self::Unregistered { path })
            | (Self::Unregistered { path }, Self::Registered(line)) => *path == line.path,
            (Self::Registered(later), Self::Registered(earlier)) => later.path == earlier.path,
            (Self::Span { before, .. }, Self::Span { span: Some(earlier), .. }) => {
                earlier.devices.iter().any(|device| before.contains(device))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_mapper_names_are_read_back() {
        assert_eq!(logical_path("vg_kvm-iso--x").as_deref(), Some("/dev/vg_kvm/iso-x"));
        assert_eq!(logical_path("a--b-c").as_deref(), Some("/dev/a-b/c"));
        assert_eq!(logical_path("vg-lin-real"), None);
        assert_eq!(logical_path("vg-lin--real").as_deref(), Some("/dev/vg/lin-real"));
        assert_eq!((logical_path("luks"), logical_path("-x"), logical_path("x-")), (None, None, None));
    }

    #[test]
    fn a_serial_of_two_disks_names_neither() {
        let disk =
            |path: &str| Device { serial: Some("S".to_owned()), ..Device::new(path, DeviceKind::Disk, 1) };
        let mut block = Block::default();
        BlockEffect::Put(disk("/dev/vda").into()).apply(&mut block);
        assert!(block.find("S").is_some());
        BlockEffect::Put(disk("/dev/vdb").into()).apply(&mut block);
        assert!(block.find("S").is_none());
    }
}
