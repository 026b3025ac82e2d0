//! Clearing a device for a new purpose: nothing to do, an empty table, or somebody's bytes, which takes consent.

use super::zero::{empty_disk_ends, empty_ends};
use crate::machine::Prediction;
use crate::machine::block::{BlockEffect, Content, Device, DeviceKind};
use crate::machine::claim::{BlankDevice, Claim};
use crate::machine::table::TableEffect;
use crate::plan::{Change, Plan, Step};
use crate::tools::{sfdisk, udevadm, wipefs};
use crate::units::MIB;

/// Goes on only if the device is still what was planned with.
pub(in crate::modules) fn confirm(device: &Device, blank: bool) -> Step {
    Step::Confirm { device: device.path.clone(), serial: device.serial.clone(), size: device.size, blank }
}

/// Keeps the partition table of a disk as evidence, before it is changed.
pub(in crate::modules) fn keep_table(disk: &Device) -> Step {
    let name = disk.serial.as_deref().unwrap_or(disk.path.trim_start_matches("/dev/"));
    Step::Keep {
        name: format!("partition-table/{}", name.replace(['/', ' '], "_")),
        command: sfdisk::dump(&disk.path),
    }
}

/// Plans what has to go before a device can be used: nothing, an empty table, or somebody's bytes, which takes consent.
///
/// Partitions go with their disk. They are emptied first: what begins where they began must not come back with a new
/// partition at the same place.
pub(in crate::modules) fn clear<'a>(plan: &mut Plan, claim: Claim<'a>) -> BlankDevice<'a> {
    let device = claim.device();
    let blank = claim.wiped();
    if !claim.needs_wiping() {
        return blank;
    }
    let mut predicts = Vec::new();
    if device.kind == DeviceKind::Disk {
        predicts.push(Prediction::Tables(TableEffect::Gone { disk: device.path.clone() }));
    }
    if !claim.destroys() {
        let change = match claim.unfinished() {
            Some(making) => Change::remove("unfinished bytes on", &device.path, format!("of the {making}")),
            None => Change::remove("empty partition table of", &device.path, ""),
        };
        let mut steps = vec![confirm(device, false), Step::run(wipefs::table(blank))];
        steps.push(empty_ends(&device.path, device.size));
        predicts.push(blank_now(&device.path));
        plan.push(change, steps, predicts);
        return blank;
    }
    let change = Change::destroy("content of", &device.path, claim.token(), claim.loss());
    let mut steps = vec![confirm(device, false)];
    let partitions = claim.partitions();
    if !partitions.is_empty() {
        steps.push(keep_table(device));
    }
    let emptied = |start| Prediction::Tables(TableEffect::Emptied { disk: device.path.clone(), start });
    for part in partitions {
        let (path, size) = (&part.device().path, part.device().size);
        // The kernel shows two sectors of an extended partition; they are part of the table.
        if size > 1024 {
            steps.push(Step::run(wipefs::all(part)));
            steps.push(empty_ends(path, size));
        }
        predicts.extend(part.device().slot.as_ref().map(|slot| emptied(slot.start)));
        predicts.push(Prediction::Block(BlockEffect::Gone { path: path.clone() }));
    }
    // What was written through partitions is settled before the table that makes them goes.
    steps.extend([Step::run(udevadm::settle()), Step::run(wipefs::all(claim.unused()))]);
    if device.kind == DeviceKind::Disk {
        steps.push(empty_disk_ends(claim.unused()));
        predicts.push(emptied(MIB));
    } else {
        steps.push(empty_ends(&device.path, device.size));
    }
    steps.push(Step::run(udevadm::settle()));
    predicts.push(blank_now(&device.path));
    plan.push(change, steps, predicts);
    blank
}

/// Nothing is on the device any more.
pub(in crate::modules) fn blank_now(path: &str) -> Prediction {
    holds_now(path, Content::Blank { table: false })
}

/// The device holds this from now on.
pub(in crate::modules) fn holds_now(path: &str, content: Content) -> Prediction {
    Prediction::Block(BlockEffect::Content { path: path.to_owned(), content })
}
