//! Zeroes on a device, written through one opening of it: udev looks again at what was open for writing each time that
//! is closed.

use std::io;
use std::os::unix::fs::FileExt as _;

use rustix::fs::{Mode, OFlags, open};

use crate::plan::Room;
use crate::units::MIB;

/// Writes zeroes, and returns when they are on the device. What holds the device, unless it is `shared`, is an error.
pub(super) fn zero(device: &str, rooms: &[Room], shared: bool) -> io::Result<()> {
    let alone = if shared { OFlags::empty() } else { OFlags::EXCL };
    let file = std::fs::File::from(open(device, OFlags::WRONLY | OFlags::CLOEXEC | alone, Mode::empty())?);
    let nothing = vec![0; usize::try_from(MIB).unwrap_or(usize::MAX)];
    for room in rooms {
        let end = room.start + room.size;
        let mut at = room.start;
        while at < end {
            let piece = usize::try_from(end - at).map_or(nothing.len(), |left| left.min(nothing.len()));
            file.write_all_at(&nothing[..piece], at)?;
            at += piece as u64;
        }
    }
    file.sync_all()
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
    fn a_device_that_is_gone_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone");
        assert!(zero(path.to_str().unwrap(), &[], false).is_err());
        assert!(!path.exists());
    }
}
