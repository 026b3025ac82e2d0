//! Does a file system end before what is about to be cut off? Asked right before it is: a program that was to make it
//! smaller said that it did, and that is no proof.

use crate::exec::System;
use crate::observe::file_system_size;
use crate::plan::Failure;
use crate::units::Size;

pub(super) fn fits(device: &str, kind: &str, within: u64, system: &dyn System) -> Result<(), Failure> {
    match file_system_size(kind, device, system) {
        Some(size) if size <= within => Ok(()),
        Some(size) => Err(Failure::new(format!(
            "the {kind} on {device} has {} ({size} bytes), and {} would be left: nothing was cut off",
            Size(size),
            Size(within)
        ))
        .help("run this again; it plans with what is there now")),
        None => Err(Failure::new(format!("there is no {kind} on {device} any more: nothing was cut off"))
            .help("somebody else has changed it meanwhile; look at it, and run this again")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;

    /// An ext4 of so many blocks of 1024 bytes, as far as its size goes.
    fn ext4(blocks: u32) -> Transcript {
        let mut superblock = vec![0; 3072];
        superblock[0x04..0x08].copy_from_slice(&blocks.to_le_bytes());
        superblock[0x38..0x3a].copy_from_slice(&[0x53, 0xef]);
        Transcript::new().device("/dev/vg/lv", 1 << 30, &[(1024, &superblock)])
    }

    #[test]
    fn only_what_ends_before_the_cut_passes() {
        let title =
            |system: &Transcript| fits("/dev/vg/lv", "ext4", 200 << 20, system).map_err(|it| it.title);
        assert_eq!(title(&ext4(200 << 10)), Ok(()));
        assert_eq!(
            title(&ext4(1 + (200 << 10))).unwrap_err(),
            "the ext4 on /dev/vg/lv has 200 MiB (209716224 bytes), and 200 MiB would be left: nothing was cut off"
        );
        let gone = Transcript::new().device("/dev/vg/lv", 1 << 30, &[]);
        assert_eq!(title(&gone).unwrap_err(), "there is no ext4 on /dev/vg/lv any more: nothing was cut off");
    }
}
