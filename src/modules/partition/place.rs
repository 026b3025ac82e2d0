//! Where a partition begins and ends: from what was written to whole MiB of one disk.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::Partition;
use super::result::Unit;
use crate::machine::block::Device;
use crate::machine::table::{Gap, Part, Table};
use crate::modules::devices::shown;
use crate::plan::Refusal;
use crate::units::Size;
use crate::value::Value;

/// A place on a disk, or a size: `10GiB`, `25%`, `2048s`, `-1GiB` from the end, or a number that counts in `unit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "String")]
pub(super) struct Position {
    text: String,
    from_end: bool,
    amount: Amount,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Amount {
    Bytes(u64),
    Sectors(u64),
    /// Thousandths of a percent.
    Percent(u64),
    /// A number alone, in thousandths: what it counts in is another argument.
    Plain(u64),
}

impl TryFrom<Value> for Position {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let text = match &value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            other => return Err(format!("`{other}` is no place on a disk")),
        };
        let bad = || format!("`{text}` is no place on a disk; write `10GiB`, `25%`, `2048s` or a number");
        let (from_end, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, text.as_str()),
        };
        let thousandths = |number: &str| -> Option<u64> {
            let (whole, fraction) = number.trim().split_once('.').unwrap_or((number.trim(), ""));
            if fraction.len() > 3 || !fraction.chars().all(|digit| digit.is_ascii_digit()) {
                return None;
            }
            let part: u64 = format!("{fraction:0<3}").parse().ok()?;
            whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(part)
        };
        let amount = if let Some(percent) = rest.strip_suffix('%') {
            thousandths(percent).filter(|percent| *percent <= 100_000).map(Amount::Percent)
        } else if let Some(sectors) = rest.strip_suffix('s') {
            sectors.trim().parse().ok().map(Amount::Sectors)
        } else if rest.chars().all(|letter| letter.is_ascii_digit() || letter == '.') {
            thousandths(rest).map(Amount::Plain)
        } else {
            rest.parse().ok().map(|Size(bytes)| Amount::Bytes(bytes))
        };
        let amount = amount.ok_or_else(bad)?;
        Ok(Self { text, from_end, amount })
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.text
    }
}

impl JsonSchema for Position {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Position".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": ["string", "number"]})
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Position {
    /// Whether it is as far as there is room.
    pub(super) fn is_all(&self) -> bool {
        !self.from_end && self.amount == Amount::Percent(100_000)
    }

    /// In sectors of a table's disk, not yet aligned.
    fn sectors(&self, table: &Table, unit: Unit) -> u64 {
        let of_disk = |thousandths: u64| {
            u64::try_from(u128::from(table.sectors) * u128::from(thousandths) / 100_000).unwrap_or(u64::MAX)
        };
        let sectors = match self.amount {
            Amount::Sectors(sectors) => sectors,
            Amount::Bytes(bytes) => bytes.div_ceil(table.sector),
            Amount::Percent(thousandths) => of_disk(thousandths),
            Amount::Plain(thousandths) => match unit.bytes(table.sector) {
                Some(bytes) => {
                    let bytes = u128::from(thousandths) * u128::from(bytes) / 1000;
                    u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(table.sector)
                }
                None => of_disk(thousandths),
            },
        };
        if self.from_end { table.sectors.saturating_sub(sectors) } else { sectors }
    }
}

impl Partition {
    fn start(&self, table: &Table) -> Option<u64> {
        let start = self.part_start.as_ref()?.sectors(table, self.unit);
        Some(start.max(table.first).div_ceil(table.grain()).saturating_mul(table.grain()))
    }

    /// The sector behind the last one, where that is written down as more than "as far as there is room".
    fn end(&self, table: &Table, start: Option<u64>) -> Result<Option<u64>, Refusal> {
        let down = |sector: u64| sector / table.grain() * table.grain();
        match (&self.part_end, &self.size) {
            (Some(end), Some(size)) => Err(Refusal::new("`part_end` and `size` are both given")
                .fact(format!("part_end: {end}, size: {size}"))
                .help("one of them is enough")),
            (Some(end), None) if end.is_all() => Ok(None),
            (Some(end), None) => Ok(Some(down(end.sectors(table, self.unit)))),
            (None, Some(size)) if size.is_all() => Ok(None),
            (None, Some(size)) => {
                let sectors = size.sectors(table, self.unit);
                let whole = sectors.div_ceil(table.grain()).saturating_mul(table.grain());
                Ok(start.map(|start| start.saturating_add(whole)))
            }
            (None, None) => Ok(None),
        }
    }

    /// First sector of a new partition, and the one behind its last.
    pub(super) fn place(&self, table: &Table, disk: &Device) -> Result<(u64, u64), Refusal> {
        let gaps = table.gaps();
        let start = self.start(table);
        if let Some(start) = start {
            if let Some((number, part)) = table.overlap(start, start.saturating_add(1)) {
                return Err(overlapping(table, disk, number, part, start, None));
            }
            let around = gaps.iter().find(|gap| gap.start <= start && start < gap.end).copied();
            let end = match self.end(table, Some(start))? {
                Some(end) => end,
                None => around.map_or(start, |gap| gap.end),
            };
            return self.check(table, disk, start, end);
        }
        // Any beginning will do: of sizes the first gap that is large enough, of ends the gap in which it lies.
        let fits = |gap: &&Gap| -> bool {
            let end = self.end(table, Some(gap.start)).ok().flatten();
            match (&self.size, end) {
                (Some(size), Some(end)) if !size.is_all() => end <= gap.end,
                (None, Some(end)) => gap.start < end && end <= gap.end,
                _ => gap.end == table.bound(),
            }
        };
        self.end(table, Some(table.first))?;
        let Some(gap) = gaps.iter().find(fits) else { return Err(self.no_room(table, disk)) };
        let end = self.end(table, Some(gap.start))?.unwrap_or(gap.end);
        self.check(table, disk, gap.start, end)
    }

