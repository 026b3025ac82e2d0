//! `partition`: partitions of a disk, one a task.

mod absent;
mod kinds;
mod place;
mod present;
mod result;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::kinds::{Flag, FsType, Kind};
use self::place::Position;
use self::result::Unit;
use super::devices::{DeviceRef, checked_text, shown};
use super::{Describe, Done, Module};
use crate::machine::block::{Content, Device, DeviceKind};
use crate::machine::table::{Label, Stretch, Table};
use crate::machine::{Domain, Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::{Map, Value};

checked_text!(
    /// The name of a partition in a GPT.
    PartName,
    |text| {
        let plain = |letter: char| letter.is_ascii_graphic() && !"\"\\,".contains(letter) || letter == ' ';
        if text.is_empty() || text.len() > 36 || !text.chars().all(plain) || text.trim() != text {
            return Err(format!(
                "`{text}` is no name of a partition: 1 to 36 letters, digits and signs, no quotes, commas or backslashes"
            ));
        }
        Ok(())
    }
);

/// Makes, grows, describes or removes one partition of a GPT or dos table, aligned to whole MiB.
///
/// A disk that has a table keeps it: a table with partitions is never replaced here (the module `disk` makes a disk
/// blank, with consent). A blank disk gets a GPT unless `label` says otherwise. What a partition in use occupies is never
/// removed or moved; removing one that holds something takes consent. Where a former partition's content would come
/// back with a new one, that takes consent too. The old table is kept below `/var/lib/holdfast/evidence` before each
/// change.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Partition {
    /// The disk: a path, a link below `/dev/disk`, a serial or a WWN; or a mapping of what it has to be, such as
    /// `{path: /dev/vdb, serial: HF-1}`.
    device: DeviceRef,
    /// The number of the partition. Needed unless `state` is `info`.
    number: Option<u64>,
    /// Whether there is such a partition; `info` changes nothing and gives back what there is.
    #[serde(default)]
    state: State,
    /// The kind of table. Left out, a table that is there is kept and a new one is a GPT (Ansible's would be `msdos`).
    label: Option<LabelName>,
    /// Where it begins: `1GiB`, `10%`, `2048s`, `-1GiB` from the end; a number alone counts in `unit`. Left out, where
    /// there is room. One that is there is never moved.
    part_start: Option<Position>,
    /// Where it ends, written like `part_start`; `100%` is as far as there is room. Left out, `100%`.
    part_end: Option<Position>,
    /// How large it is, instead of `part_end`; a percentage is one of the disk.
    size: Option<Position>,
    /// Only `primary`; extended and logical partitions are not supported yet.
    #[serde(default)]
    part_type: PartType,
    /// Its name, in a GPT. Left out, it stays as it is.
    name: Option<PartName>,
    /// What it is for: `linux`, `swap`, `lvm`, `raid`, `esp`, `bios_grub`, `home`, `srv`, `xbootldr`, `msdata`, a GUID
    /// or two hexadecimal digits. Left out, it stays as it is; a new one is `linux`.
    #[serde(rename = "type")]
    kind: Option<Kind>,
    /// Flags as parted names them: `boot`, `esp`, `lvm`, `raid`, `swap`, `bios_grub`, `legacy_boot`. All others are
    /// taken away. Left out, they stay as they are.
    flags: Option<Vec<Flag>>,
    /// The file system it is meant for; sets the type of a new partition, and makes no file system.
    fs_type: Option<FsType>,
    /// Whether it grows to where `part_end` or `size` says, or as far as there is room. It is never made smaller.
    #[serde(default)]
    resize: bool,
    /// What a number alone counts in, here and in what is given back.
    #[serde(default)]
    unit: Unit,
    /// Only `optimal`: whole MiB.
    #[serde(default)]
    align: Align,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Present,
    Absent,
    Info,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum LabelName {
    Gpt,
    Dos,
    /// The same as `dos`.
    Msdos,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum PartType {
    #[default]
    Primary,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Align {
    #[default]
    Optimal,
}

impl From<LabelName> for Label {
    fn from(name: LabelName) -> Self {
        match name {
            LabelName::Gpt => Self::Gpt,
            LabelName::Dos | LabelName::Msdos => Self::Dos,
        }
    }
}

impl Describe for Partition {
    const NAME: &'static str = "partition";
    const ALIASES: &'static [&'static str] = &["parted", "community.general.parted"];
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] =
        &[("disk", "device"), ("start", "part_start"), ("end", "part_end"), ("table", "label")];
    const EXAMPLE: &'static str = "\
partition:
  device: /dev/disk/by-id/virtio-HF-DISK-1
  number: 1
  name: data
  size: 100GiB
";
}

impl Module for Partition {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts])
    }

    fn further(&self, machine: &Machine) -> Needs {
        let mut needs = Needs::nothing();
        // What is wrong is said when it is planned.
        let Ok(disk) = self.disk(machine) else { return needs };
        needs.tables.push(disk.path.clone());
        needs.stretches.extend(self.stretch(machine, disk));
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let disk = self.disk(machine)?;
        if self.state == State::Info {
            return Ok(Plan::empty());
        }
        let number = self.number.filter(|number| (1..=128).contains(number)).ok_or_else(|| {
            let given = self.number.map_or_else(|| "not given".to_owned(), |number| number.to_string());
            Refusal::new(format!(
                "which partition of {} is meant is not said: `number` is {given}",
                shown(disk)
            ))
            .help("a number from 1 to 128, or 1 to 4 in a dos table")
        })?;
        let table = known(machine, disk)?;
        match self.state {
            State::Absent => Self::remove(machine, disk, table, number),
            _ => self.complete(machine, disk, table, number),
        }
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        Ok(self
            .disk(done.after)
            .map_or_else(|_| Map::new(), |disk| result::describe(done.after, disk, self.unit, self.number)))
    }
}

