//! The tree of block devices: one `mdadm` for each array, and a closer look only at what nobody uses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::contents::{self, Busy};
use super::row::{self, Row};
use super::{array, span, unread, zfs};
use crate::exec::System;
use crate::machine::block::{Block, Content, Device, DeviceKind, Known, Slot, logical_path};
use crate::machine::unfinished::{NOTES, Unfinished};
use crate::plan::Failure;
use crate::tools::{mdadm, mountinfo, swap};

/// Folders of links to devices.
const LINKS: [&str; 9] = [
    "/dev/disk/by-id",
    "/dev/disk/by-path",
    "/dev/disk/by-uuid",
    "/dev/disk/by-label",
    "/dev/disk/by-partuuid",
    "/dev/disk/by-partlabel",
    "/dev/disk/by-dname",
    "/dev/mapper",
    "/dev/md",
];

/// Looks at all devices; at what `known` knows not so closely.
pub(super) fn observe(known: Option<&Known>, system: &dyn System) -> Result<Block, Failure> {
    let mut rows = row::all(system)?;
    rows.retain(|row| !array::idle(row, system));
    let mut links = links(system)?;
    if rows.iter().any(is_zvol) {
        zfs::links("/dev/zvol", &mut links, system)?;
    }
    let keys: BTreeMap<&str, String> =
        rows.iter().map(|row| (row.kname.as_str(), key(row, &links))).collect();
    let mut block = Block::default();
    let open = span::open(system)?;
    let mut busy = busy(&rows, system)?;
    let mounted: BTreeSet<String> = busy.keys().cloned().collect();
    for kname in open.iter().flat_map(|one| &one.devices) {
        busy.entry(kname.clone()).or_default();
    }
    let proven = |row: &Row| known?.content(&keys[row.kname.as_str()], row.size).cloned();
    let contents = contents::all(&rows, &busy, &open, proven, system);
    for (row, content) in rows.iter().zip(contents) {
        let path = &keys[row.kname.as_str()];
        let running = if row.kind.starts_with("raid") || row.kname.starts_with("md") && row.kind != "part" {
            match known.and_then(|known| known.array(path)) {
                Some(array) => Some(array.clone()),
                None => array::running(row, &keys, system)?,
            }
        } else {
            None
        };
        // An array that does not run is no device, but it holds its members.
        let held = contents::children(row, &rows).next().is_some();
        if let (Content::Member { .. }, false) = (&content, held)
            && let Some(part) = array::part(row, system)?
        {
            block.parts.insert(path.clone(), part);
        }
        if let (Content::Physical, Some(uuid)) = (&content, &row.uuid) {
            block.physical.insert(path.clone(), uuid.clone());
        }
        for name in [row.path.clone(), format!("/dev/{}", row.kname), row.number.clone()] {
            if name != *path {
                block.names.insert(name, path.clone());
            }
        }
        block.devices.insert(
            path.clone(),
            Device {
                path: path.clone(),
                kind: kind(row),
                size: row.size,
                sector: row.sector,
                serial: row.serial.clone(),
                wwn: row.wwn.clone(),
                model: row.model.clone(),
                read_only: row.read_only,
                removable: row.removable,
                rotational: row.rotational,
                slot: slot(row, &rows, system),
                sits_on: row.parents.iter().filter_map(|parent| keys.get(parent.as_str()).cloned()).collect(),
                content,
                array: running,
            },
        );
    }
    block.spans = span::all(&block, &open, &keys, &mounted);
    for (link, target) in links {
        let kname = target.strip_prefix("/dev/").unwrap_or(&target);
        if let Some(path) = keys.get(kname).filter(|path| **path != link) {
            block.names.insert(link, path.clone());
        }
    }
    block.pooled = zfs::pooled(&block, system)?;
    match system.read(Path::new(NOTES)) {
        Ok(bytes) => block.unfinished = Unfinished::parse(&String::from_utf8_lossy(&bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        // Whoever may not read the notes may not write to devices either.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {}
        Err(error) => return Err(Failure::new(format!("cannot read {NOTES}: {error}"))),
    }
    for config in ["/etc/mdadm/mdadm.conf", "/etc/mdadm.conf"] {
        match system.read(Path::new(config)) {
            Ok(bytes) => block.registered.extend(mdadm::parse_config(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::new(format!("cannot read {config}: {error}"))),
        }
    }
    Ok(block)
}

/// Every link and the kernel's path it leads to.
fn links(system: &dyn System) -> Result<BTreeMap<String, String>, Failure> {
    let mut links = BTreeMap::new();
    for folder in LINKS {
        let names = system
            .list(Path::new(folder))
            .map_err(|error| Failure::new(format!("cannot list {folder}: {error}")))?;
        for name in names {
            let link = format!("{folder}/{name}");
            // A link may vanish while one looks.
            if let Ok(target) = system.resolve(Path::new(&link)) {
                links.insert(link, target.to_string_lossy().into_owned());
            }
        }
    }
    Ok(links)
}

/// The lasting name of a device.
fn key(row: &Row, links: &BTreeMap<String, String>) -> String {
    let kernel = format!("/dev/{}", row.kname);
    if row.kind == "lvm" {
        return logical_path(&row.name).unwrap_or_else(|| row.path.clone());
    }
    if is_zvol(row) {
        let named = links.iter().find(|(link, target)| link.starts_with("/dev/zvol/") && **target == kernel);
        return named.map_or(kernel, |(link, _)| link.clone());
    }
    if row.kname.starts_with("md") {
        let named = links.iter().find(|(link, target)| link.starts_with("/dev/md/") && **target == kernel);
        return named.map_or(kernel, |(link, _)| link.clone());
    }
    row.path.clone()
}

/// ZFS shows its volumes as disks; nobody looking for disks means them.
fn is_zvol(row: &Row) -> bool {
    row.kname.starts_with("zd") && row.kind == "disk"
}

pub(super) fn kind(row: &Row) -> DeviceKind {
    if is_zvol(row) {
        return DeviceKind::Other;
    }
    match row.kind.as_str() {
        "disk" => DeviceKind::Disk,
        "part" => DeviceKind::Partition,
        "lvm" => DeviceKind::Logical,
        kind if kind.starts_with("raid") || kind == "linear" || kind == "md" => DeviceKind::Array,
        _ => DeviceKind::Other,
    }
}

/// Where a partition lies; the kernel counts in sectors of 512 bytes, whatever the disk does.
fn slot(row: &Row, rows: &[Row], system: &dyn System) -> Option<Slot> {
    let number = |name: &str| row::says(&row.kname, name, system)?.parse::<u64>().ok();
    let disk = rows.iter().find(|other| row.parents.contains(&other.kname)).filter(|_| row.kind == "part")?;
    Some(Slot {
        number: number("partition")?,
        start: number("start")?.checked_mul(512)?,
        serial: disk.serial.clone(),
    })
}

fn busy(rows: &[Row], system: &dyn System) -> Result<Busy, Failure> {
    let read = |path: &str| {
        let bytes = system.read(Path::new(path));
        bytes
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|error| Failure::new(format!("cannot read {path}: {error}")))
    };
    let mounted = mountinfo::parse(&read("/proc/self/mountinfo")?).map_err(unread)?;
    let swaps = swap::parse(&read("/proc/swaps")?).map_err(unread)?;
    // Of several mounts at one folder the last one is on top.
    let seen =
        |at: usize| !mounted[at + 1..].iter().any(|later| later.live.target == mounted[at].live.target);
    let mut busy = Busy::new();
    for row in rows {
        let is = |path: &str| path == row.path || path == format!("/dev/{}", row.kname);
        let own = |one: &mountinfo::Mounted| one.number == row.number || is(&one.live.source);
        let mounts: Vec<usize> = (0..mounted.len()).filter(|at| own(&mounted[*at])).collect();
        if !mounts.is_empty() || swaps.iter().any(|one| is(&one.path)) {
            let target = mounts.into_iter().rfind(|at| seen(*at)).map(|at| mounted[at].live.target.clone());
            busy.insert(row.kname.clone(), target);
        }
    }
    Ok(busy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Status, Transcript};
    use crate::machine::block::Uuid;

    #[test]
    fn a_member_that_udev_has_not_heard_of_yet_is_read() {
        let class = |system: Transcript, kname: &str, files: &[(&str, &str)]| {
            files.iter().fold(system, |system, (name, text)| {
                system.file(&format!("/sys/class/block/{kname}/{name}"), text)
            })
        };
        let system = class(Transcript::new(), "vdc", &[("dev", "254:32\n"), ("size", "2048\n")]);
        let array =
            [("dev", "9:127\n"), ("size", "1024\n"), ("md/level", "raid1\n"), ("slaves/vdc/dev", "254:32\n")];
        let system = class(system, "md127", &array)
            .file("/proc/self/mountinfo", "")
            .file("/proc/swaps", "Filename Type Size Used Priority\n")
            .says(
                "mdadm --detail --export /dev/md127",
                "MD_LEVEL=raid1\nMD_DEVICES=2\nMD_METADATA=1.2\nMD_UUID=6b1a:c2:d3:e4\nMD_NAME=pair\n\
                 MD_DEVICE_dev_vdc_ROLE=0\nMD_DEVICE_dev_vdc_DEV=/dev/vdc\n",
            )
            .says(
                "blkid --probe --output export /dev/vdc",
                "DEVNAME=/dev/vdc\nUUID=6b1a-c2d3\nLABEL=any:pair\nVERSION=1.2\nTYPE=linux_raid_member\nUSAGE=raid\n",
            )
            .ends("blkid --probe --output export /dev/md127", Status::Code(8), "", "");
        let block = observe(None, &system).unwrap();
        let Content::Member { array: Uuid::Known(_), name } = &block.devices["/dev/vdc"].content else {
            panic!("{:?}", block.devices["/dev/vdc"].content)
        };
        assert_eq!(name, "pair");
    }
}
