//! FAT, in the sizes 12, 16 and 32. Its label is a file in its first folder, and is left to `blkid`.

use super::{Little, Superblock};
use crate::machine::block::{FileSystem, Uuid};

pub(super) fn parse(bytes: &[u8]) -> Option<Superblock> {
    let block = Little(bytes);
    if block.bytes(510, 2)? != [0x55, 0xaa] {
        return None;
    }
    let sector = block.short(11)?;
    let cluster = u64::from(*bytes.get(13)?);
    if !sector.is_power_of_two() || sector < 512 || !cluster.is_power_of_two() {
        return None;
    }
    let first = |small: u64, large: u64| if small == 0 { large } else { small };
    let sectors = first(block.short(19)?, block.word(32)?);
    let wide = block.short(22)? == 0;
    let tables = u64::from(*bytes.get(16)?) * first(block.short(22)?, block.word(36)?);
    let number = block.word(if wide { 67 } else { 39 })?;
    let root = (block.short(17)? * 32).div_ceil(sector);
    let clusters = sectors.saturating_sub(block.short(14)? + tables + root) / cluster;
    let used = if wide {
        free(bytes, &block)?.map(|free| clusters.saturating_sub(free) * cluster * sector)
    } else {
        None
    };
    let found = FileSystem {
        uuid: Uuid::Known(format!("{:04X}-{:04X}", number >> 16, number & 0xffff)),
        size: Some(sectors * sector),
        used,
        ..FileSystem::new("vfat")
    };
    Some(Superblock { found, log: 0 })
}

/// Free clusters, as of the last time somebody counted. Outer `None`: what should be there is not.
#[expect(clippy::option_option, reason = "a damaged block and a count that nobody made are two things")]
fn free(bytes: &[u8], block: &Little<'_>) -> Option<Option<u64>> {
    let at = usize::try_from(block.short(48)? * block.short(11)?).ok()?;
    if bytes.get(at..at + 4) != Some(b"RRaA") {
        return Some(None);
    }
    Some(block.word(at + 488).filter(|count| *count != u64::from(u32::MAX)))
}
