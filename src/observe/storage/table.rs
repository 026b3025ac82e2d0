//! Partition tables of the disks that a module asks for, and what a partition in their free space would come up with.

use std::path::Path;

use super::unread;
use crate::exec::{Status, System};
use crate::machine::block::Block;
use crate::machine::table::{Found, Label, Stretch, Table, Tables};
use crate::plan::Failure;
use crate::tools::{blkid, sfdisk};
use crate::units::MIB;

pub(super) fn observe(
    tables: &mut Tables,
    block: &Block,
    disks: &[String],
    system: &dyn System,
) -> Result<(), Failure> {
    for disk in disks {
        if tables.seen.contains_key(disk) {
            continue;
        }
        let size = block.devices.get(disk).map_or(0, |device| device.size);
        let output = system.run(&sfdisk::list(disk));
        // Not installed yet, it stops nobody who does not want it; what is not known has no entry.
        if output.status == Status::Missing {
            continue;
        }
        let mut table = sfdisk::parse(disk, size, &output).map_err(unread)?;
        if let Some(table) = &mut table {
            let read = |offset: u64, length: u64| {
                let length = usize::try_from(length).unwrap_or(0);
                let cannot = |error| Failure::new(format!("cannot read {disk}: {error}"));
                system.read_at(Path::new(disk), offset, length).map_err(cannot)
            };
            let span = MIB.min(size);
            let (first, last) = (read(0, span)?, read(size - span, span)?);
            table.outgrown = outgrown(table, &first);
            table.tidy = margins_are_empty(table, size, &first, &last);
        }
        tables.seen.insert(disk.clone(), table);
    }
    Ok(())
}

/// Whether a GPT's header says that its copy is not in the last sector.
fn outgrown(table: &Table, first: &[u8]) -> bool {
    let at = usize::try_from(table.sector + 32).unwrap_or(usize::MAX);
    let copy =
        first.get(at..).and_then(|rest| rest.first_chunk::<8>()).map(|bytes| u64::from_le_bytes(*bytes));
    table.label == Ok(Label::Gpt) && copy.is_some_and(|copy| copy < table.sectors - 1)
}

/// Whether the first and the last MiB are zero but for the table itself and what belongs to partitions.
fn margins_are_empty(table: &Table, size: u64, first: &[u8], last: &[u8]) -> bool {
    let sector = table.sector;
    // The table of dos partitions, and its disk identifier; a GPT protects itself with one.
    let mut spoken_for = vec![(440, 512)];
    if table.label == Ok(Label::Gpt) {
        spoken_for.push((sector, (1 + table.reserve) * sector));
        spoken_for.push((size.saturating_sub(table.reserve * sector), size));
    }
    spoken_for
        .extend(table.parts.values().map(|part| (part.start * sector, part.end().saturating_mul(sector))));
    let free = |at: u64| !spoken_for.iter().any(|(from, to)| (*from..*to).contains(&at));
    let empty = |offset: u64, bytes: &[u8]| (offset..).zip(bytes).all(|(at, byte)| *byte == 0 || !free(at));
    empty(0, first) && empty(size - last.len() as u64, last)
}

pub(super) fn look_into(
    tables: &mut Tables,
    stretches: &[Stretch],
    system: &dyn System,
) -> Result<(), Failure> {
    for stretch in stretches {
        if tables.found.contains_key(stretch) {
            continue;
        }
        let command = blkid::probe_stretch(&stretch.disk, stretch.start, stretch.size);
        let found = match blkid::parse(&system.run(&command)).map_err(unread)? {
            blkid::Found::Nothing => None,
            blkid::Found::Ambiguous => Some(Found {
                kind: "several signatures that contradict each other".to_owned(),
                uuid: None,
                label: None,
            }),
            blkid::Found::Signature(found) => Some(Found {
                kind: found.kind.or(found.table).unwrap_or_else(|| "an unknown signature".to_owned()),
                uuid: found.uuid,
                label: found.label,
            }),
        };
        tables.found.insert(stretch.clone(), found);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;
    use crate::machine::block::{BlockEffect, Device, DeviceKind};
    use crate::units::GIB;

    const GPT: &str = r#"{"partitiontable":{"label":"gpt","id":"04B8","device":"/dev/vdb","unit":"sectors","firstlba":2048,"lastlba":2097118,"sectorsize":512}}"#;

    fn look(size: u64, content: &[(u64, &[u8])]) -> Table {
        let mut block = Block::default();
        BlockEffect::Put(Device::new("/dev/vdb", DeviceKind::Disk, size).into()).apply(&mut block);
        let system = Transcript::new().device("/dev/vdb", size, content).says("sfdisk --json /dev/vdb", GPT);
        let mut tables = Tables::default();
        observe(&mut tables, &block, &["/dev/vdb".to_owned()], &system).unwrap();
        tables.of("/dev/vdb").unwrap().clone()
    }

    #[test]
    fn the_header_says_whether_the_disk_has_grown() {
        let header = (GIB / 512 - 1).to_le_bytes();
        assert!(!look(GIB, &[(544, &header)]).outgrown);
        assert!(look(2 * GIB, &[(544, &header)]).outgrown);
    }

    #[test]
    fn boot_code_and_leftovers_are_seen() {
        assert!(look(GIB, &[(446, b"table"), (512, b"EFI PART"), (GIB - 512, b"EFI PART")]).tidy);
        assert!(!look(GIB, &[(0, b"\xeb")]).tidy);
        assert!(!look(GIB, &[(34 * 512, b"x")]).tidy);
        assert!(!look(GIB, &[(GIB - 34 * 512, b"x")]).tidy);
    }

    #[test]
    fn what_lies_in_free_space_is_named() {
        let stretch = Stretch { disk: "/dev/vdb".into(), start: MIB, size: GIB / 2 };
        let shown = "blkid --probe --output export --offset 1048576 --size 536870912 /dev/vdb";
        let mut tables = Tables::default();
        let system = Transcript::new().says(shown, "TYPE=xfs\nUUID=ab\nLABEL=photos\n");
        look_into(&mut tables, std::slice::from_ref(&stretch), &system).unwrap();
        let found = tables.lies_at(&stretch).unwrap().unwrap();
        assert_eq!((found.kind.as_str(), found.label.as_deref()), ("xfs", Some("photos")));
        tables.emptied.push(("/dev/vdb".into(), MIB));
        assert_eq!(tables.lies_at(&stretch), Some(None));
    }
}
