//! A partition that has to be there: made, or changed as far as that loses nothing.

use super::Partition;
use super::kinds::{LEGACY_BOOT, flagged, named, written};
use crate::machine::block::{BlockEffect, Content, Device, DeviceKind, Slot, Uuid, partition_path};
use crate::machine::claim::{BlankDevice, token};
use crate::machine::table::{Label, Part, Stretch, Table, TableEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{
    blank_now, clear, confirm, empty_ends, empty_free_ends, holds_now, keep_table, shown,
};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{sfdisk, udevadm};
use crate::units::Size;

/// The disk has this table from now on.
pub(super) fn put(disk: &Device, table: &Table) -> Prediction {
    Prediction::Tables(TableEffect::Put { disk: disk.path.clone(), table: table.clone().into() })
}

/// Steps around one call of `sfdisk`: the right disk, the old table kept.
pub(super) fn rewrite(disk: &Device, command: crate::exec::Command) -> Vec<Step> {
    vec![confirm(disk, false), keep_table(disk), Step::run(command), Step::run(udevadm::settle())]
}

impl Partition {
    pub(super) fn complete(
        &self,
        machine: &Machine,
        disk: &Device,
        table: Option<&Table>,
        number: u64,
    ) -> Result<Plan, Refusal> {
        let mut plan = Plan::empty();
        let mut table = match table {
            Some(table) if self.relabels(table) && !table.parts.is_empty() => {
                let wanted = self.label.map_or("another", |label| Label::from(label).name());
                let label = table.label.as_ref().map_or("unknown", |label| label.name());
                let title = format!(
                    "{} has a {label} table with {} partitions, not a {wanted} one",
                    shown(disk),
                    table.parts.len()
                );
                let refusal = table.parts.iter().fold(Refusal::new(title), |all, (number, part)| {
                    all.fact(format!("partition {number}, {}", Size(part.size * table.sector)))
                });
                return Err(refusal.help("leave `label` out to keep the table").help(
                    "or make the disk blank first, with the module `disk` and consent to what is lost",
                ));
            }
            Some(table) if !self.relabels(table) => table.clone(),
            // None, or one without partitions of another kind.
            _ => self.label_disk(machine, disk, &mut plan)?,
        };
        match table.parts.get(&number).cloned() {
            None => self.make(machine, disk, &mut table, number, &mut plan)?,
            Some(part) => self.change(machine, disk, &mut table, number, &part, &mut plan)?,
        }
        Ok(plan)
    }

    fn label_disk(&self, machine: &Machine, disk: &Device, plan: &mut Plan) -> Result<Table, Refusal> {
        let blank: BlankDevice<'_> = clear(plan, machine.claim(disk)?);
        let table = self.fresh(disk);
        let label = self.label.map_or(Label::Gpt, Label::from);
        let steps =
            [confirm(disk, true), Step::run(sfdisk::make(blank, label)), Step::run(udevadm::settle())];
        let predicts = [put(disk, &table), holds_now(&disk.path, Content::Blank { table: true })];
        plan.push(Change::create("partition table", &disk.path, label.name()), steps, predicts);
        Ok(table)
    }

    fn make(
        &self,
        machine: &Machine,
        disk: &Device,
        table: &mut Table,
        number: u64,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let label = table.label.clone().map_err(Refusal::new)?;
        if label == Label::Dos && number > 4 {
            let title = format!(
                "a dos table has 4 partitions, and partition {number} of {} would be logical",
                shown(disk)
            );
            return Err(
                Refusal::new(title).help("logical partitions are not supported yet; use `label: gpt`")
            );
        }
        if label == Label::Dos && self.name.is_some() {
            return Err(Refusal::new("partitions of a dos table have no names")
                .help("leave `name` out, or use `label: gpt`"));
        }
        if let Some(holder) = machine
            .block
            .iter()
            .flat_map(|block| block.holders(&disk.path))
            .find(|holder| holder.kind != DeviceKind::Partition)
        {
            return Err(Refusal::new(format!("{} is in use: {} sits on it", shown(disk), holder.path)));
        }
        let (start, end) = self.place(table, disk)?;
        Self::give_up(machine, disk, table, (start, end), plan)?;
        Self::move_copy(disk, table, plan);
        let flags = self.flags.as_deref().map(|flags| flagged(flags, label)).transpose()?;
        let kind = match (&self.kind, &flags, self.fs_type) {
            (Some(kind), ..) => kind,
            (None, Some(flags), _) => flags.kind,
            (None, None, Some(fs_type)) => fs_type.kind(),
            (None, None, None) => "linux",
        };
        let part = Part {
            start,
            size: end - start,
            kind: written(kind, label)?,
            uuid: Uuid::Late,
            name: self.name.as_ref().map(|name| name.to_string()),
            attributes: flags
                .iter()
                .filter(|flags| flags.legacy_boot)
                .map(|_| LEGACY_BOOT.to_owned())
                .collect(),
            bootable: flags.as_ref().is_some_and(|flags| flags.bootable),
        };
        let path = partition_path(&disk.path, number);
        let size = part.size * table.sector;
        let mut steps = rewrite(disk, sfdisk::add(&disk.path, number, &part));
        steps.extend([Step::run(sfdisk::tell(&disk.path, number)), Step::run(udevadm::settle())]);
        // Before anything is written to it: nothing may have come back with it that was not seen before.
        steps.push(Step::Confirm { device: path.clone(), serial: None, size, blank: true });
        steps.push(empty_ends(&path, size));
        let device = Device {
            sits_on: vec![disk.path.clone()],
            slot: Some(Slot { number, start: start * table.sector, serial: disk.serial.clone() }),
            sector: disk.sector,
            ..Device::new(&path, DeviceKind::Partition, size)
        };
        let detail = format!("{}, {}", named(&part.kind), Size(size));
        let mut change = Change::create("partition", &path, detail).attribute(
            "sectors",
            None,
            Some(format!("{start} to {}", end - 1)),
        );
        if let Some(name) = &part.name {
            change = change.attribute("name", None, Some(name.clone()));
        }
        let link = part
            .name
            .as_ref()
            .filter(|name| name.chars().all(|one| one.is_ascii_alphanumeric() || "-_.".contains(one)));
        let link = link.map(|name| format!("/dev/disk/by-partlabel/{name}"));
        table.parts.insert(number, part);
        let mut predicts = vec![
            put(disk, table),
            holds_now(&disk.path, Content::Partitions { table: label.name().to_owned() }),
            Prediction::Block(BlockEffect::Put(device.into())),
            blank_now(&path),
        ];
        predicts.extend(link.map(|name| Prediction::Block(BlockEffect::Named { name, path: path.clone() })));
        plan.push(change, steps, predicts);
        Ok(())
    }

    /// What a partition that was there before left behind would come back with the new one.
    fn give_up(
        machine: &Machine,
        disk: &Device,
        table: &Table,
        (start, end): (u64, u64),
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let stretch = Stretch {
            disk: disk.path.clone(),
            start: start * table.sector,
            size: (end - start) * table.sector,
        };
        // The plan itself may have emptied it already.
        let emptied = TableEffect::Emptied { disk: disk.path.clone(), start: stretch.start };
        let emptied = Prediction::Tables(emptied);
        if plan.actions.iter().any(|action| action.predicts.contains(&emptied)) {
            return Ok(());
        }
        // Where nobody could look, the new partition is confirmed to be blank before it is written to.
        let Some(Some(found)) = machine.tables.lies_at(&stretch) else { return Ok(()) };
        let Some(free) = table.free(disk, start, end) else {
            return Err(Refusal::new(format!(
                "the sectors {start} to {} of {} are not free",
                end - 1,
                shown(disk)
            )));
        };
        let token = match &found.uuid {
            Some(uuid) => format!("format:{uuid}"),
            None => format!("{}@{start}", token("format", disk)),
        };
        let label = found.label.as_ref().map(|label| format!(" labelled `{label}`")).unwrap_or_default();
        let loss = format!(
            "{}{label}, left behind by a former partition of {} from sector {start} on: a new partition there would come up with it",
            found.kind,
            shown(disk)
        );
        let change = Change::destroy("content of", format!("free space of {}", disk.path), token, loss);
        let mut steps = vec![confirm(disk, false)];
        steps.push(empty_free_ends(free));
        plan.push(change, steps, [emptied]);
        Ok(())
    }

    /// A GPT of a disk that has grown ends where the disk ended before.
    fn move_copy(disk: &Device, table: &mut Table, plan: &mut Plan) {
        if !table.outgrown {
            return;
        }
        let before = table.last;
        (table.last, table.outgrown) = (table.last_of_disk(), false);
        let change = Change::modify("partition table", &disk.path, "its copy goes to the end of the disk")
            .attribute("last sector", Some(before.to_string()), Some(table.last.to_string()));
        plan.push(change, rewrite(disk, sfdisk::move_copy(&disk.path)), [put(disk, table)]);
    }

    fn change(
        &self,
        machine: &Machine,
        disk: &Device,
        table: &mut Table,
        number: u64,
        part: &Part,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let label = table.label.clone().map_err(Refusal::new)?;
        let path = partition_path(&disk.path, number);
        if let Some(end) = self.new_end(table, disk, number, part)? {
            Self::grow(machine, disk, table, (number, end), plan)?;
        }
        let flags = self.flags.as_deref().map(|flags| flagged(flags, label)).transpose()?;
        let kind = self.kind.as_deref().or(flags.as_ref().map(|flags| flags.kind));
        let mut push = |table: &mut Table,
                        what: &str,
                        before: String,
                        after: String,
                        command,
                        set: &dyn Fn(&mut Part)| {
            Self::move_copy(disk, table, plan);
            table.parts.entry(number).and_modify(set);
            let change = Change::modify("partition", &path, "").attribute(what, Some(before), Some(after));
            plan.push(change, rewrite(disk, command), [put(disk, table)]);
        };
        if let Some(kind) = kind {
            let kind = written(kind, label)?;
            if kind != part.kind {
                if part.extended() {
                    return Err(Refusal::new(format!(
                        "{path} holds logical partitions, and stays what it is"
                    )));
                }
                let command = sfdisk::retype(&disk.path, number, &kind);
                let (before, after) = (named(&part.kind).to_owned(), named(&kind).to_owned());
                push(table, "type", before, after, command, &|part| part.kind.clone_from(&kind));
            }
        }
        if let Some(name) = self.name.as_deref().filter(|name| part.name.as_deref() != Some(name)) {
            if label == Label::Dos {
                return Err(Refusal::new("partitions of a dos table have no names").help("leave `name` out"));
            }
            let command = sfdisk::rename(&disk.path, number, name);
            let before = part.name.clone().unwrap_or_default();
            push(table, "name", before, name.to_owned(), command, &|part| part.name = Some(name.to_owned()));
        }
        if let Some(flags) = flags {
            let legacy = part.attributes.iter().any(|one| one == LEGACY_BOOT);
            let word = |on: bool| if on { "on" } else { "off" }.to_owned();
            if label == Label::Gpt && flags.legacy_boot != legacy {
                let mut attributes: Vec<String> =
                    part.attributes.iter().filter(|one| *one != LEGACY_BOOT).cloned().collect();
                if flags.legacy_boot {
                    attributes.push(LEGACY_BOOT.to_owned());
                    attributes.sort();
                }
                let command = sfdisk::attributes(&disk.path, number, &attributes);
                push(table, "legacy_boot", word(legacy), word(flags.legacy_boot), command, &|part| {
                    part.attributes.clone_from(&attributes);
                });
            }
            if label == Label::Dos && flags.bootable != part.bootable {
                let others = table.parts.iter().find(|(other, part)| **other != number && part.bootable);
                if let Some((other, _)) = others.filter(|_| flags.bootable) {
                    let title = format!("partition {other} of {} is the active one already", shown(disk));
                    return Err(Refusal::new(title).help("take its flag `boot` away first"));
                }
                let command = sfdisk::activate(&disk.path, flags.bootable.then_some(number));
                push(table, "boot", word(part.bootable), word(flags.bootable), command, &|part| {
                    part.bootable = flags.bootable;
                });
            }
        }
        Ok(())
    }

    fn grow(
        machine: &Machine,
        disk: &Device,
        table: &mut Table,
        (number, end): (u64, u64),
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let path = partition_path(&disk.path, number);
        let device = machine.block.as_ref().and_then(|block| block.devices.get(&path)).ok_or_else(|| {
            Refusal::new(format!("the table has a partition {path}, and the kernel does not know it"))
                .help("`partprobe` or a restart tells the kernel")
        })?;
        keeps_its_content(machine, device)?;
        Self::move_copy(disk, table, plan);
        let Some(part) = table.parts.get_mut(&number) else { return Ok(()) };
        let before = Size(part.size * table.sector);
        part.size = end - part.start;
        let (size, command) = (part.size * table.sector, sfdisk::grow(&disk.path, number, part));
        let mut steps = rewrite(disk, command);
        steps.insert(1, confirm(device, false));
        steps.extend([Step::run(sfdisk::tell(&disk.path, number)), Step::run(udevadm::settle())]);
        let change = Change::modify("partition", &path, "")
            .attribute("size", Some(before.to_string()), Some(Size(size).to_string()))
            .attribute("last sector", None, Some((end - 1).to_string()));
        let grown = Device { size, ..device.clone() };
        plan.push(change, steps, [put(disk, table), Prediction::Block(BlockEffect::Put(grown.into()))]);
        Ok(())
    }
}

/// What is found by looking at the end of its device would be lost sight of when the end moves.
fn keeps_its_content(machine: &Machine, device: &Device) -> Result<(), Refusal> {
    let arrays =
        machine.block.iter().flat_map(|block| block.devices.values()).filter_map(|one| one.array.as_ref());
    let member = arrays.into_iter().find(|array| array.members.iter().any(|one| one.device == device.path));
    let fixed = match &device.content {
        Content::Blank { .. } | Content::FileSystem(_) | Content::Physical => true,
        Content::Member { .. } => {
            member.is_some_and(|array| matches!(array.metadata.as_str(), "1.1" | "1.2"))
        }
        Content::Other { kind, .. } => matches!(kind.as_str(), "crypto_LUKS" | "swap"),
        Content::Partitions { .. } | Content::Unknown { .. } => false,
    };
    if fixed {
        return Ok(());
    }
    Err(Refusal::new(format!("{} is not grown: it holds {}", shown(device), device.content.describe()))
        .help("growing a partition whose content may be described at its end is not supported yet"))
}
