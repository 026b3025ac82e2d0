//! Everything that reads or writes is ended before anything is destroyed: swap, and mounts from the innermost out.

use serde_json::json;

use super::stack::Stack;
use crate::machine::Machine;
use crate::machine::block::Device;
use crate::machine::mounts::{Live, is_below};
use crate::modules::devices::block;
use crate::modules::mount::{ESSENTIAL, MountPath};
use crate::modules::stages::Stages;
use crate::plan::Refusal;

/// The device of what is mounted at a path, or would be by fstab.
pub(super) fn source<'a>(machine: &'a Machine, path: &str) -> Option<&'a Device> {
    let (block, mounts) = (machine.block.as_ref()?, machine.mounts.as_ref()?);
    match mounts.at(path.trim_end_matches('/')) {
        Some(live) => block.devices.get(&live.source),
        None => {
            let entry = mounts.fstab.iter().find(|entry| !entry.is_swap() && entry.path == path);
            entry.and_then(|entry| entry.device(block))
        }
    }
}

/// The mount points that go, the innermost first; refused where the host itself lives on one.
pub(super) fn targets(machine: &Machine, stack: &Stack, named: &[MountPath]) -> Result<Vec<String>, Refusal> {
    let block = block(machine)?;
    let mounts =
        machine.mounts.as_ref().ok_or_else(|| Refusal::new("the mounts of this host are not known"))?;
    let goes = |path: &str| stack.devices().any(|device| device == path || block.lead(device) == path);
    let ours = |live: &&Live| goes(&live.source);
    let mut targets: Vec<String> = mounts.live.iter().filter(ours).map(|live| live.target.clone()).collect();
    let entries = mounts.fstab.iter().filter(|entry| !entry.is_swap());
    let entries = entries.filter(|entry| entry.device(block).is_some_and(|device| goes(&device.path)));
    targets.extend(entries.map(|entry| entry.path.clone()));
    let known = |path: &str| {
        mounts.at(path).is_some() || mounts.fstab.iter().any(|entry| !entry.is_swap() && entry.path == path)
    };
    targets.extend(named.iter().map(|path| path.to_string()).filter(|path| known(path)));
    targets.sort_by_key(|path| (std::cmp::Reverse(path.matches('/').count()), path.clone()));
    targets.dedup();
    if let Some(path) = targets.iter().find(|path| ESSENTIAL.contains(&path.as_str())) {
        let device = mounts.at(path).map_or("something", |live| &live.source);
        return Err(Refusal::new(format!("{device} is mounted at {path}, and this host lives on it"))
            .help("what the system runs on is never taken away, whatever the consent"));
    }
    if let Some(path) = targets.iter().find(|path| mounts.waits_at(path)) {
        return Err(Refusal::new(format!("{path} is mounted as soon as somebody looks there"))
            .help("end its automount first: `systemctl stop` the unit that `systemctl list-units --type=automount` shows"));
    }
    Ok(targets)
}

/// Swap on the devices, and files to swap to on what goes.
pub(super) fn swap(stages: &mut Stages, stack: &Stack, targets: &[String]) -> Result<(), Refusal> {
    let machine = stages.machine().clone();
    let block = block(&machine)?;
    let Some(mounts) = &machine.mounts else { return Ok(()) };
    let mut paths: Vec<&str> = Vec::new();
    for device in stack.devices() {
        let entry = mounts.fstab.iter().filter(|entry| entry.is_swap());
        let mut entries = entry.filter_map(|entry| entry.device(block));
        if mounts.swapping(device).is_some() || entries.any(|found| found.path == device) {
            paths.push(device);
        }
    }
    let inside = |path: &str| {
        let around = mounts.around(path).map(|live| live.target.as_str());
        around.is_some_and(|around| targets.iter().any(|target| target == around))
            || targets.iter().any(|target| is_below(path, target))
    };
    let files = mounts.swaps.iter().map(|area| area.path.as_str());
    let wanted = mounts.fstab.iter().filter(|entry| entry.is_swap()).map(|entry| entry.spec.as_str());
    for path in files.chain(wanted).filter(|path| path.starts_with('/') && !path.starts_with("/dev/")) {
        if inside(path) && !paths.contains(&path) {
            paths.push(path);
        }
    }
    for path in paths {
        stages.task("swap", &json!({"path": path, "state": "absent"}))?;
    }
    Ok(())
}

/// Mounts, their entries in fstab and their mount points.
pub(super) fn unmount(stages: &mut Stages, targets: &[String]) -> Result<(), Refusal> {
    for target in targets {
        stages.task("mount", &json!({"path": target, "state": "absent"}))?;
    }
    Ok(())
}
