//! Superblocks, read as they lie on the device: label, size, use and alignment without running a program for each, and
//! without the tools of that file system.

mod btrfs;
mod ext;
mod f2fs;
mod swap;
#[cfg(test)]
mod tests;
mod vfat;
mod xfs;

use std::fmt::Write as _;
use std::path::Path;

use crate::exec::System;
use crate::machine::block::FileSystem;

/// What a superblock says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Superblock {
    pub(super) found: FileSystem,
    /// Bytes of the log of XFS inside it, which it does not count as its own when mounted.
    pub(super) log: u64,
}

/// The kinds whose superblock is read here: `None` for others, and for one that is not what it was taken for.
pub(super) fn read(kind: &str, path: &str, system: &dyn System) -> Option<Superblock> {
    let (offset, length) = place(kind)?;
    parse(kind, &system.read_at(Path::new(path), offset, length).ok()?)
}

/// Bytes that a file system of this kind has; `None` where there is none of it, or its superblock is not read here.
pub fn size(kind: &str, path: &str, system: &dyn System) -> Option<u64> {
    read(kind, path, system)?.found.size
}

/// Whether superblocks of this kind are read here.
pub(super) fn known(kind: &str) -> bool {
    place(kind).is_some()
}

/// Where on the device it lies, and how much has to be read.
fn place(kind: &str) -> Option<(u64, usize)> {
    match kind {
        "xfs" | "ext2" | "ext3" | "ext4" | "vfat" | "f2fs" => Some((0, 4096)),
        "btrfs" => Some((64 << 10, 4096)),
        // Its mark is at the end of a page, and a page can be that large.
        "swap" => Some((0, 64 << 10)),
        _ => None,
    }
}

fn parse(kind: &str, bytes: &[u8]) -> Option<Superblock> {
    match kind {
        "xfs" => xfs::parse(bytes),
        "ext2" | "ext3" | "ext4" => ext::parse(kind, bytes),
        "btrfs" => btrfs::parse(bytes),
        "vfat" => vfat::parse(bytes),
        "f2fs" => f2fs::parse(bytes),
        "swap" => swap::parse(bytes),
        _ => None,
    }
}

/// Numbers that are written with their lowest byte first.
struct Little<'a>(&'a [u8]);

impl<'a> Little<'a> {
    fn bytes(&self, at: usize, length: usize) -> Option<&'a [u8]> {
        self.0.get(at..at.checked_add(length)?)
    }

    fn short(&self, at: usize) -> Option<u64> {
        Some(u64::from(u16::from_le_bytes(self.bytes(at, 2)?.try_into().ok()?)))
    }

    fn word(&self, at: usize) -> Option<u64> {
        Some(u64::from(u32::from_le_bytes(self.bytes(at, 4)?.try_into().ok()?)))
    }

    fn long(&self, at: usize) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(at, 8)?.try_into().ok()?))
    }
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn label(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    (end > 0).then(|| String::from_utf8_lossy(&bytes[..end]).into_owned())
}
