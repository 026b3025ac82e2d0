//! Zeroes on a device, written through one opening of it: udev looks again at what was open for writing each time that
//! is closed. What reads as zeroes already is not written, so that new and thin devices stay as empty as they are.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{Mode, OFlags, open};

use crate::exec::all_zero;
use crate::plan::Room;

/// Written or read at once: a MiB.
const PIECE: usize = 1 << 20;

/// Makes zeroes of all that is there, and returns when they are on the device. What holds the device, unless it is
/// `shared`, is an error.
pub(super) fn zero(device: &str, rooms: &[Room], shared: bool) -> io::Result<()> {
    let alone = if shared { OFlags::empty() } else { OFlags::EXCL };
    let open = |how| open(device, how | OFlags::CLOEXEC | alone, Mode::empty()).map(File::from);
    // Past what is kept in memory: a disk and its partitions are kept apart there.
    let found = open(OFlags::RDONLY | OFlags::DIRECT).map_err(io::Error::from);
    if found.and_then(|file| is_zero(&file, rooms)).unwrap_or(false) {
        return Ok(());
    }
    let file = open(OFlags::WRONLY)?;
    let nothing = vec![0; PIECE];
    for (at, length) in rooms.iter().flat_map(pieces) {
        file.write_all_at(&nothing[..length], at)?;
    }
    file.sync_all()
}

/// Whether all that is there reads as zeroes. A place or a length that the device cannot read directly is an error.
fn is_zero(file: &File, rooms: &[Room]) -> io::Result<bool> {
    // Direct reading takes memory at the boundary of a page.
    const PAGE: usize = 4096;
    let mut memory = vec![0; PIECE + PAGE];
    let page = memory.as_ptr().align_offset(PAGE);
    for (at, length) in rooms.iter().flat_map(pieces) {
        let bytes = &mut memory[page..page + length];
        file.read_exact_at(bytes, at)?;
        if !all_zero(bytes) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A room piece by piece: where each begins, and how long it is.
fn pieces(room: &Room) -> impl Iterator<Item = (u64, usize)> + use<> {
    let Room { start, size } = *room;
    (0..size)
        .step_by(PIECE)
        .map(move |at| (start + at, usize::try_from(size - at).map_or(PIECE, |left| left.min(PIECE))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeroes_are_written_where_they_belong_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        std::fs::write(&path, vec![7; 4 << 20]).unwrap();
        let rooms = [Room { start: 0, size: 1 << 20 }, Room { start: (3 << 20) - 1, size: (1 << 20) + 1 }];
        zero(path.to_str().unwrap(), &rooms, false).unwrap();
        let after = std::fs::read(&path).unwrap();
        let sevens: Vec<usize> = (0..after.len()).filter(|at| after[*at] != 0).collect();
        assert_eq!((after.len(), sevens[0], sevens.len()), (4 << 20, 1 << 20, (2 << 20) - 1));
    }

    #[test]
    fn what_is_zero_is_seen() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(4 << 20).unwrap();
        let rooms = [Room { start: 0, size: 1 << 20 }, Room { start: (2 << 20) - 1, size: (2 << 20) + 1 }];
        assert!(is_zero(&file, &rooms).unwrap());
        for (at, zero) in [(1 << 20, true), ((2 << 20) - 2, true), ((4 << 20) - 1, false), (7, false)] {
            file.write_all_at(&[7], at).unwrap();
            assert_eq!(is_zero(&file, &rooms).unwrap(), zero, "{at}");
            file.write_all_at(&[0], at).unwrap();
        }
        assert!(is_zero(&file, &[Room { start: 4 << 20, size: 512 }]).is_err(), "past the end");
    }

    #[test]
    fn a_device_that_is_gone_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone");
        assert!(zero(path.to_str().unwrap(), &[], false).is_err());
        assert!(!path.exists());
    }
}
