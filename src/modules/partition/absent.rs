//! A partition that has to go, with what is on it.

use super::Partition;
use super::present::put;
use crate::machine::block::{BlockEffect, Content, Device, partition_path};
use crate::machine::claim::{loss, token};
use crate::machine::table::{Label, Table, TableEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{confirm, empty_ends, holds_now, keep_table, shown};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{sfdisk, udevadm, wipefs};
use crate::units::Size;

impl Partition {
    pub(super) fn remove(
        machine: &Machine,
        disk: &Device,
        table: Option<&Table>,
        number: u64,
    ) -> Result<Plan, Refusal> {
        let Some((table, part)) = table.and_then(|table| Some((table, table.parts.get(&number)?))) else {
            return Ok(Plan::empty());
        };
        let path = partition_path(&disk.path, number);
        if part.extended() || number > 4 && table.label == Ok(Label::Dos) {
            let title = format!("{path} is an extended or a logical partition");
            return Err(Refusal::new(title).help("removing these is not supported yet"));
        }
        let device = machine.block.as_ref().and_then(|block| block.devices.get(&path)).ok_or_else(|| {
            Refusal::new(format!(
                "the table of {} has a partition {number}, and the kernel does not know it",
                shown(disk)
            ))
            .help("`partprobe` or a restart tells the kernel")
        })?;
        let claim = machine.claim(device)?;
        let blank = matches!(device.content, Content::Blank { .. });
        let change = if blank {
            Change::remove("partition", &path, Size(device.size).to_string())
        } else {
            Change::destroy("partition", &path, token("remove", device), loss(device))
        };
        let mut steps = vec![confirm(disk, false), confirm(device, blank), keep_table(disk)];
        if claim.needs_wiping() {
            // What stays behind would come back with the next partition at this place.
            steps.push(Step::run(wipefs::all(claim.unused())));
            steps.push(empty_ends(&path, device.size));
        }
        steps.extend([
            Step::run(udevadm::settle()),
            Step::run(sfdisk::forget(&disk.path, number)),
            Step::run(sfdisk::remove(&disk.path, number, claim.unused())),
            Step::run(udevadm::settle()),
        ]);
        let mut rest = table.clone();
        rest.parts.remove(&number);
        let mut predicts = vec![
            put(disk, &rest),
            Prediction::Tables(TableEffect::Emptied {
                disk: disk.path.clone(),
                start: part.start * table.sector,
            }),
            Prediction::Block(BlockEffect::Gone { path: path.clone() }),
        ];
        if rest.parts.is_empty() && rest.tidy {
            predicts.push(holds_now(&disk.path, Content::Blank { table: true }));
        }
        Ok(Plan::of(change, steps, predicts))
    }
}
