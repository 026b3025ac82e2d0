//! How small a file system can get. Asked only where a volume may have to be made smaller: the program reads all of the
//! file system's tables.

use std::path::Path;

use super::{ask, unread};
use crate::exec::System;
use crate::machine::Machine;
use crate::machine::block::{Content, Device, FileSystem};
use crate::plan::Failure;
use crate::tools::resize2fs;

/// Where the superblock of ext4 says how large its blocks are, as a power of two from 1 KiB on.
const BLOCK_SIZE: u64 = 1024 + 24;

pub(super) fn fill<'a>(
    machine: &mut Machine,
    names: impl IntoIterator<Item = &'a String>,
    system: &dyn System,
) -> Result<(), Failure> {
    for name in names {
        if machine.smallest.contains_key(name) {
            continue;
        }
        let device = machine.block.as_ref().and_then(|block| block.find(name));
        let least = device.map_or(Ok(None), |device| of(device, system))?;
        machine.smallest.insert(name.clone(), least);
    }
    Ok(())
}

/// Bytes; `None` where there is no file system that can be made smaller, or none yet.
fn of(device: &Device, system: &dyn System) -> Result<Option<u64>, Failure> {
    let Content::FileSystem(FileSystem { kind, uuid, .. }) = &device.content else { return Ok(None) };
    if !matches!(kind.as_str(), "ext2" | "ext3" | "ext4") || uuid.known().is_none() {
        return Ok(None);
    }
    let Some(output) = ask(&resize2fs::smallest(&device.path), system)? else { return Ok(None) };
    let blocks = resize2fs::parse_smallest(&output.text()).map_err(unread)?;
    let bytes = system.read_at(Path::new(&device.path), BLOCK_SIZE, 4);
    let bytes = bytes.map_err(|error| Failure::new(format!("cannot read {}: {error}", device.path)))?;
    let shift = bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let block = shift.and_then(|shift| 1024u64.checked_shl(shift));
    Ok(block.and_then(|block| blocks.checked_mul(block)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;
    use crate::machine::block::{DeviceKind, Uuid};

    #[test]
    fn counts_in_the_blocks_of_the_file_system() {
        let found = FileSystem { uuid: Uuid::Known("a".into()), ..FileSystem::new("ext4") };
        let mut device = Device::new("/dev/vg/a", DeviceKind::Logical, 8 << 20);
        device.content = Content::FileSystem(found);
        let system = Transcript::new()
            .device("/dev/vg/a", 8 << 20, &[(BLOCK_SIZE, &[2, 0, 0, 0])])
            .says("resize2fs -P /dev/vg/a", "Estimated minimum size of the filesystem: 100\n");
        assert_eq!(of(&device, &system).unwrap(), Some(409_600));
        // One that is only foreseen cannot be asked.
        device.content = Content::FileSystem(FileSystem::new("ext4"));
        assert_eq!(of(&device, &Transcript::new()).unwrap(), None);
    }
}
