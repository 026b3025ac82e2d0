//! F2FS. How much of it is in use is written elsewhere, and not known here.

use super::{Little, Superblock, uuid};
use crate::machine::block::{FileSystem, Uuid};

pub(super) fn parse(bytes: &[u8]) -> Option<Superblock> {
    let block = Little(bytes.get(1024..)?);
    if block.word(0)? != 0xf2f5_2010 {
        return None;
    }
    let shift = u32::try_from(block.word(16)?).ok().filter(|shift| (9..=20).contains(shift))?;
    let name: Vec<u16> = block
        .bytes(124, 1024)?
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .take_while(|unit| *unit != 0)
        .collect();
    let found = FileSystem {
        uuid: Uuid::Known(uuid(block.bytes(108, 16)?)),
        label: (!name.is_empty()).then(|| String::from_utf16_lossy(&name)),
        size: Some(block.long(36)?.checked_mul(1 << shift)?),
        ..FileSystem::new("f2fs")
    };
    Some(Superblock { found, log: 0 })
}
