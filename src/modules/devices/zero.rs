//! Both ends of a device made provably empty.
//!
//! A new array or volume consists of room that belonged to nobody; what lay there before could be taken for content.

use crate::machine::claim::{FreeSectors, Unused};
use crate::plan::{Room, Step};
use crate::units::MIB;

/// Where a first partition may begin at the latest that nobody chose: a signature there would come back with it.
const HEAD: u64 = 4 * MIB;

/// Zeroes the first and the last MiB of a device of `size` bytes that was made a moment ago.
pub(in crate::modules) fn empty_ends(path: &str, size: u64) -> Step {
    Step::Zero { device: path.to_owned(), rooms: ends(0, size, MIB), shared: false }
}

/// Zeroes both ends of a disk that is given up, and the beginnings of what may have lain behind its label.
pub(in crate::modules) fn empty_disk_ends(disk: Unused<'_>) -> Step {
    let device = disk.device();
    Step::Zero { device: device.path.clone(), rooms: ends(0, device.size, HEAD), shared: false }
}

/// Zeroes both ends of free space. Other partitions of the disk may be in use, so that the disk cannot be had alone.
pub(in crate::modules) fn empty_free_ends(free: FreeSectors<'_>) -> Step {
    let rooms = ends(free.start(), free.size(), MIB);
    Step::Zero { device: free.disk().path.clone(), rooms, shared: true }
}

fn ends(start: u64, size: u64, head: u64) -> Vec<Room> {
    if size <= head + MIB {
        return vec![Room { start, size }];
    }
    vec![Room { start, size: head }, Room { start: start + size - MIB, size: MIB }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_something_small_are_all_of_it() {
        assert_eq!(empty_ends("/dev/md/a", 2 * MIB).shown(), "zero 2 MiB at 0 of /dev/md/a");
        let shown = "zero 1 MiB at 0 and 1 MiB at 9437184 of /dev/md/a";
        assert_eq!(empty_ends("/dev/md/a", 10 * MIB).shown(), shown);
    }
}
