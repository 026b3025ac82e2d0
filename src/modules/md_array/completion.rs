//! Members that failed are taken out, and others step in for those that are missing; spares stand by.

use super::MdArray;
use super::settled::settled;
use crate::machine::array::{Array, Member};
use crate::machine::block::{BlockEffect, Content, Device};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{clear, confirm, holds_now, shown};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{mdadm, udevadm};
use crate::units::Size;

impl MdArray {
    /// Takes out what has failed and is not described any more. What has failed and still is described needs a person.
    pub(super) fn take_out_failed(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let (found, array) = self.array(machine)?;
        let failed: Vec<&Member> = array.members.iter().filter(|member| member.faulty).collect();
        let mut plan = Plan::empty();
        if failed.is_empty() {
            return Ok(plan);
        }
        let (members, spares) = self.described(machine)?;
        let mut after = found.clone();
        for member in failed {
            if let Some(device) = members.iter().chain(&spares).find(|device| device.path == member.device) {
                return Err(Refusal::new(format!(
                    "{} has failed in the array {}",
                    shown(device),
                    &*self.name
                ))
                .fact(format!("{} of its {} members are missing", array.degraded, array.slots))
                .help(
                    "name another device in its place; or, if it is sound, take it out and clear it first: \
                           `mdadm --manage ARRAY --remove`, `mdadm --zero-superblock`",
                ));
            }
            after.sits_on.retain(|below| *below != member.device);
            if let Some(array) = &mut after.array {
                array.members.retain(|other| other.device != member.device);
            }
            let device = machine.block.as_ref().and_then(|block| block.devices.get(&member.device));
            let name = device.map_or_else(|| member.device.clone(), shown);
            plan.push(
                Change::modify("array", &found.path, format!("without {name}, which has failed")),
                [Step::run(mdadm::remove(&found.path, &member.device)), Step::run(udevadm::settle())],
                [Prediction::Block(BlockEffect::Put(after.clone().into()))],
            );
        }
        Ok(plan)
    }

    /// Fills the slots of missing members with described devices that are not in the array yet.
    pub(super) fn complete(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let (found, array) = self.array(machine)?;
        let (members, _) = self.described(machine)?;
        let missing = usize::try_from(array.unfilled()).unwrap_or(usize::MAX);
        let new: Vec<&Device> =
            members.into_iter().filter(|device| array.member(&device.path).is_none()).take(missing).collect();
        if new.is_empty() {
            return Ok(Plan::empty());
        }
        // What comes after needs an array that is whole.
        let waits = !self.is_shaped(array)? || !self.leaving(machine, array)?.is_empty();
        self.take_in(machine, found, array, &new, "replacement", waits)
    }

    /// Adds the spares that are described and not there.
    pub(super) fn stand_by(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let (found, array) = self.array(machine)?;
        let (_, spares) = self.described(machine)?;
        let new: Vec<&Device> =
            spares.into_iter().filter(|device| array.member(&device.path).is_none()).collect();
        self.take_in(machine, found, array, &new, "spare", false)
    }

    /// Adds devices one after the other; with `waits` each is filled before the next is added.
    pub(super) fn take_in(
        &self,
        machine: &Machine,
        found: &Device,
        array: &Array,
        new: &[&Device],
        role: &str,
        waits: bool,
    ) -> Result<Plan, Refusal> {
        let flags = self.flags(machine)?;
        let mut plan = Plan::empty();
        let mut after = found.clone();
        for device in new {
            let mut steps = self.additions(machine, &mut plan, found, array, device)?;
            let flags = flags.of(device);
            after.sits_on.push(device.path.clone());
            if let Some(array) = &mut after.array {
                let offset = array.members.iter().map(|member| member.offset).max().unwrap_or(0);
                array.members.push(Member {
                    write_mostly: flags.write_mostly,
                    failfast: flags.failfast,
                    offset,
                    ..Member::of(&device.path, !waits)
                });
                if waits {
                    steps.extend(settled(&found.path, &array.level, array.slots));
                    array.degraded = array.degraded.saturating_sub(1);
                }
            }
            let content = Content::Member { array: array.uuid.clone(), name: array.name.clone() };
            plan.push(
                Change::modify("array", &found.path, format!("{role} {}", shown(device))),
                steps,
                [Prediction::Block(BlockEffect::Put(after.clone().into())), holds_now(&device.path, content)],
            );
        }
        Ok(plan)
    }

    /// The steps that add a device; what is on it goes first, as a change of its own.
    pub(super) fn additions(
        &self,
        machine: &Machine,
        plan: &mut Plan,
        found: &Device,
        array: &Array,
        device: &Device,
    ) -> Result<Vec<Step>, Refusal> {
        self.fits(array, device)?;
        let blank = clear(plan, machine.claim(device)?);
        let flags = self.flags(machine)?.of(device);
        Ok(vec![
            confirm(device, true),
            Step::run(mdadm::add(&found.path, blank, flags)),
            Step::run(udevadm::settle()),
        ])
    }

    /// Whether a device is large enough to be a member.
    pub(super) fn fits(&self, array: &Array, device: &Device) -> Result<(), Refusal> {
        let offset = array.members.iter().map(|member| member.offset).max().unwrap_or(0);
        if array.used == 0 || device.size >= array.used + offset {
            return Ok(());
        }
        Err(Refusal::new(format!("{} is too small for the array {}", shown(device), &*self.name)).fact(
            format!(
                "each member gives {} behind {} of superblock: {} in all",
                Size(array.used),
                Size(offset),
                Size(array.used + offset)
            ),
        ))
    }
}

impl Array {
    /// Slots whose member is missing and that no spare is about to fill.
    pub(super) fn unfilled(&self) -> u64 {
        let there = self.members.iter().filter(|member| !member.faulty).count() as u64;
        self.slots.saturating_sub(there).min(self.degraded)
    }
}
