//! `blkdiscard --zeroout`: makes both ends of a new device provably empty.
//!
//! A new array or volume consists of room that belonged to nobody; what lay there before could be taken for content.

use crate::exec::Command;
use crate::units::MIB;

/// Zeroes the first and the last MiB of a device of `size` bytes that was made a moment ago.
pub fn ends(device: &str, size: u64) -> Vec<Command> {
    let zero = |offset: u64, length: u64| {
        Command::new("blkdiscard").args([
            "--zeroout".to_owned(),
            "--offset".to_owned(),
            offset.to_string(),
            "--length".to_owned(),
            length.to_string(),
            device.to_owned(),
        ])
    };
    if size <= 2 * MIB {
        return vec![zero(0, size)];
    }
    vec![zero(0, MIB), zero(size - MIB, MIB)]
}
