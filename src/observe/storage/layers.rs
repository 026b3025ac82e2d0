//! What lies above block devices: volume groups, mounts, exports. Their devices get the names that last.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{ask, unread};
use crate::exec::System;
use crate::machine::Needs;
use crate::machine::block::{Block, Content, Device};
use crate::machine::exports::Exports;
use crate::machine::lvm::Lvm;
use crate::machine::mounts::Mounts;
use crate::machine::swap::{Area, Memory};
use crate::plan::Failure;
use crate::tools::{crypttab, exportfs, fstab, lvm as lvm_tool, mountinfo, procfs, swap};
use crate::units::KIB;

/// The lasting name of a device, or the name as it is.
fn lasting(block: &Block, name: &str) -> String {
    block.find(name).map_or_else(|| name.to_owned(), |device| device.path.clone())
}

/// The lasting name of what is mounted: of several devices the one that speaks for all.
fn source(block: &Block, name: &str) -> String {
    block.lead(&lasting(block, name)).to_owned()
}

pub(super) fn lvm(block: &Block, system: &dyn System) -> Result<Lvm, Failure> {
    if !block.devices.values().any(may_be_physical) {
        return Ok(Lvm::default());
    }
    let Some(output) = ask(&lvm_tool::report(), system)? else { return Ok(Lvm::default()) };
    let mut lvm = lvm_tool::parse(&output.text()).map_err(unread)?;
    lvm.rename_devices(|device| lasting(block, device));
    // LVM's own report leaves out all but one of several devices with the same identity.
    let mut carriers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (device, uuid) in &block.physical {
        carriers.entry(uuid).or_default().push(device.clone());
    }
    lvm.duplicates = carriers.into_values().filter(|devices| devices.len() > 1).collect();
    Ok(lvm)
}

/// Whether LVM could know a device. Where it knows none it has nothing to report, and that takes it long.
fn may_be_physical(device: &Device) -> bool {
    let other = matches!(device.content, Content::Physical | Content::Other { .. } | Content::Unknown { .. });
    other && device.size > 0
}

pub(super) fn mounts(block: &Block, system: &dyn System) -> Result<Mounts, Failure> {
    let mounted = mountinfo::parse(&read("/proc/self/mountinfo", system)?).map_err(unread)?;
    let live = mounted.into_iter().map(|mut one| {
        // Some file systems have numbers of their own; their source still names the device.
        let named = block.names.get(&one.number).cloned();
        one.live.source = named.unwrap_or_else(|| match one.live.source.starts_with("/dev/") {
            true => source(block, &one.live.source),
            false => one.live.source.clone(),
        });
        one.live
    });
    let table = fstab::parse(&read(fstab::PATH, system)?);
    Ok(Mounts {
        live: live.collect(),
        fstab: table.entries,
        unread: table.unread,
        swaps: swaps(block, system)?,
        systemd: system.stat(Path::new("/run/systemd/system")).is_ok_and(|found| found.is_some()),
        unread_by_systemd: unread_by_systemd(system),
        ..Mounts::default()
    })
}

/// Whether a table is newer than the units that systemd made of it: it makes the folder of those anew each time
/// (systemd.generator(7)). A table from the future says nothing.
fn unread_by_systemd(system: &dyn System) -> bool {
    let time = |path: &str| Some(system.stat(Path::new(path)).ok()??.modified);
    let Some(made) = time("/run/systemd/generator") else { return false };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
    [fstab::PATH, crypttab::PATH]
        .iter()
        .filter_map(|table| time(table))
        .any(|written| written > made && written <= now)
}

fn read(path: &str, system: &dyn System) -> Result<String, Failure> {
    match system.read(Path::new(path)) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Failure::new(format!("cannot read {path}: {error}"))),
    }
}

fn swaps(block: &Block, system: &dyn System) -> Result<Vec<Area>, Failure> {
    let mut areas = swap::parse(&read("/proc/swaps", system)?).map_err(unread)?;
    for area in &mut areas {
        area.path = lasting(block, &area.path);
    }
    Ok(areas)
}

/// The memory of this moment, and how much is swapped out.
pub(super) fn memory(block: &Block, mounts: &mut Mounts, system: &dyn System) -> Result<Memory, Failure> {
    mounts.swaps = swaps(block, system)?;
    let known = procfs::meminfo(&read("/proc/meminfo", system)?);
    // Kernels before 3.14 do not say what is available.
    let available = known.get("MemAvailable").or_else(|| known.get("MemFree")).copied().unwrap_or(0);
    Ok(Memory { available: available.saturating_mul(KIB) })
}

pub(super) fn exports(system: &dyn System) -> Result<Exports, Failure> {
    let Some(output) = ask(&exportfs::list(), system)? else { return Ok(Exports::default()) };
    exportfs::parse(&output.text()).map_err(unread)
}

/// Looks into folders that are to be mounted over and files that are to be swapped to. What was seen earlier in a run
/// is looked at again: files come and go.
pub(super) fn look_into(mounts: &mut Mounts, needs: &Needs, system: &dyn System) -> Result<(), Failure> {
    for path in &needs.swap_files {
        let length = swap::SIGNATURE.len();
        let made = match system.read_at(Path::new(path), swap::SIGNATURE_AT, length) {
            Ok(bytes) => bytes == swap::SIGNATURE,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => false,
            Err(error) => return Err(Failure::new(format!("cannot look into {path}: {error}"))),
        };
        mounts.swap_files.insert(path.clone(), made);
    }
    for folder in &needs.mount_points {
        if mounts.at(folder).is_some() || mounts.waits_at(folder) {
            continue;
        }
        let names = match system.list(Path::new(folder)) {
            Err(error) if error.kind() == ErrorKind::NotADirectory => Vec::new(),
            names => names.map_err(|error| Failure::new(format!("cannot list {folder}: {error}")))?,
        };
        mounts.occupied.insert(folder.clone(), !names.is_empty());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Status, Transcript};
    use crate::machine::block::DeviceKind;

    #[test]
    fn lvm_is_asked_where_a_device_could_be_one_of_its() {
        let looked = |content: Content| {
            let mut block = Block::default();
            let device = Device { content, ..Device::new("/dev/vdb", DeviceKind::Disk, 1 << 30) };
            block.devices.insert(device.path.clone(), device);
            let report = lvm_tool::report().to_string();
            lvm(&block, &Transcript::new().ends(&report, Status::Code(5), "", "")).is_err()
        };
        assert!(
            looked(Content::Physical) && looked(Content::Unknown { why: "several signatures".to_owned() })
        );
        assert!(
            !looked(Content::Blank { table: false })
                && !looked(Content::Partitions { table: "gpt".to_owned() })
        );
    }
}
