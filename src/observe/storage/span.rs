//! Which devices a btrfs lies on: from the kernel while it is open, from the signatures while it is not. Only files
//! are read, no program is run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::superblock;
use crate::exec::System;
use crate::machine::block::{Block, Content, FileSystem, Uuid};
use crate::machine::span::Span;
use crate::plan::Failure;

const SYSFS: &str = "/sys/fs/btrfs";

/// A btrfs that the kernel has open.
#[derive(Debug)]
pub(super) struct Open {
    uuid: String,
    label: Option<String>,
    used: Option<u64>,
    /// By the kernel's names.
    pub(super) devices: BTreeSet<String>,
}

impl Open {
    /// What is on one of its devices. How large its part there is says its superblock, which is written whenever that
    /// changes; label and use the kernel knows better.
    pub(super) fn content(&self, path: &str, system: &dyn System) -> Content {
        let uuid = Uuid::Known(self.uuid.clone());
        let written = superblock::read("btrfs", path, system).map(|block| block.found);
        let known = written.filter(|found| found.uuid == uuid).unwrap_or_else(|| FileSystem::new("btrfs"));
        Content::FileSystem(FileSystem { uuid, label: self.label.clone(), used: self.used, ..known })
    }
}

pub(super) fn open(system: &dyn System) -> Result<Vec<Open>, Failure> {
    let list = |path: &str| {
        system.list(Path::new(path)).map_err(|error| Failure::new(format!("cannot list {path}: {error}")))
    };
    let read = |path: String| {
        let bytes = system.read(Path::new(&path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).trim_end_matches('\n').to_owned())
    };
    let mut found = Vec::new();
    // Beside the file systems there is `features`.
    for uuid in list(SYSFS)?.into_iter().filter(|name| name.len() == 36) {
        let folder = format!("{SYSFS}/{uuid}");
        let used = |kind: &str| read(format!("{folder}/allocation/{kind}/bytes_used"))?.parse::<u64>().ok();
        let used = ["data", "metadata", "system"].into_iter().map(used).sum();
        let label = read(format!("{folder}/label")).filter(|label| !label.is_empty());
        let devices = list(&format!("{folder}/devices"))?.into_iter().collect();
        found.push(Open { uuid, label, used, devices });
    }
    Ok(found)
}

/// Every btrfs of the host with its devices. `mounted` are the kernel's names of devices that are seen mounted.
pub(super) fn all(
    block: &Block,
    open: &[Open],
    keys: &BTreeMap<&str, String>,
    mounted: &BTreeSet<String>,
) -> Vec<Span> {
    let mut spans: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for device in block.devices.values() {
        if let Content::FileSystem(FileSystem { kind, uuid: Uuid::Known(uuid), .. }) = &device.content
            && kind == "btrfs"
        {
            spans.entry(uuid).or_default().push(device.path.clone());
        }
    }
    spans
        .into_iter()
        .map(|(uuid, mut devices)| {
            let opened = open.iter().find(|one| one.uuid == uuid);
            let names = opened.into_iter().flat_map(|one| &one.devices);
            devices.extend(names.filter_map(|name| keys.get(name.as_str()).cloned()));
            let elsewhere = opened.is_some_and(|one| one.devices.is_disjoint(mounted));
            Span { elsewhere, ..Span::new("btrfs", Uuid::Known(uuid.to_owned()), devices) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;
    use crate::machine::block::{Device, DeviceKind};

    const UUID: &str = "4e3e2e41-cc18-4aa6-9696-48aab538995c";

    #[test]
    fn the_kernel_names_devices_that_udev_does_not_know() {
        let folder = format!("/sys/fs/btrfs/{UUID}");
        let size = 800_u64 << 20;
        let identity: Vec<u8> = UUID
            .replace('-', "")
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        let start = 64 << 10;
        let written: [(u64, &[u8]); 3] =
            [(start + 32, &identity), (start + 64, b"_BHRfS_M"), (start + 209, &size.to_le_bytes())];
        let system = Transcript::new()
            .device("/dev/vdb", 1 << 30, &written)
            .file("/sys/fs/btrfs/features/raid1c34", "0\n")
            .file(&format!("{folder}/label"), "pool\n")
            .file(&format!("{folder}/allocation/data/bytes_used"), "100\n")
            .file(&format!("{folder}/allocation/metadata/bytes_used"), "20\n")
            .file(&format!("{folder}/allocation/system/bytes_used"), "3\n")
            .link(&format!("{folder}/devices/vdb"), "/sys/block/vdb")
            .link(&format!("{folder}/devices/vdd"), "/sys/block/vdd");
        let open = open(&system).unwrap();
        assert_eq!(open.len(), 1);
        let Content::FileSystem(found) = open[0].content("/dev/vdb", &system) else { panic!() };
        assert_eq!((found.label.as_deref(), found.used, found.size), (Some("pool"), Some(123), Some(size)));

        let mut block = Block::default();
        for path in ["/dev/vdb", "/dev/vdd"] {
            let device = Device {
                content: open[0].content(path, &system),
                ..Device::new(path, DeviceKind::Disk, 1 << 30)
            };
            block.devices.insert(path.into(), device);
        }
        let keys = BTreeMap::from([("vdb", "/dev/vdb".to_owned()), ("vdd", "/dev/vdd".to_owned())]);
        let spans = all(&block, &open, &keys, &BTreeSet::from(["vdb".to_owned()]));
        assert_eq!(spans[0].devices, ["/dev/vdb", "/dev/vdd"]);
        assert!(!spans[0].elsewhere);
        assert!(all(&block, &open, &keys, &BTreeSet::new())[0].elsewhere);
    }
}
