//! The devices a group is made of: those it lacks, and those that have grown.

use super::{Lvg, extent, named};
use crate::machine::Machine;
use crate::machine::Prediction;
use crate::machine::array::Stripe;
use crate::machine::block::{Content, Device};
use crate::machine::lvm::{Group, LvmEffect, Physical};
use crate::modules::devices::{clear, confirm, device, holds_now, shown};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::lvm;
use crate::units::{MIB, Size};

impl Lvg {
    /// The devices that `pvs` speaks of; those the group has count where only their number is said.
    pub(super) fn named<'a>(
        &self,
        machine: &'a Machine,
        found: Option<&Group>,
    ) -> Result<Vec<&'a Device>, Refusal> {
        let known = machine.block.iter().flat_map(|block| block.devices.values());
        let held: Vec<&Device> = known
            .filter(|device| found.is_some_and(|group| group.physical.contains_key(&device.path)))
            .collect();
        self.pvs.find(machine, &format!("the volume group {}", &*self.vg), &held, &[])
    }

    /// Refuses what cannot be had of the group as it is.
    pub(super) fn check(&self, found: Option<&Group>) -> Result<(), Refusal> {
        let name = &*self.vg;
        let Some(group) = found else {
            if self.pvs.is_empty() {
                return Err(Refusal::new(format!(
                    "the volume group {name} cannot be made of nothing: `pvs` is not given"
                )));
            }
            return Ok(());
        };
        let asked = self.pesize.as_ref().and_then(|size| extent(size).ok());
        if let Some(asked) = asked.filter(|asked| *asked != group.extent) {
            return Err(Refusal::new(format!(
                "the volume group {name} has extents of {}, not {}",
                Size(group.extent),
                Size(asked)
            ))
            .help("the size of extents cannot be changed while there are volumes; leave `pesize` out to keep it"));
        }
        if group.missing > 0 {
            return Err(Refusal::new(format!(
                "{} devices of the volume group {name} are missing",
                group.missing
            ))
            .help("bring them back, or take them out with `vgreduce --removemissing`"));
        }
        Ok(())
    }

    /// Plans for every named device to be in the group; gives back the group as it is then.
    pub(super) fn with_devices(
        &self,
        machine: &Machine,
        found: Option<&Group>,
        plan: &mut Plan,
    ) -> Result<Group, Refusal> {
        let name = &*self.vg;
        let asked = self.pesize.as_ref().and_then(|size| extent(size).ok());
        let mut group = found.cloned().unwrap_or_else(|| Group::new(name, asked.unwrap_or(4 * MIB)));
        let size = group.extent;
        let mut new: Vec<&Device> = Vec::new();
        let mut alignments = Vec::new();
        let mut predicts = Vec::new();
        let mut blanks = Vec::new();
        for device in self.named(machine, found)? {
            if group.physical.contains_key(&device.path) {
                continue;
            }
            let freed = machine.lvm.as_ref().is_some_and(|lvm| lvm.orphans.contains(&device.path));
            if freed && machine.claim(device)?.unfinished().is_none() {
                return Err(Refusal::new(format!("{} is a physical volume of no group", shown(device)))
                    .fact("it may belong to a group that is only half there")
                    .help(format!("if nothing of it is wanted: `pvremove {}`", device.path)));
            }
            let stripe = machine.stripe(device).map_or(MIB, Stripe::full);
            let alignment = MIB.div_ceil(stripe) * stripe;
            let physical = Physical::foresee(device.size, alignment, size);
            if physical.extents == 0 {
                return Err(Refusal::new(format!(
                    "{} has no room for one extent of {}",
                    shown(device),
                    Size(size)
                )));
            }
            let blank = clear(plan, machine.claim(device)?);
            group.physical.insert(device.path.clone(), physical);
            predicts.push(holds_now(&device.path, Content::Physical));
            alignments.push(alignment);
            blanks.push(blank);
            new.push(device);
        }
        if new.is_empty() {
            return Ok(group);
        }
        let mut steps: Vec<Step> = new.iter().map(|device| confirm(device, true)).collect();
        // One program does it all, unless devices have stripes that differ.
        let common = Some(alignments[0]).filter(|first| alignments.iter().all(|other| other == first));
        if common.is_none() {
            let each = blanks.iter().zip(&alignments);
            steps.extend(each.map(|(blank, alignment)| Step::run(lvm::pvcreate(*blank, *alignment))));
        }
        let list = new.iter().map(|device| shown(device)).collect::<Vec<_>>().join(", ");
        let bytes = |extents: u64| Size(extents * size).to_string();
        let change = if let Some(found) = found {
            steps.push(Step::run(lvm::vgextend(name, &blanks, common)));
            Change::modify("volume group", name, format!("with {list}")).attribute(
                "size",
                Some(bytes(found.extents())),
                Some(bytes(group.extents())),
            )
        } else {
            group.tags = self.wanted_tags().unwrap_or_default();
            steps.push(Step::run(lvm::vgcreate(name, size, &group.tags, &blanks, common)));
            let detail =
                format!("{} in {} extents of {}", bytes(group.extents()), group.extents(), Size(size));
            Change::create("volume group", name, detail).attribute("devices", None, Some(list))
        };
        predicts.push(Prediction::Lvm(LvmEffect::Group(group.clone())));
        plan.push(change, steps, predicts);
        Ok(group)
    }

    /// Plans for the group to take what its devices have grown by.
    pub(super) fn resize(
        &self,
        machine: &Machine,
        group: &mut Group,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let there = named(machine, &self.vg)?.map(|found| found.physical.clone()).unwrap_or_default();
        for (path, physical) in there {
            let device = device(machine, &path, &format!("the volume group {}", group.name))?;
            let extents = device.size.saturating_sub(physical.start) / group.extent;
            if extents < physical.extents {
                return Err(Refusal::new(format!("{} is smaller than the group takes it for", shown(device)))
                    .fact(format!(
                        "{} has {} extents of {} on it, and there is room for {extents}",
                        group.name,
                        physical.extents,
                        Size(group.extent)
                    ))
                    .help("somebody made the device below smaller: make it as large as it was, before anything else"));
            }
            if extents == physical.extents {
                continue;
            }
            let bytes = |extents: u64| Some(Size(extents * group.extent).to_string());
            let change = Change::modify("physical volume", &path, format!("of {}", group.name)).attribute(
                "size",
                bytes(physical.extents),
                bytes(extents),
            );
            group.physical.insert(path.clone(), Physical { extents, size: Some(device.size), ..physical });
            let predicts = [Prediction::Lvm(LvmEffect::Group(group.clone()))];
            plan.push(change, [confirm(device, false), Step::run(lvm::pvresize(&path))], predicts);
        }
        Ok(())
    }
}
