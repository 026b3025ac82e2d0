//! XFS: the only one with the highest byte first.

use super::{Superblock, label, uuid};
use crate::machine::array::Stripe;
use crate::machine::block::{FileSystem, Uuid};

/// Where `sb_inprogress` is: mkfs sets it first and clears it last, and the kernel mounts nothing that has it.
const IN_PROGRESS: usize = 126;
/// Bits of `sb_features_ro_compat` and `sb_features_incompat`.
const REFLINK: u64 = 1 << 2;
const BIGTIME: u64 = 1 << 3;

pub(super) fn parse(bytes: &[u8]) -> Option<Superblock> {
    if !bytes.starts_with(b"XFSB") {
        return None;
    }
    let long = |at: usize| Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let word = |at: usize| Some(u64::from(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)));
    let short = |at: usize| Some(u64::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    if *bytes.get(IN_PROGRESS)? != 0 {
        return None;
    }
    let block = word(4)?;
    let (unit, width) = (word(184)?, word(188)?);
    // A log on a device of its own has no place inside.
    let log = if long(48)? == 0 { 0 } else { word(96)?.checked_mul(block)? };
    let featured = short(100)? & 15 == 5;
    let feature = |at: usize, bit: u64| Some(featured && word(at)? & bit != 0);
    let used = long(8)?.saturating_sub(long(144)?).checked_mul(block)?;
    let mut found = FileSystem {
        uuid: Uuid::Known(uuid(bytes.get(32..48)?)),
        label: label(bytes.get(108..120)?),
        size: Some(long(8)?.checked_mul(block)?),
        used: Some(used),
        stripe: (unit > 0 && width >= unit)
            .then(|| Some(Stripe { unit: unit.checked_mul(block)?, width: width / unit }))
            .flatten(),
        ..FileSystem::new("xfs")
    };
    found.put("block_size", &block);
    found.put("inode_size", &short(104)?);
    found.put("log_size", &log);
    found.put("reflink", &feature(212, REFLINK)?);
    found.put("bigtime", &feature(216, BIGTIME)?);
    Some(Superblock { found, log })
}
