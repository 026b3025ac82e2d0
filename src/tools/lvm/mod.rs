//! LVM: one report for everything, and commands that count in extents.

mod report;

use std::time::Duration;

pub use report::{parse, report};

use crate::exec::Command;
use crate::machine::claim::{BlankDevice, Room, Surplus, Unused};
use crate::machine::lvm::{CacheKind, CacheMode, Group, Kind};
use crate::units::KIB;

pub fn pvcreate(device: BlankDevice<'_>, alignment: u64) -> Command {
    aligned(Command::new("pvcreate"), Some(alignment)).arg(device.path())
}

/// Makes a group, and with an alignment also its physical volumes.
pub fn vgcreate<'a>(
    name: &str,
    extent: u64,
    tags: impl IntoIterator<Item = &'a String>,
    devices: &[BlankDevice<'_>],
    alignment: Option<u64>,
) -> Command {
    let command =
        Command::new("vgcreate").args(["--physicalextentsize".to_owned(), format!("{}k", extent / KIB)]);
    let command = aligned(add_tags(command, tags), alignment);
    command.arg(name).args(devices.iter().map(|device| device.path()))
}

/// Gives a group devices, with an alignment those that are no physical volumes yet.
pub fn vgextend(name: &str, devices: &[BlankDevice<'_>], alignment: Option<u64>) -> Command {
    let command = aligned(Command::new("vgextend"), alignment).arg(name);
    command.args(devices.iter().map(|device| device.path()))
}

/// Where the extents of a new physical volume begin: at a whole number of `alignment` bytes.
fn aligned(command: Command, alignment: Option<u64>) -> Command {
    let Some(alignment) = alignment else { return command };
    let alignment = format!("{}k", alignment / KIB);
    command.args(["--dataalignment", &alignment, "--dataalignmentoffset", "0k"])
}

/// Takes a device out of a group; LVM refuses one that is still used.
pub fn vgreduce(name: &str, device: &str) -> Command {
    Command::new("vgreduce").args([name, device])
}

/// Moves everything on a device to others of its group, while it is in use. A move that was cut short goes on.
pub fn pvmove<'a>(device: &str, to: impl IntoIterator<Item = &'a str>) -> Command {
    // Terabytes take days.
    let command = Command::new("pvmove").deadline(Duration::from_hours(24 * 30));
    command.args(["--interval", "1", device]).args(to)
}

/// Takes note of what a device has grown by.
pub fn pvresize(device: &str) -> Command {
    Command::new("pvresize").arg(device)
}

/// Removes a group without volumes.
pub fn vgremove(name: &str) -> Command {
    Command::new("vgremove").arg(name)
}

/// Frees the devices of a group that is gone, or that they were taken out of.
pub fn pvremove<'a>(devices: impl IntoIterator<Item = &'a str>) -> Command {
    Command::new("pvremove").args(devices)
}

pub fn vgchange_tags<'a>(
    group: &str,
    add: impl IntoIterator<Item = &'a String>,
    remove: impl IntoIterator<Item = &'a String>,
) -> Command {
    change_tags("vgchange", add, remove).arg(group)
}

pub fn lvchange_tags<'a>(
    group: &str,
    name: &str,
    add: impl IntoIterator<Item = &'a String>,
    remove: impl IntoIterator<Item = &'a String>,
) -> Command {
    change_tags("lvchange", add, remove).arg(format!("{group}/{name}"))
}

fn change_tags<'a>(
    program: &str,
    add: impl IntoIterator<Item = &'a String>,
    remove: impl IntoIterator<Item = &'a String>,
) -> Command {
    remove
        .into_iter()
        .fold(add_tags(Command::new(program), add), |command, tag| command.args(["--deltag", tag]))
}

fn add_tags<'a>(command: Command, tags: impl IntoIterator<Item = &'a String>) -> Command {
    tags.into_iter().fold(command, |command, tag| command.args(["--addtag", tag]))
}

/// Makes a volume of exactly that many extents; signatures of what lay there before are wiped.
pub fn lvcreate(
    room: &Room<'_>,
    name: &str,
    kind: &Kind,
    extents: u64,
    on: &[String],
    options: &[String],
) -> Command {
    let command = Command::new("lvcreate")
        .args(["--yes", "--wipesignatures", "y", "--zero", "y", "--name", name, "--extents"])
        .arg(extents.to_string())
        .args(shape(kind))
        .args(options.iter().cloned());
    command.arg(&room.group().name).args(on.iter().cloned())
}

fn shape(kind: &Kind) -> Vec<String> {
    let mut words = Vec::new();
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    match kind {
        Kind::Striped { stripes, unit } => {
            option("--type", "striped".to_owned());
            option("--stripes", stripes.to_string());
            option("--stripesize", format!("{}k", unit / KIB));
        }
        Kind::Raid { level, images, unit } => {
            option("--type", level.name().to_owned());
            if level.name() == "raid1" {
                option("--mirrors", images.saturating_sub(1).to_string());
            } else {
                option("--stripes", level.data(*images).to_string());
                option("--stripesize", format!("{}k", unit / KIB));
            }
            if level.name() == "raid10" {
                option("--mirrors", "1".to_owned());
            }
        }
        // The rest has a command of its own, or is plain.
        _ => {}
    }
    words
}

/// Makes a pool for thin volumes. Metadata and chunks have the size that is said, so that it is known before.
pub fn thin_pool(
    room: &Room<'_>,
    name: &str,
    (extents, metadata, chunk): (u64, u64, u64),
    on: &[String],
    options: &[String],
) -> Command {
    let group = room.group();
    Command::new("lvcreate")
        .args(["--yes", "--type", "thin-pool", "--name", name, "--extents"])
        .arg(extents.to_string())
        .args(["--chunksize".to_owned(), format!("{}k", chunk / KIB)])
        .args(["--poolmetadatasize".to_owned(), format!("{}k", metadata * group.extent / KIB)])
        .args(["--poolmetadataspare", "y"])
        .args(options.iter().cloned())
        .arg(&group.name)
        .args(on.iter().cloned())
}

