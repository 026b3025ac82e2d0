//! Partition tables, counted in sectors. Which disk has which table is looked at only where a module asks for it.
//!
//! Extended partitions of a dos table are seen, and never made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::block::Uuid;
use crate::units::MIB;

/// The tables that were looked at, and what lies in their free space.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tables {
    /// By the lasting name of the disk; `None` where there is no table.
    pub seen: BTreeMap<String, Option<Table>>,
    /// What was found where a new partition would be, as asked for in `Needs::stretches`; nothing where nothing is.
    pub found: BTreeMap<Stretch, Option<Found>>,
    /// Beginnings of stretches that will be empty by then: disk and byte.
    pub emptied: Vec<(String, u64)>,
}

/// A part of a disk, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stretch {
    pub disk: String,
    pub start: u64,
    pub size: u64,
}

/// A signature in free space: a partition there would come up with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// `xfs`, `LVM2_member`, ...
    pub kind: String,
    pub uuid: Option<String>,
    pub label: Option<String>,
}

/// The kinds of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Label {
    Gpt,
    Dos,
}

impl Label {
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpt => "gpt",
            Self::Dos => "dos",
        }
    }
}

/// A partition table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// What kind of table it is; a kind that is only recognised is in words.
    pub label: Result<Label, String>,
    pub id: Uuid,
    /// Bytes of a sector.
    pub sector: u64,
    /// Sectors of the disk.
    pub sectors: u64,
    /// The first sector a partition may have.
    pub first: u64,
    /// The last one, by the table.
    pub last: u64,
    /// Sectors at the end of the disk that a GPT keeps for its copy.
    pub reserve: u64,
    /// Whether a GPT's copy is not at the end of the disk: the disk has grown since the table was made.
    pub outgrown: bool,
    /// Whether nothing lies in the first and the last MiB but the table and partitions: without partitions, the disk
    /// counts as blank.
    pub tidy: bool,
    /// By number.
    pub parts: BTreeMap<u64, Part>,
}

/// A partition as its table describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub start: u64,
    pub size: u64,
    /// A GUID in capital letters, or two hexadecimal digits.
    pub kind: String,
    pub uuid: Uuid,
    pub name: Option<String>,
    /// Attributes of a GPT, as sfdisk writes them, sorted.
    pub attributes: Vec<String>,
    /// The active partition of a dos table.
    pub bootable: bool,
}

impl Part {
    /// The sector behind the last one.
    pub fn end(&self) -> u64 {
        self.start + self.size
    }

    /// Whether it only holds logical partitions.
    pub fn extended(&self) -> bool {
        matches!(self.kind.as_str(), "5" | "f" | "85")
    }
}

/// Free sectors between partitions: from `start` up to, but without, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub start: u64,
    pub end: u64,
}

impl Gap {
    pub fn size(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

impl Table {
    /// The table that sfdisk would write on an empty disk.
    pub fn new(label: Label, sector: u64, sectors: u64) -> Self {
        // The copy of a GPT: a header and 128 entries of 128 bytes.
        let reserve = if label == Label::Gpt { 1 + 128 * 128 / sector } else { 0 };
        let mut table = Self {
            label: Ok(label),
            id: Uuid::Late,
            sector,
            sectors,
            first: MIB / sector,
            last: 0,
            reserve,
            outgrown: false,
            tidy: true,
            parts: BTreeMap::new(),
        };
        table.last = table.last_of_disk();
        table
    }

    /// The last sector a partition may have once the table knows how large the disk is.
    pub fn last_of_disk(&self) -> u64 {
        // A dos table has 32 bits for a sector.
        let most = if self.label == Ok(Label::Dos) { u64::from(u32::MAX) } else { u64::MAX };
        (self.sectors - 1).saturating_sub(self.reserve).min(most)
    }

    /// Sectors in a MiB, to which everything is aligned.
    pub fn grain(&self) -> u64 {
        (MIB / self.sector).max(1)
    }

    /// Where partitions end at the latest: at a whole MiB, and at least a MiB before the end of the disk, so that what
    /// lies at the end of a partition is never taken for the end of the disk.
    pub fn bound(&self) -> u64 {
        let last = if self.outgrown { self.last_of_disk() } else { self.last };
        (last + 1).min(self.sectors.saturating_sub(self.grain())) / self.grain() * self.grain()
    }

    /// Free sectors, aligned, in order.
    pub fn gaps(&self) -> Vec<Gap> {
        let up = |sector: u64| sector.div_ceil(self.grain()) * self.grain();
        let down = |sector: u64| sector / self.grain() * self.grain();
        let mut taken: Vec<(u64, u64)> = self.parts.values().map(|part| (part.start, part.end())).collect();
        taken.sort_unstable();
        let mut gaps = Vec::new();
        let mut from = self.first;
        for (start, end) in taken.into_iter().chain([(self.bound(), self.bound())]) {
            let gap = Gap { start: up(from), end: down(start) };
            if gap.size() > 0 {
                gaps.push(gap);
            }
            from = from.max(end);
        }
        gaps
    }

    /// The gap that begins where a partition ends: what it can grow into.
    pub fn behind(&self, part: &Part) -> u64 {
        let next = self.parts.values().map(|other| other.start).filter(|start| *start >= part.end()).min();
        next.unwrap_or(self.bound()).max(part.end())
    }

    /// The partition that shares sectors with a stretch.
    pub fn overlap(&self, start: u64, end: u64) -> Option<(u64, &Part)> {
        let shares = |part: &&Part| part.start < end && start < part.end();
        self.parts.iter().find(|(_, part)| shares(part)).map(|(number, part)| (*number, part))
    }
}

impl Tables {
    /// The table of a disk, as far as it was looked at.
    pub fn of(&self, disk: &str) -> Option<&Table> {
        self.seen.get(disk).and_then(Option::as_ref)
    }

    /// What a new partition would come up with; `None` when it was not looked.
    pub fn lies_at(&self, stretch: &Stretch) -> Option<Option<&Found>> {
        let found = self.found.get(stretch)?.as_ref();
        let gone = self.emptied.iter().any(|(disk, start)| *disk == stretch.disk && *start == stretch.start);
        Some(found.filter(|_| !gone))
    }
}

/// What an action does to a partition table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableEffect {
    /// The disk has this table.
    Put { disk: String, table: Box<Table> },
    /// The disk has no table.
    Gone { disk: String },
    /// A stretch that begins there holds no signature any more.
    Emptied { disk: String, start: u64 },
}

impl TableEffect {
    pub fn apply(&self, tables: &mut Tables) {
        match self {
            Self::Put { disk, table } => {
                tables.seen.insert(disk.clone(), Some((**table).clone()));
            }
            Self::Gone { disk } => {
                tables.seen.insert(disk.clone(), None);
            }
            Self::Emptied { disk, start } => {
                let place = (disk.clone(), *start);
                if !tables.emptied.contains(&place) {
                    tables.emptied.push(place);
                }
            }
        }
    }