impl Partition {
    fn disk<'a>(&self, machine: &'a Machine) -> Result<&'a Device, Refusal> {
        let disk = self.device.find(machine, "the partition")?;
        if disk.kind == DeviceKind::Disk {
            return Ok(disk);
        }
        let title = format!("{} is no disk but a {}", shown(disk), disk.kind.name());
        Err(Refusal::new(title).help(match disk.kind {
            DeviceKind::Partition => "name the disk, and the partition by `number`",
            _ => "partitions of anything but a disk are not supported yet; LVM divides it",
        }))
    }

    /// Where a new partition would be.
    fn stretch(&self, machine: &Machine, disk: &Device) -> Option<Stretch> {
        let (number, seen) = (self.number?, machine.tables.seen.get(&disk.path)?);
        let fresh;
        let table = match seen {
            Some(table) if !self.relabels(table) => table,
            _ => {
                fresh = self.fresh(disk);
                &fresh
            }
        };
        if self.state != State::Present || table.parts.contains_key(&number) {
            return None;
        }
        let (start, end) = self.place(table, disk).ok()?;
        Some(Stretch {
            disk: disk.path.clone(),
            start: start * table.sector,
            size: (end - start) * table.sector,
        })
    }

    /// Whether another kind of table is asked for.
    fn relabels(&self, table: &Table) -> bool {
        self.label.is_some_and(|asked| table.label != Ok(asked.into()))
    }

    /// The table a disk without one would get.
    fn fresh(&self, disk: &Device) -> Table {
        let label = self.label.map_or(Label::Gpt, Label::from);
        Table::new(label, disk.sector, disk.size / disk.sector)
    }
}

/// The table of a disk; refused where there is something that nobody here understands.
fn known<'a>(machine: &'a Machine, disk: &Device) -> Result<Option<&'a Table>, Refusal> {
    let Some(seen) = machine.tables.seen.get(&disk.path) else {
        return match disk.content {
            Content::Blank { table: false } => Ok(None),
            _ => Err(Refusal::new(format!("the partition table of {} cannot be read", shown(disk)))
                .help("install fdisk, which brings `sfdisk`")),
        };
    };
    let table = seen.as_ref();
    if let Some(Err(label)) = table.map(|table| &table.label) {
        let title = format!("{} has a {label} partition table, which is not supported yet", shown(disk));
        return Err(Refusal::new(title));
    }
    match (&disk.content, table.map(|table| &table.label)) {
        (Content::Partitions { table: label }, Some(Ok(found))) if label == found.name() => Ok(table),
        (Content::Partitions { table: label }, found) => {
            let found = found.and_then(|found| found.as_ref().ok()).map_or("no", |found| found.name());
            Err(Refusal::new(format!("{} has two partition tables that contradict each other", shown(disk)))
                .fact(format!("the kernel's tools see a {label} table, sfdisk sees {found} table")))
        }
        _ => Ok(table),
    }
}
