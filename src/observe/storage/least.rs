//! The fewest bytes a file system could have. Asked only of one that is larger than somebody wants it: the programs
//! read all of its tables.

use crate::exec::System;
use crate::machine::Machine;
use crate::machine::block::{Content, Device, FileSystem, Uuid};
use crate::tools::filesystem::{btrfs, ext};

pub(super) fn fill(machine: &mut Machine, shrinks: &[(String, u64)], system: &dyn System) {
    for (name, to) in shrinks {
        let Some(device) = machine.block.as_ref().and_then(|block| block.find(name)) else { continue };
        let Content::FileSystem(found) = &device.content else { continue };
        let larger = found.size.is_some_and(|size| size > *to);
        // What is only foreseen cannot be asked.
        if !larger || found.uuid == Uuid::Late || machine.least.contains_key(&device.path) {
            continue;
        }
        let least = match found.kind.as_str() {
            "ext2" | "ext3" | "ext4" => of_ext(device, found, system),
            "btrfs" => of_btrfs(machine, device, found, system),
            _ => continue,
        };
        let path = device.path.clone();
        machine.least.insert(path, least);
    }
}

fn of_ext(device: &Device, found: &FileSystem, system: &dyn System) -> Result<u64, String> {
    let block: u64 = found.property("block_size").and_then(|text| text.parse().ok()).unwrap_or(ext::BLOCK);
    let blocks = ext::parse_minimum(&system.run(&ext::minimum(&device.path)))?;
    blocks.checked_mul(block).ok_or_else(|| format!("resize2fs: {blocks} blocks are too many"))
}

fn of_btrfs(
    machine: &Machine,
    device: &Device,
    found: &FileSystem,
    system: &dyn System,
) -> Result<u64, String> {
    let live = machine.mounts.iter().flat_map(|mounts| mounts.of(&device.path)).next();
    let target = &live.ok_or("btrfs: it can be asked only while it is mounted")?.target;
    let command = btrfs::minimum(target, found.property("device").unwrap_or("1"));
    Ok(btrfs::parse_minimum(&system.run(&command))?.max(btrfs::SMALLEST))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;
    use crate::machine::block::{Block, BlockEffect, DeviceKind};

    #[test]
    fn only_what_is_too_large_is_asked() {
        let mut ext =
            FileSystem { size: Some(1 << 30), uuid: Uuid::Known("a".into()), ..FileSystem::new("ext4") };
        ext.put("block_size", &1024);
        let device = Device {
            content: Content::FileSystem(ext),
            ..Device::new("/dev/vdb", DeviceKind::Disk, 1 << 30)
        };
        let mut block = Block::default();
        BlockEffect::Put(device.into()).apply(&mut block);
        let mut machine = Machine { block: Some(block), ..Machine::default() };
        let silent = Transcript::new();
        fill(&mut machine, &[("/dev/vdb".into(), 1 << 30), ("/dev/vdc".into(), 1)], &silent);
        assert!(machine.least.is_empty());
        // Captured: e2fsprogs 1.47.
        let said = "resize2fs 1.47.0 (5-Feb-2023)\nEstimated minimum size of the filesystem: 7371\n";
        let system = Transcript::new().says("resize2fs -P /dev/vdb", said);
        fill(&mut machine, &[("/dev/vdb".into(), 1 << 29)], &system);
        assert_eq!(machine.least["/dev/vdb"], Ok(7371 * 1024));
    }
}