    fn check(&self, table: &Table, disk: &Device, start: u64, end: u64) -> Result<(u64, u64), Refusal> {
        if start >= end {
            let title =
                format!("a partition of {} from sector {start} to {end} would have no size", shown(disk));
            return Err(described(Refusal::new(title), table)
                .help(format!("beginnings and sizes are whole MiB, of {} sectors each", table.grain())));
        }
        if let Some((number, part)) = table.overlap(start, end) {
            return Err(overlapping(table, disk, number, part, start, Some(end)));
        }
        if end > table.bound() {
            return Err(self.no_room(table, disk).fact(format!(
                "it would have the sectors {start} to {} ({}), and the last one for partitions is {}",
                end - 1,
                Size((end - start).saturating_mul(table.sector)),
                table.bound() - 1
            )));
        }
        Ok((start, end))
    }

    fn no_room(&self, table: &Table, disk: &Device) -> Refusal {
        let wanted = [("part_start", &self.part_start), ("part_end", &self.part_end), ("size", &self.size)];
        let wanted: Vec<String> = wanted
            .iter()
            .filter_map(|(name, position)| position.as_ref().map(|one| format!(" `{name}: {one}`")))
            .collect();
        let title = format!("{} has no room for a partition with{}", shown(disk), wanted.join(","));
        let title =
            if wanted.is_empty() { format!("{} has no room for a partition", shown(disk)) } else { title };
        described(Refusal::new(title), table)
    }

    /// Where a partition that is there has to end, if that is not where it does.
    pub(super) fn new_end(
        &self,
        table: &Table,
        disk: &Device,
        number: u64,
        part: &Part,
    ) -> Result<Option<u64>, Refusal> {
        let name = format!("partition {number} of {}", shown(disk));
        let is = format!(
            "it has the sectors {} to {} ({})",
            part.start,
            part.end() - 1,
            Size(part.size * table.sector)
        );
        if let Some(start) = self.start(table).filter(|start| start.abs_diff(part.start) > table.grain()) {
            return Err(Refusal::new(format!("{name} begins elsewhere, and is never moved"))
                .fact(format!("{is}, and `part_start` means sector {start}"))
                .help("correct `part_start` or leave it out"));
        }
        let given = self.part_end.is_some() || self.size.is_some();
        if !given && !self.resize {
            return Ok(None);
        }
        let room = table.behind(part);
        let end = self.end(table, Some(part.start))?.unwrap_or(room);
        if end.abs_diff(part.end()) <= table.grain() {
            return Ok(None);
        }
        let wanted = format!("wanted are the sectors {} to {}", part.start, end.saturating_sub(1));
        if end < part.end() {
            return Err(Refusal::new(format!("{name} is larger than it should be, and is not made smaller"))
                .fact(is)
                .fact(wanted)
                .help("correct `part_end` or `size`, or leave them out"));
        }
        if end > room {
            let next = table.overlap(part.end(), end);
            return Err(match next {
                Some((other, next)) => overlapping(table, disk, other, next, part.start, Some(end)),
                None => described(
                    Refusal::new(format!("{name} has no room to grow")).fact(is).fact(wanted),
                    table,
                ),
            });
        }
        if !self.resize {
            return Err(Refusal::new(format!("{name} is smaller than it should be"))
                .fact(is)
                .fact(wanted)
                .help("`resize: true` lets it grow"));
        }
        Ok(Some(end))
    }
}

fn overlapping(
    table: &Table,
    disk: &Device,
    number: u64,
    part: &Part,
    start: u64,
    end: Option<u64>,
) -> Refusal {
    let until = end.map_or_else(String::new, |end| format!(" to {}", end - 1));
    let title =
        format!("a partition of {} from sector {start}{until} would overlap partition {number}", shown(disk));
    let fact = format!(
        "partition {number} has the sectors {} to {} ({})",
        part.start,
        part.end() - 1,
        Size(part.size * table.sector)
    );
    free(Refusal::new(title).fact(fact), table)
}

/// The refusal with what there is on the disk.
fn described(refusal: Refusal, table: &Table) -> Refusal {
    let parts = table.parts.iter().fold(refusal, |all, (number, part)| {
        let size = Size(part.size * table.sector);
        all.fact(format!("partition {number} has the sectors {} to {} ({size})", part.start, part.end() - 1))
    });
    free(parts, table)
}

fn free(refusal: Refusal, table: &Table) -> Refusal {
    let gaps = table.gaps();
    if gaps.is_empty() {
        return refusal.fact("nothing is free");
    }
    gaps.into_iter().fold(refusal, |all, gap| {
        let size = Size(gap.size() * table.sector);
        all.fact(format!("free are the sectors {} to {} ({size})", gap.start, gap.end - 1))
    })
}
