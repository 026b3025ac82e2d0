//! ext2, ext3 and ext4, which have one superblock in common.

use super::{Little, Superblock, label, uuid};
use crate::machine::array::Stripe;
use crate::machine::block::{FileSystem, Uuid};

const WIDE: u64 = 0x80;

pub(super) fn parse(kind: &str, bytes: &[u8]) -> Option<Superblock> {
    let block = Little(bytes.get(1024..)?);
    if block.short(56)? != 0xef53 {
        return None;
    }
    let size = 1024u64.checked_shl(u32::try_from(block.word(24)?).ok()?).filter(|size| *size <= 1 << 20)?;
    let wide = block.word(96)? & WIDE != 0;
    let high = |at: usize| if wide { block.word(at) } else { Some(0) };
    let blocks = block.word(4)? | high(0x150)? << 32;
    let reserved = block.word(8)? | high(0x154)? << 32;
    let free = block.word(12)? | high(0x158)? << 32;
    let (stride, width) = (block.short(0x164)?, block.word(0x170)?);
    let mut found = FileSystem {
        uuid: Uuid::Known(uuid(block.bytes(104, 16)?)),
        label: label(block.bytes(120, 16)?),
        size: Some(blocks.checked_mul(size)?),
        used: Some(blocks.saturating_sub(free).checked_mul(size)?),
        stripe: (stride > 0 && width >= stride)
            .then(|| Stripe { unit: stride * size, width: width / stride }),
        ..FileSystem::new(kind)
    };
    found.put("block_size", &size);
    found.put("reserved", &percent(reserved, blocks));
    found.put(
        "errors",
        &match block.short(60)? {
            2 => "remount-ro",
            3 => "panic",
            _ => "continue",
        },
    );
    found.put("max_mounts", &u16::try_from(block.short(54)?).ok()?.cast_signed());
    found.put("check_interval", &block.word(68)?);
    Some(Superblock { found, log: 0 })
}

/// The share as a person would have said it: `5`, or `4.5` where growing has left no whole number.
fn percent(part: u64, whole: u64) -> String {
    let tenths = (u128::from(part) * 1000 + u128::from(whole) / 2) / u128::from(whole.max(1));
    if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) }
}