/// Makes a volume that promises so many extents of a pool and takes none yet.
pub fn thin(group: &Group, pool: &str, name: &str, extents: u64, options: &[String]) -> Command {
    Command::new("lvcreate")
        .args(["--yes", "--type", "thin", "--name", name, "--virtualsize"])
        .arg(format!("{}k", extents * group.extent / KIB))
        .args(["--thinpool", pool])
        .args(options.iter().cloned())
        .arg(&group.name)
}

/// Makes a snapshot of a thin volume, which is a thin volume as good as its origin.
pub fn thin_snapshot(group: &str, origin: &str, name: &str) -> Command {
    Command::new("lvcreate").args(["--yes", "--snapshot", "--setactivationskip", "n", "--name", name]).args([
        "--activate".to_owned(),
        "y".to_owned(),
        format!("{group}/{origin}"),
    ])
}

/// Makes a snapshot that keeps what is written over in its origin, in extents of its own.
pub fn snapshot(room: &Room<'_>, origin: &str, name: &str, extents: u64, on: &[String]) -> Command {
    Command::new("lvcreate")
        .args(["--yes", "--snapshot", "--name", name, "--extents"])
        .arg(extents.to_string())
        .arg(format!("{}/{origin}", room.group().name))
        .args(on.iter().cloned())
}

/// Makes the origin of a snapshot what the snapshot shows; the snapshot is gone then.
pub fn merge(_origin: Unused<'_>, group: &str, snapshot: &str) -> Command {
    Command::new("lvconvert").args(["--yes".to_owned(), "--merge".to_owned(), format!("{group}/{snapshot}")])
}

/// Lays a cache over a volume; what is in the volume of the cache is lost.
pub fn cache(group: &str, name: &str, volume: &str, mode: CacheMode) -> Command {
    lay(CacheKind::Cache, group, volume).args(["--cachemode", mode.name()]).arg(format!("{group}/{name}"))
}

/// Lays a writecache over a volume, in blocks of so many bytes or of what suits the file system on it (lvmcache(7));
/// what is in the volume of the cache is lost.
pub fn writecache(group: &str, name: &str, volume: &str, block: Option<u64>) -> Command {
    let mut command = lay(CacheKind::Writecache, group, volume);
    if let Some(bytes) = block {
        command = command.args(["--cachesettings".to_owned(), format!("block_size={bytes}")]);
    }
    command.arg(format!("{group}/{name}"))
}

fn lay(kind: CacheKind, group: &str, volume: &str) -> Command {
    let volume = format!("{group}/{volume}");
    Command::new("lvconvert").args(["--yes", "--type", kind.name(), "--cachevol", &volume])
}

/// Changes where a write has to be before it counts as done.
pub fn cache_mode(group: &str, name: &str, mode: CacheMode) -> Command {
    Command::new("lvchange").args([
        "--cachemode".to_owned(),
        mode.name().to_owned(),
        format!("{group}/{name}"),
    ])
}

/// Writes a cache back and removes it.
pub fn uncache(group: &str, name: &str) -> Command {
    let command = Command::new("lvconvert").deadline(Duration::from_hours(24));
    command.args(["--yes".to_owned(), "--uncache".to_owned(), format!("{group}/{name}")])
}

/// Grows a volume into free room, to `extents` in all.
pub fn lvextend(room: &Room<'_>, name: &str, extents: u64, on: &[String]) -> Command {
    Command::new("lvextend")
        .args(["--extents".to_owned(), extents.to_string(), format!("{}/{name}", room.group().name)])
        .args(on.iter().cloned())
}

/// Changes what a thin volume promises to more.
pub fn extend_thin(group: &str, name: &str, extents: u64) -> Command {
    Command::new("lvextend").args(["--extents".to_owned(), extents.to_string(), format!("{group}/{name}")])
}

/// Cuts off the end of a volume on which nothing is.
pub fn lvreduce(surplus: Surplus<'_>, group: &str, name: &str, extent: u64) -> Command {
    Command::new("lvreduce").args([
        "--yes".to_owned(),
        "--force".to_owned(),
        "--extents".to_owned(),
        (surplus.keep() / extent).to_string(),
        format!("{group}/{name}"),
    ])
}

pub fn lvremove(_unused: Unused<'_>, group: &str, name: &str) -> Command {
    Command::new("lvremove").args(["--yes".to_owned(), format!("{group}/{name}")])
}

/// Removes a pool that has no volumes.
pub fn lvremove_pool(group: &str, name: &str) -> Command {
    Command::new("lvremove").args(["--yes".to_owned(), format!("{group}/{name}")])
}

pub fn lvchange_active(group: &str, name: &str, active: bool) -> Command {
    Command::new("lvchange").args([
        "--activate".to_owned(),
        if active { "y" } else { "n" }.to_owned(),
        "--ignoreactivationskip".to_owned(),
        format!("{group}/{name}"),
    ])
}

/// Takes away the devices of a group's volumes, which stay as they are.
pub fn deactivate(group: &str) -> Command {
    Command::new("vgchange").args(["--activate", "n", group])
}

/// Names the profile by which a pool is watched.
pub fn lvchange_profile(group: &str, name: &str, profile: Option<&str>) -> Command {
    let command = Command::new("lvchange");
    let command = match profile {
        Some(profile) => command.args(["--metadataprofile", profile]),
        None => command.arg("--detachprofile"),
    };
    command.arg(format!("{group}/{name}"))
}

#[cfg(test)]
mod tests;