    pub fn holds(&self, tables: &Tables) -> Result<(), String> {
        match self {
            Self::Put { disk, table } => {
                let found = tables.of(disk).ok_or_else(|| format!("{disk} has no partition table"))?;
                let same =
                    found.label == table.label && found.id.agrees(&table.id) && found.last == table.last;
                let parts = |table: &Table| table.parts.keys().copied().collect::<Vec<_>>();
                if !same || parts(found) != parts(table) {
                    return Err(format!(
                        "the table of {disk} is {:?} up to sector {} with partitions {:?}, not {:?} up to {} with {:?}",
                        found.label,
                        found.last,
                        parts(found),
                        table.label,
                        table.last,
                        parts(table)
                    ));
                }
                let differs = table.parts.iter().find(|(number, want)| {
                    found.parts.get(number).is_none_or(|found| {
                        !want.uuid.agrees(&found.uuid)
                            || Part { uuid: Uuid::Late, ..found.clone() }
                                != Part { uuid: Uuid::Late, ..(*want).clone() }
                    })
                });
                match differs {
                    Some((number, want)) => Err(format!(
                        "partition {number} of {disk} is {:?}, not {want:?}",
                        found.parts.get(number)
                    )),
                    None => Ok(()),
                }
            }
            Self::Gone { disk } if tables.of(disk).is_some() => {
                Err(format!("{disk} still has a partition table"))
            }
            Self::Gone { .. } | Self::Emptied { .. } => Ok(()),
        }
    }

    pub fn disk(&self) -> &str {
        match self {
            Self::Put { disk, .. } | Self::Gone { disk } | Self::Emptied { disk, .. } => disk,
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        let whole = |effect: &Self| !matches!(effect, Self::Emptied { .. });
        whole(self) && whole(earlier) && self.disk() == earlier.disk()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::GIB;

    fn part(start: u64, size: u64) -> Part {
        let kind = "83".to_owned();
        Part { start, size, kind, uuid: Uuid::Late, name: None, attributes: vec![], bootable: false }
    }

    /// Measured with sfdisk 2.38 on a disk of 1 GiB.
    #[test]
    fn a_new_table_is_that_of_sfdisk() {
        let table = Table::new(Label::Gpt, 512, GIB / 512);
        assert_eq!((table.first, table.last), (2048, 2_097_118));
        assert_eq!(table.gaps(), [Gap { start: 2048, end: 2_095_104 }]);
        assert_eq!(Table::new(Label::Gpt, 4096, GIB / 4096).last, GIB / 4096 - 1 - 5);
    }

    #[test]
    fn gaps_are_what_is_left() {
        let mut table = Table::new(Label::Gpt, 512, GIB / 512);
        table.parts.insert(2, part(4096, 100));
        table.parts.insert(1, part(409_600, 2048));
        let gaps: Vec<(u64, u64)> = table.gaps().iter().map(|gap| (gap.start, gap.end)).collect();
        assert_eq!(gaps, [(2048, 4096), (6144, 409_600), (411_648, 2_095_104)]);
        assert_eq!(table.behind(&table.parts[&2]), 409_600);
        assert_eq!(table.behind(&table.parts[&1]), 2_095_104);
        assert_eq!(table.overlap(4000, 4097).unwrap().0, 2);
        assert!(table.overlap(2048, 4096).is_none());
    }

    #[test]
    fn a_grown_disk_outgrows_its_gpt() {
        let mut table = Table::new(Label::Gpt, 512, GIB / 512);
        assert_eq!(table.bound(), 2_095_104);
        table.sectors *= 2;
        assert_eq!(table.bound(), 2_095_104);
        table.outgrown = true;
        assert_eq!((table.bound(), table.last_of_disk()), (4_192_256, 4_194_270));
    }
}
