//! The partition that a pool lies on where it gets a disk as a whole, and what is left of it when the disk comes back.
//!
//! `zpool create` makes partitions itself, and then looks for links to them while udev still makes and unmakes those:
//! on a slow machine that failed every time (openzfs/zfs#12631). So the partition is made before, and udev is waited
//! for. It is one partition for all of the disk, with the type that ZFS gives its own.

use super::super::devices::{blank_now, by_id, confirm, empty_disk_ends, empty_ends, holds_now};
use crate::machine::Prediction;
use crate::machine::block::{Block, BlockEffect, Content, Device, DeviceKind, Slot, Uuid, partition_path};
use crate::machine::claim::{BlankDevice, Returned};
use crate::machine::table::{Label, Part, TableEffect};
use crate::machine::zfs::{Class, Member, whole_disk};
use crate::plan::{Condition, Step};
use crate::tools::{sfdisk, udevadm, wipefs};
use crate::units::MIB;

/// Solaris /usr and Apple ZFS, as `zpool` writes it.
const KIND: &str = "6A898CC3-1DD2-11B2-99A6-080020736631";
/// Bytes of the entries of a table.
const ENTRIES: u64 = 128 * 128;

/// All of a disk between the tables, in whole MiB.
fn all_of(disk: &Device) -> Part {
    let sector = disk.sector.max(512);
    let mib = MIB / sector;
    // The copy of the table, and its header, are at the end.
    let usable = (disk.size / sector).saturating_sub(ENTRIES / sector + 1);
    Part {
        start: mib,
        size: usable.saturating_sub(mib) / mib * mib,
        kind: KIND.to_owned(),
        uuid: Uuid::Late,
        name: Some(label(disk)),
        attributes: Vec::new(),
        bootable: false,
    }
}

/// The name of the partition: it is how one made here is known again.
fn label(disk: &Device) -> String {
    let name = disk.serial.as_deref().or(disk.path.rsplit('/').next()).unwrap_or_default();
    let plain = name.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'));
    // A name in a GPT has at most 36 characters.
    format!("zfs-{}", plain.take(32).collect::<String>())
}

/// Steps that give a disk its partition.
pub(super) fn make(disk: &Device, blank: BlankDevice<'_>) -> Vec<Step> {
    let part = all_of(disk);
    let (path, size) = (partition_path(&disk.path, 1), part.size * disk.sector.max(512));
    let mut steps = vec![
        Step::run(sfdisk::make(blank, Label::Gpt)),
        Step::run(sfdisk::add(&disk.path, 1, &part)),
        Step::run(sfdisk::tell(&disk.path, 1)),
        Step::run(udevadm::settle()),
    ];
    // What lay there before the disk was emptied must not come back.
    steps.push(empty_ends(&path, size));
    steps.push(Step::Confirm { device: path, serial: None, size, blank: true });
    steps
}

/// The partition that an earlier run made, and got no further.
pub(super) fn made_before<'a>(block: &'a Block, disk: &'a Device) -> Option<&'a Device> {
    let mut parts = block.holders(&disk.path).filter(|part| whole_disk(block, part).is_some());
    parts.next().filter(|_| disk.kind == DeviceKind::Disk)
}

/// Steps that give the partition the rest of a disk that has grown, and what follows; `None` when it has all already.
pub(super) fn expanded(disk: &Device, part: &Device) -> Option<(u64, Vec<Step>, Vec<Prediction>)> {
    let all = all_of(disk);
    let size = all.size * disk.sector.max(512);
    let ours = part.slot.as_ref().is_some_and(|slot| slot.start == all.start * disk.sector.max(512));
    // Where ZFS made the partitions itself it has one more at the end, and makes them anew itself.
    if !ours || size < part.size + 2 * 8 * MIB {
        return None;
    }
    let steps = vec![
        confirm(disk, false),
        Step::run(sfdisk::move_copy(&disk.path)),
        Step::run(sfdisk::grow(&disk.path, 1, &all)),
        Step::run(sfdisk::tell(&disk.path, 1)),
        Step::run(udevadm::settle()),
    ];
    Some((size, steps, vec![put(disk)]))
}

fn put(disk: &Device) -> Prediction {
    let part = all_of(disk);
    let sector = disk.sector.max(512);
    Prediction::Block(BlockEffect::Put(Box::new(Device {
        sector: disk.sector,
        sits_on: vec![disk.path.clone()],
        slot: Some(Slot { number: 1, start: part.start * sector, serial: disk.serial.clone() }),
        ..Device::new(partition_path(&disk.path, 1), DeviceKind::Partition, part.size * sector)
    })))
}

