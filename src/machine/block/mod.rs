//! Block devices, how they sit on each other, and what is on them.
//!
//! Devices are known by names that last: disks by their kernel path, arrays as `/dev/md/NAME`, logical volumes as
//! `/dev/VG/LV`. All other names are ways to look one up. A device that cannot be found is an error of whoever asks.

mod content;
mod device;
mod effect;
mod known;
mod uuid;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use content::{Content, FileSystem};
pub use device::{Device, DeviceKind, Slot, logical_path, partition_path};
pub use effect::BlockEffect;
pub use known::Known;
pub use uuid::Uuid;

use super::array::Array;
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
            let has = |device: &&Device| match (&device.content, by) {
                (content, "UUID") => content.uuid() == Some(value),
                (Content::FileSystem(found), "LABEL") => found.label.as_deref() == Some(value),
                (Content::Other { label, .. }, "LABEL") => label.as_deref() == Some(value),
                _ => false,
            };
            // Of several devices with one file system udev's link names any, also one that is about to leave it.
            let linked = self.find(&format!("/dev/disk/by-{}/{value}", by.to_ascii_lowercase()));
            return linked.filter(has).or_else(|| self.devices.values().find(has)).or(linked);
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

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn a_label_names_a_device_that_has_it() {
        let mut block = Block::default();
        let label = Some("pool".to_owned());
        let member = FileSystem { label, ..FileSystem::new("btrfs") };
        for path in ["/dev/vdc", "/dev/vdd", "/dev/vde"] {
            let content = Content::FileSystem(member.clone());
            let device = Device { content, ..Device::new(path, DeviceKind::Disk, 1) };
            block.devices.insert(path.to_owned(), device);
        }
        block.names.insert("/dev/disk/by-label/pool".to_owned(), "/dev/vdd".to_owned());
        let found = |block: &Block| block.find("LABEL=pool").map(|device| device.path.clone());
        assert_eq!(found(&block).as_deref(), Some("/dev/vdd"));
        // It leaves the file system.
        let content = Content::Blank { table: false };
        BlockEffect::Content { path: "/dev/vdd".to_owned(), content }.apply(&mut block);
        assert_eq!(found(&block).as_deref(), Some("/dev/vdc"));
    }
}
