//! btrfs: what the first of its superblocks says of the whole, and of the device it lies on.

use super::{Little, Superblock, label, uuid};
use crate::machine::block::{FileSystem, Uuid};

pub(super) fn parse(bytes: &[u8]) -> Option<Superblock> {
    let block = Little(bytes);
    if block.bytes(64, 8)? != b"_BHRfS_M" {
        return None;
    }
    // The part of this device, which is all of it where there is one.
    let (number, size) = (block.long(201)?, block.long(209)?);
    let mut found = FileSystem {
        uuid: Uuid::Known(uuid(block.bytes(32, 16)?)),
        label: label(block.bytes(299, 256)?),
        size: Some(size),
        used: Some(block.long(120)?),
        ..FileSystem::new("btrfs")
    };
    found.put("device", &number);
    found.put("devices", &block.long(136)?);
    Some(Superblock { found, log: 0 })
}
