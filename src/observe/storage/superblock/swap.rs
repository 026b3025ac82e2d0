//! Swap areas: a page with a mark at its end, whatever size a page has on the host that made it.

use super::{Little, Superblock, label, uuid};
use crate::machine::block::{FileSystem, Uuid};

const PAGES: [usize; 5] = [4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10];

pub(super) fn parse(bytes: &[u8]) -> Option<Superblock> {
    let page = PAGES.into_iter().find(|page| bytes.get(page - 10..*page) == Some(b"SWAPSPACE2"))?;
    let block = Little(bytes);
    let size = block.word(1028)?.checked_add(1)?.checked_mul(page as u64)?;
    let found = FileSystem {
        uuid: Uuid::Known(uuid(block.bytes(1036, 16)?)),
        label: label(block.bytes(1052, 16)?),
        size: Some(size),
        ..FileSystem::new("swap")
    };
    Some(Superblock { found, log: 0 })
}
