//! What lies above block devices: volume groups, mounts, exports. Their devices get the names that last.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ask, unread};
use crate::exec::System;
use crate::machine::block::Block;
use crate::machine::exports::Exports;
use crate::machine::lvm::Lvm;
use crate::machine::mounts::Mounts;
use crate::plan::Failure;
use crate::tools::{exportfs, fstab, lvm as lvm_tool, mountinfo};

/// The lasting name of a device, or the name as it is.
fn lasting(block: &Block, name: &str) -> String {
    block.find(name).map_or_else(|| name.to_owned(), |device| device.path.clone())
}

/// The lasting name of what is mounted: of several devices the one that speaks for all.
fn source(block: &Block, name: &str) -> String {
    block.lead(&lasting(block, name)).to_owned()
}

pub(super) fn lvm(block: &Block, system: &dyn System) -> Result<Lvm, Failure> {
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

pub(super) fn mounts(block: &Block, system: &dyn System) -> Result<Mounts, Failure> {
    let read = |path: &str| match system.read(Path::new(path)) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(Failure::new(format!("cannot read {path}: {error}"))),
    };
    let mounted = mountinfo::parse(&read("/proc/self/mountinfo")?).map_err(unread)?;
    let live = mounted.into_iter().map(|mut one| {
        // Some file systems have numbers of their own; their source still names the device.
        let named = block.names.get(&one.number).cloned();
        one.live.source = named.unwrap_or_else(|| match one.live.source.starts_with("/dev/") {
            true => source(block, &one.live.source),
            false => one.live.source.clone(),
        });
        one.live
    });
    Ok(Mounts {
        live: live.collect(),
        fstab: fstab::parse(&read("/etc/fstab")?).map_err(unread)?,
        swaps: mountinfo::parse_swaps(&read("/proc/swaps")?)
            .iter()
            .map(|swap| lasting(block, swap))
            .collect(),
        occupied: BTreeMap::new(),
        systemd: system.stat(Path::new("/run/systemd/system")).is_ok_and(|found| found.is_some()),
    })
}

pub(super) fn exports(system: &dyn System) -> Result<Exports, Failure> {
    let Some(output) = ask(&exportfs::list(), system)? else { return Ok(Exports::default()) };
    exportfs::parse(&output.text()).map_err(unread)
}

/// Looks into folders that are to be mounted over.
pub(super) fn look_into(mounts: &mut Mounts, folders: &[String], system: &dyn System) -> Result<(), Failure> {
    for folder in folders {
        if mounts.occupied.contains_key(folder) || mounts.at(folder).is_some() {
            continue;
        }
        let names = match system.list(Path::new(folder)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Vec::new(),
            names => names.map_err(|error| Failure::new(format!("cannot list {folder}: {error}")))?,
        };
        mounts.occupied.insert(folder.clone(), !names.is_empty());
    }
    Ok(())
}
