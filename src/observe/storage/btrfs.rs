//! btrfs file systems, and the inside of those that somebody asked about.
//!
//! The top level is mounted for that, read-only and seen by nobody else. Where it is not mounted yet the log of a
//! crash is not replayed: not a byte is written, which the suite on a virtual machine measures. A file system that
//! lacks a device is not looked into.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ask, unread};
use crate::exec::System;
use crate::machine::block::{Block, Content, Uuid};
use crate::machine::btrfs::{Btrfs, Inside, Look, Pool, PoolDevice, Subvolume};
use crate::plan::Failure;
use crate::tools::btrfs::{self as tool, Reach, Shown};
use crate::tools::mountinfo::{self, Mounted};

/// The file systems, from the outside. No program is run where there is no btrfs; what a dry run only foresees has no
/// UUID yet, and nobody can be asked about it.
pub(super) fn observe(block: &Block, system: &dyn System) -> Result<Btrfs, Failure> {
    let real = |content: &Content| match content {
        Content::FileSystem(found) => found.kind == "btrfs" && found.uuid != Uuid::Late,
        _ => false,
    };
    if !block.devices.values().any(|device| real(&device.content)) {
        return Ok(Btrfs::default());
    }
    let Some(output) = ask(&tool::show(), system)? else {
        return Err(Failure::new("there is a btrfs on this host, and no `btrfs` to ask about it")
            .help("install btrfs-progs"));
    };
    let shown = tool::parse_show(&output.text()).map_err(unread)?;
    Ok(Btrfs { pools: shown.into_iter().map(|one| pool(one, block)).collect() })
}

fn pool(shown: Shown, block: &Block) -> Pool {
    let (there, gone): (Vec<_>, Vec<_>) =
        shown.devices.into_iter().partition(|device| !device.path.is_empty());
    let mut missing: Vec<u64> = gone.iter().map(|device| device.id).collect();
    // While it is not mounted, devices that are gone are not listed at all.
    let listed = (there.len() + missing.len()) as u64;
    missing.extend((listed..shown.total).map(|_| 0));
    let mut devices: Vec<PoolDevice> = there
        .into_iter()
        .map(|device| PoolDevice {
            id: device.id,
            path: block.find(&device.path).map_or(device.path, |found| found.path.clone()),
            size: device.size,
            allocated: device.used,
        })
        .collect();
    devices.sort_by_key(|device| device.id);
    Pool {
        uuid: Uuid::Known(shown.uuid),
        label: shown.label,
        devices,
        missing,
        used: shown.used,
        inside: None,
        blind: None,
    }
}

/// Looks inside, where that was asked for. Asks the kernel anew what is mounted: the model may hold mounts that a dry
/// run only foresees.
pub(super) fn look_into(
    btrfs: &mut Btrfs,
    looks: &[Look],
    block: &Block,
    system: &dyn System,
) -> Result<(), Failure> {
    if btrfs.pools.is_empty() || looks.is_empty() {
        return Ok(());
    }
    let mountinfo = "/proc/self/mountinfo";
    let bytes = system.read(Path::new(mountinfo));
    let bytes = bytes.map_err(|error| Failure::new(format!("cannot read {mountinfo}: {error}")))?;
    let mut live = mountinfo::parse(&String::from_utf8_lossy(&bytes)).map_err(unread)?;
    live.retain(|one| one.live.fstype == "btrfs");
    for look in looks {
        let asked: Vec<Uuid> = btrfs.named(&look.pool, block).map(|pool| pool.uuid.clone()).collect();
        for pool in btrfs.pools.iter_mut().filter(|pool| asked.contains(&pool.uuid)) {
            let mounted = live.iter().filter(|one| {
                let source = block.find(&one.live.source).map_or(&one.live.source, |device| &device.path);
                pool.has(source)
            });
            let mounted: Vec<&Mounted> = mounted.collect();
            into(pool, look, &mounted, system)?;
        }
    }
    Ok(())
}

fn into(pool: &mut Pool, look: &Look, mounted: &[&Mounted], system: &dyn System) -> Result<(), Failure> {
    let Some(first) = pool.devices.first() else { return Ok(()) };
    if !pool.missing.is_empty() && mounted.is_empty() {
        pool.blind = Some("a device is missing, and it is never mounted degraded".to_owned());
        return Ok(());
    }
    let device = first.path.clone();
    let top = mounted.iter().find(|one| one.live.root == "/");
    let top =
        top.map_or_else(|| Reach::look(&device, !mounted.is_empty()), |one| Reach::mounted(&one.live.target));
    if pool.inside.is_none() {
        match inside(&top, system)? {
            Ok(found) => pool.inside = Some(found),
            Err(why) => {
                pool.blind = Some(why);
                return Ok(());
            }
        }
    }
    let Some(inside) = &mut pool.inside else { return Ok(()) };
    let new: Vec<String> =
        look.paths.iter().filter(|path| !inside.seen.contains_key(*path)).cloned().collect();
    if new.is_empty() {
        return Ok(());
    }
    let seen = system
        .look(top.mount(), Path::new(top.path()), &new)
        .map_err(|error| Failure::new(format!("cannot look into the btrfs on {device}: {error}")))?;
    inside.seen.extend(new.into_iter().zip(seen));
    Ok(())
}

/// `Ok(Err(why))`: it cannot be mounted.
fn inside(top: &Reach, system: &dyn System) -> Result<Result<Inside, String>, Failure> {
    let usage = tool::usage(top);
    let output = system.run(&usage);
    if !output.success() {
        return Ok(Err(output.error_text().trim().to_owned()));
    }
    let groups = tool::parse_usage(&output.text()).map_err(unread)?;
    let text = |command: &crate::exec::Command| -> Result<String, Failure> {
        let output = system.run(command);
        if output.success() { Ok(output.text()) } else { Err(Failure::of(command, &output)) }
    };
    let listed = tool::parse_subvolumes(&text(&tool::subvolumes(top))?).map_err(unread)?;
    let mut inside = Inside { groups, ..Inside::default() };
    let read_only = match listed.is_empty() {
        true => Vec::new(),
        false => tool::parse_numbers(&text(&tool::read_only(top))?).map_err(unread)?,
    };
    let default = tool::parse_default(&text(&tool::default(top))?).map_err(unread)?;
    let quota = system.run(&tool::quota_groups(top));
    // It fails where nothing is counted.
    let counted: BTreeMap<u64, tool::Counted> = if quota.success() {
        inside.quota = true;
        let counted = tool::parse_quota_groups(&quota.text()).map_err(unread)?;
        counted.into_iter().map(|one| (one.id, one)).collect()
    } else if quota.error_text().contains("quotas not enabled") {
        BTreeMap::new()
    } else {
        return Err(Failure::of(&tool::quota_groups(top), &quota));
    };
    for one in listed {
        if one.id == default {
            inside.default.clone_from(&one.path);
        }
        let counted = counted.get(&one.id);
        let subvolume = Subvolume {
            id: Some(one.id),
            path: one.path.clone(),
            uuid: Some(one.uuid),
            parent_uuid: one.parent_uuid,
            received: one.received_uuid.is_some(),
            read_only: read_only.contains(&one.id),
            referenced: counted.map(|one| one.referenced),
            exclusive: counted.map(|one| one.exclusive),
            limit: counted.and_then(|one| one.limit),
            limit_exclusive: counted.and_then(|one| one.limit_exclusive),
        };
        inside.subvolumes.insert(one.path, subvolume);
    }
    Ok(Ok(inside))
}
