//! `blkdiscard --zeroout`: makes both ends of a new device provably empty.
//!
//! A new array or volume consists of room that belonged to nobody; what lay there before could be taken for content.

use crate::exec::Command;
use crate::machine::claim::{FreeSectors, Unused};
use crate::units::MIB;

/// Where a first partition may begin at the latest that nobody chose: a signature there would come back with it.
const HEAD: u64 = 4 * MIB;

fn zero(device: &str, offset: u64, length: u64) -> Command {
    Command::new("blkdiscard").args([
        "--zeroout".to_owned(),
        "--offset".to_owned(),
        offset.to_string(),
        "--length".to_owned(),
        length.to_string(),
        device.to_owned(),
    ])
}

/// Zeroes the first and the last MiB of a device of `size` bytes that was made a moment ago.
pub fn ends(device: &str, size: u64) -> Vec<Command> {
    if size <= 2 * MIB {
        return vec![zero(device, 0, size)];
    }
    vec![zero(device, 0, MIB), zero(device, size - MIB, MIB)]
}

/// Zeroes both ends of a disk that is given up, and the beginnings of what may have lain behind its label.
pub fn disk_ends(disk: Unused<'_>) -> Vec<Command> {
    let device = disk.device();
    if device.size <= HEAD + MIB {
        return vec![zero(&device.path, 0, device.size)];
    }
    vec![zero(&device.path, 0, HEAD), zero(&device.path, device.size - MIB, MIB)]
}

/// Zeroes both ends of free space. Other partitions of the disk may be in use, so that the disk cannot be had alone.
pub fn free_ends(free: FreeSectors<'_>) -> Vec<Command> {
    let disk = &free.disk().path;
    let force = |command: Command| command.arg("--force");
    if free.size() <= 2 * MIB {
        return vec![force(zero(disk, free.start(), free.size()))];
    }
    let last = free.start() + free.size() - MIB;
    vec![force(zero(disk, free.start(), MIB)), force(zero(disk, last, MIB))]
}
