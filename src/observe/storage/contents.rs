//! What is on each device: by its own bytes where nobody uses it, by what the kernel and udev say where somebody does.

use std::collections::BTreeMap;
use std::path::Path;

use super::block::kind;
use super::row::Row;
use super::span::Open;
use super::{agreed, blank, superblock};
use crate::exec::System;
use crate::machine::block::{Content, DeviceKind};

/// What is mounted or swapped to, by kernel names, and the folder at which it can be seen.
pub(super) type Busy = BTreeMap<String, Option<String>>;

/// The contents of all devices, in the order of `rows`; `proven` has those that need not be looked at again.
pub(super) fn all(
    rows: &[Row],
    busy: &Busy,
    open: &[Open],
    proven: impl Fn(&Row) -> Option<Content>,
    system: &dyn System,
) -> Vec<Content> {
    let look = |row: &Row| {
        // udev is not told of devices that are added while a file system is mounted; the kernel knows them.
        if let Some(one) = open.iter().find(|one| one.devices.contains(&row.kname)) {
            return Some(one.content(&row.path, system));
        }
        if is_used(row, rows, busy) {
            return Some(used(row, rows, busy.get(&row.kname).and_then(Option::as_deref), system));
        }
        proven(row)
            .or_else(|| agreed::content(row, system))
            .or_else(|| blank::look(&row.path, row.size, system))
    };
    let seen: Vec<Option<Content>> = rows.iter().map(look).collect();
    let bare = rows.iter().zip(&seen).filter(|(_, seen)| seen.is_none()).map(|(row, _)| row.path.as_str());
    let mut bare = blank::all_bare(&bare.collect::<Vec<_>>(), system).into_iter();
    let unseen = || Content::Unknown { why: "it was not looked at".to_owned() };
    seen.into_iter().map(|seen| seen.or_else(|| bare.next()).unwrap_or_else(unseen)).collect()
}

pub(super) fn children<'r>(row: &'r Row, rows: &'r [Row]) -> impl Iterator<Item = &'r Row> {
    rows.iter().filter(|other| other.parents.contains(&row.kname))
}

/// Whether what is on a device is for others to know: nobody can have it alone.
fn is_used(row: &Row, rows: &[Row], busy: &Busy) -> bool {
    row.kind == "rom" || busy.contains_key(&row.kname) || children(row, rows).next().is_some()
}

fn used(row: &Row, rows: &[Row], mount_point: Option<&str>, system: &dyn System) -> Content {
    if row.kind == "rom" {
        return Content::Unknown { why: "a drive for discs".to_owned() };
    }
    let Some(kind) = &row.fstype else {
        let holds_signature =
            matches!(kind(row), DeviceKind::Disk | DeviceKind::Partition | DeviceKind::Array);
        let parted = children(row, rows).any(|child| child.kind == "part");
        return match &row.table {
            table if parted => Content::Partitions { table: table.clone().unwrap_or("unknown".to_owned()) },
            // udev is told of a signature when its writer closes the device, which nobody can wait for; the table that it
            // tells of a partition is the one of its disk.
            _ if holds_signature => blank::probe(&row.path, row.size, system),
            Some(table) => Content::Partitions { table: table.clone() },
            None => Content::Unknown { why: "in use, and udev knows no signature".to_owned() },
        };
    };
    let read = || {
        let mut block = superblock::read(kind, &row.path, system)?;
        let usage = mount_point.and_then(|folder| system.usage(Path::new(folder)).ok());
        // While XFS is mounted its superblock is written late; the kernel says how large it is without its log.
        if let (Some(usage), "xfs") = (usage, kind.as_str()) {
            block.found.size = Some(usage.size + block.log);
        }
        block.found.used = usage.map(|usage| usage.used).or(block.found.used);
        Some(block.found)
    };
    blank::named(kind, row.uuid.clone(), row.label.clone(), read, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;
    use crate::machine::block::Uuid;

    /// As seen right after `mdadm --create`: udev has not come to the new member yet.
    #[test]
    fn a_partition_in_use_is_not_what_its_disk_is() {
        let row = |kname: &str, kind: &str, parent: &str| Row {
            kname: kname.into(),
            path: format!("/dev/{kname}"),
            kind: kind.into(),
            size: 1 << 20,
            table: Some("gpt".into()).filter(|_| kind != "raid1"),
            parents: Some(parent.to_owned()).filter(|parent| !parent.is_empty()).into_iter().collect(),
            ..Row::default()
        };
        let rows = [row("vdc", "disk", ""), row("vdc1", "part", "vdc"), row("md127", "raid1", "vdc1")];
        let system = Transcript::new().says(
            "blkid --probe --output export /dev/vdc1",
            "DEVNAME=/dev/vdc1\nUUID=6b1a-c2d3\nLABEL=any:pair\nTYPE=linux_raid_member\nUSAGE=raid\n",
        );
        let blank = || Some(Content::Blank { table: false });
        let found = all(&rows, &Busy::new(), &[], |_| blank(), &system);
        let member = Content::Member { array: Uuid::Known("6b1ac2d3".into()), name: "pair".into() };
        assert_eq!(
            found,
            [Content::Partitions { table: "gpt".into() }, member, Content::Blank { table: false }]
        );
    }
}
