//! An array whose members are there, but which does not run: it is put together of exactly them, never made anew.

use super::MdArray;
use super::settled::settled;
use crate::machine::block::{BlockEffect, Content, Device, DeviceKind};
use crate::machine::membership::{Role, Scattered};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{block, confirm, shown};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{mdadm, udevadm};
use crate::units::Size;

impl MdArray {
    pub(super) fn assemble(&self, machine: &Machine) -> Result<Plan, Refusal> {
        if self.running(machine)?.is_some() {
            return Ok(Plan::empty());
        }
        let block = block(machine)?;
        let scattered = block.scattered();
        let (members, spares) = self.described(machine)?;
        let listed = |path: &str| members.iter().chain(&spares).any(|device| device.path == path);
        let named = |one: &&Scattered<'_>| one.newest().is_some_and(|part| part.name == *self.name);
        let mut candidates: Vec<&Scattered<'_>> = scattered.iter().filter(named).collect();
        if candidates.len() > 1 {
            candidates.retain(|one| one.parts.iter().any(|(path, _)| listed(path)));
        }
        let found = match candidates.as_slice() {
            [] => return self.nothing_to_assemble(machine, &members, &spares),
            [one] => *one,
            several => {
                let uuids: Vec<&str> = several.iter().map(|one| one.uuid).collect();
                return Err(Refusal::new(format!("several arrays called {} are not assembled", &*self.name))
                    .fact(format!("their UUIDs are {}", uuids.join(", ")))
                    .help("name only members of the one that is meant"));
            }
        };
        if !found.parts.iter().any(|(path, _)| listed(path)) {
            return Err(Refusal::new(format!(
                "an array {} is there already, but not assembled",
                &*self.name
            ))
            .fact(format!("none of its members is in `members`: {}", parts(machine, found)))
            .help("name its members to assemble it, or choose another name"));
        }
        self.put_together(machine, found)
    }

    /// No array of that name is in parts; a device that belonged to one without a readable superblock is no blank.
    fn nothing_to_assemble(
        &self,
        machine: &Machine,
        members: &[&Device],
        spares: &[&Device],
    ) -> Result<Plan, Refusal> {
        let parts = &block(machine)?.parts;
        let lost = members.iter().chain(spares).find(|device| {
            matches!(&device.content, Content::Member { name, .. } if **name == *self.name)
                && !parts.contains_key(&device.path)
        });
        match lost {
            Some(device) => Err(Refusal::new(format!(
                "the array {} is there already, but not assembled",
                &*self.name
            ))
            .fact(format!("{} is a member of it", shown(device)))
            .help(
                "its superblock is not of version 1.2: assemble it yourself, with `mdadm --assemble --scan`",
            )),
            None => Ok(Plan::empty()),
        }
    }

    fn put_together(&self, machine: &Machine, found: &Scattered<'_>) -> Result<Plan, Refusal> {
        let title = || format!("the array {} is not assembled, and cannot be", &*self.name);
        let (Some(newest), Some((array, size))) = (found.newest(), found.assembled()) else {
            return Err(Refusal::new(title()).fact("its level is none that is known here"));
        };
        let (fresh, missing) = (found.fresh(), found.missing());
        if missing > 0 && !found.enough() {
            return Err(Refusal::new(title())
                .fact(format!("{missing} of its {} members are missing", newest.slots))
                .fact(format!("these are there: {}", parts(machine, found)))
                .help(format!("its data is not whole without them: {} needs more members", newest.level)));
        }
        if missing > 0 && !self.degraded {
            return Err(Refusal::new(format!(
                "the array {} is not assembled, and {missing} of its {} members are missing",
                &*self.name, newest.slots
            ))
            .fact(format!("these are there: {}", parts(machine, found)))
            .help("bring them back; or start it without them, with `degraded: true`"));
        }
        let path = self.path();
        let mut steps = Vec::new();
        let mut devices = Vec::new();
        for (member, _) in &fresh {
            if let Some(device) = block(machine)?.devices.get(*member) {
                steps.push(confirm(device, false));
                devices.push(device);
            }
        }
        // An array that got some of its members, and does not run, has them open.
        let mut idle: Vec<&str> = fresh.iter().filter_map(|(_, part)| part.held_by.as_deref()).collect();
        idle.dedup();
        steps.extend(idle.iter().map(|node| Step::run(mdadm::stop(node))));
        let names = fresh.iter().map(|(member, _)| *member);
        steps.push(Step::run(mdadm::assemble(&path, found.uuid, names, missing > 0)));
        if newest.reshaping {
            steps.extend(settled(&path, &newest.level, newest.slots));
        }
        steps.push(Step::run(udevadm::settle()));
        // What it holds is seen when it runs, and until then taken for something; nothing is promised of it.
        let made = Device {
            sits_on: devices.iter().map(|device| device.path.clone()).collect(),
            content: Content::Unknown { why: "its array is not assembled yet".to_owned() },
            array: Some(array),
            ..Device::new(&path, DeviceKind::Array, size)
        };
        let predicts = [Prediction::Block(BlockEffect::Put(made.into()))];
        let state = if missing > 0 {
            format!("assembled without {missing} of its {} members", newest.slots)
        } else {
            "assembled".to_owned()
        };
        let detail = format!("{state}, {} of {}, {}", newest.level, newest.slots, Size(size));
        let list: Vec<String> = devices.iter().map(|device| shown(device)).collect();
        let change = Change::modify("array", &path, detail).attribute("members", None, Some(list.join(", ")));
        Ok(Plan::of(change, steps, predicts))
    }
}

/// The members that are there, each with its role.
fn parts(machine: &Machine, found: &Scattered<'_>) -> String {
    let fresh = found.fresh();
    let told = found.parts.iter().map(|(path, part)| {
        let device = machine.block.as_ref().and_then(|block| block.devices.get(*path));
        let name = device.map_or_else(|| (*path).to_owned(), shown);
        let role = match part.role {
            Role::Active(slot) => format!("slot {slot}"),
            Role::Filling(slot) => format!("slot {slot}, not filled yet"),
            Role::Spare => "spare".to_owned(),
            Role::Failed => "failed".to_owned(),
            Role::Journal => "journal".to_owned(),
        };
        let old = if fresh.iter().any(|(one, _)| one == path) { "" } else { ", out of date" };
        format!("{name} {role}{old}")
    });
    told.collect::<Vec<_>>().join("; ")
}