/// The name that ZFS is given for a device: one that a change of the disks' order does not touch.
pub(super) fn lasting(block: &Block, device: &Device) -> String {
    if let (DeviceKind::Partition, Some(slot), Some(disk)) =
        (device.kind, &device.slot, device.sits_on.first().and_then(|disk| block.devices.get(disk)))
    {
        let disk = lasting(block, disk);
        return match disk.starts_with("/dev/disk/") {
            true => format!("{disk}-part{}", slot.number),
            false => device.path.clone(),
        };
    }
    if device.kind != DeviceKind::Disk {
        return device.path.clone();
    }
    by_id(block, &device.path).unwrap_or(&device.path).to_owned()
}

/// The same for the partition that a disk gets.
pub(super) fn lasting_partition(block: &Block, disk: &Device) -> String {
    let name = lasting(block, disk);
    if name.starts_with("/dev/disk/") { format!("{name}-part1") } else { partition_path(&disk.path, 1) }
}

/// The member that a device becomes.
pub(super) fn member(device: &Device) -> Member {
    let whole = device.kind == DeviceKind::Disk;
    Member {
        guid: None,
        path: if whole { partition_path(&device.path, 1) } else { device.path.clone() },
        disk: whole.then(|| device.path.clone()),
        state: "ONLINE".to_owned(),
        replacing: false,
    }
}

/// What is on a device once a pool has it.
pub(super) fn taken(block: &Block, device: &Device, pool: &str, class: Class) -> Vec<Prediction> {
    let member = member(device);
    let mut predicts = Vec::new();
    if device.kind == DeviceKind::Disk && made_before(block, device).is_none() {
        predicts.push(holds_now(&device.path, Content::Partitions { table: "gpt".to_owned() }));
        predicts.push(put(device));
        predicts.push(Prediction::Block(BlockEffect::Named {
            name: format!("/dev/disk/by-partlabel/{}", label(device)),
            path: member.path.clone(),
        }));
    }
    // The labels of spares and caches are none that anybody else knows.
    if !matches!(class, Class::Spare | Class::Cache) {
        let label = Some(pool.to_owned());
        let content = Content::Other { kind: "zfs_member".to_owned(), uuid: None, label };
        predicts.push(holds_now(&member.path, content));
    }
    let pool = Some(pool.to_owned());
    predicts.push(Prediction::Block(BlockEffect::Pooled { path: member.path, pool }));
    predicts
}

/// ZFS closes a device in the background, after the command that took it out of its pool.
fn released(device: &str) -> Step {
    let condition = Condition::Released { device: device.to_owned() };
    let or_else = format!("{device} was taken out of its pool, and is still held: run this again");
    Step::Wait { condition, timeout_ms: 60_000, delay_ms: 0, poll_ms: 100, or_else: Some(or_else) }
}

/// Makes a device blank that a pool has given back.
pub(super) fn give_back(returned: Returned<'_>, steps: &mut Vec<Step>, predicts: &mut Vec<Prediction>) {
    let device = returned.device().device();
    steps.push(released(&device.path));
    steps.push(Step::run(wipefs::all(returned.device())));
    steps.push(empty_ends(&device.path, device.size));
    predicts.push(Prediction::Block(BlockEffect::Pooled { path: device.path.clone(), pool: None }));
    let Some(disk) = returned.disk() else {
        predicts.push(blank_now(&device.path));
        return;
    };
    let path = &disk.device().path;
    steps.extend([Step::run(udevadm::settle()), Step::run(wipefs::all(disk))]);
    steps.push(empty_disk_ends(disk));
    steps.push(Step::run(udevadm::settle()));
    // Two where ZFS made them itself.
    predicts.extend(
        [1, 9].map(|number| Prediction::Block(BlockEffect::Gone { path: partition_path(path, number) })),
    );
    predicts.push(Prediction::Tables(TableEffect::Gone { disk: path.clone() }));
    predicts.push(Prediction::Tables(TableEffect::Emptied { disk: path.clone(), start: MIB }));
    predicts.push(blank_now(path));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_takes_all_whole_mebibytes() {
        let disk = Device::new("/dev/vdb", DeviceKind::Disk, 300 * MIB);
        let part = all_of(&disk);
        // As sfdisk makes it when it is told nothing but where it starts.
        assert_eq!((part.start, part.size * 512), (2048, 312_475_648));
        let large = Device { sector: 4096, ..disk };
        let part = all_of(&large);
        assert_eq!((part.start * 4096, part.size * 4096), (MIB, 298 * MIB));
    }
}
