//! The end of an array: its content, the array, and what its members remember of it.

use super::MdArray;
use super::naming::unregistration;
use crate::machine::array::Array;
use crate::machine::block::{BlockEffect, Device};
use crate::machine::claim::{loss, token};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{blank_now, block, confirm, device, empty_ends, shown};
use crate::modules::stages::Stages;
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{mdadm, udevadm, wipefs};

impl MdArray {
    pub(super) fn remove(&self, stages: &mut Stages) -> Result<(), Refusal> {
        let machine = stages.machine().clone();
        match self.running(&machine)? {
            Some((found, array)) => {
                removal(stages, found, array)?;
                stages.then(|machine| unregistration(machine, &self.path(), None))
            }
            None => {
                stages.then(|machine| self.nothing_to_remove(machine))?;
                stages.then(|machine| unregistration(machine, &self.path(), None))
            }
        }
    }

    /// An array that is not assembled is not gone.
    fn nothing_to_remove(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let scattered = block(machine)?.scattered();
        let found = scattered.iter().find(|one| one.newest().is_some_and(|part| part.name == *self.name));
        match found {
            Some(one) => {
                let members: Vec<&str> = one.parts.iter().map(|(path, _)| *path).collect();
                Err(Refusal::new(format!("the array {} is not assembled, and not gone", &*self.name))
                    .fact(format!("its members are {}", members.join(", ")))
                    .help("assemble it first, with `state: present`, so that it is seen what is on it"))
            }
            None => Ok(Plan::empty()),
        }
    }
}

/// An array goes: its content, the array, what its members remember of it, and its place in the boot configuration.
pub(in crate::modules) fn removal(stages: &mut Stages, found: &Device, array: &Array) -> Result<(), Refusal> {
    stages.then(|machine| stop(machine, found, array))?;
    stages.then(|machine| unregistration(machine, &found.path, array.uuid.known()))
}

fn stop(machine: &Machine, found: &Device, array: &Array) -> Result<Plan, Refusal> {
    let unused = machine.unused(found)?;
    let mut named = found.clone();
    // The array's own identity is the one to consent to, whatever lies on it.
    named.serial = array.uuid.known().map(str::to_owned);
    let mut steps = vec![confirm(found, false), Step::run(wipefs::all(unused))];
    steps.push(empty_ends(&found.path, found.size));
    steps.extend([
        Step::run(mdadm::stop(&found.path)),
        Step::run(udevadm::settle()),
        Step::run(mdadm::forget(unused.members())),
    ]);
    let mut predicts = vec![Prediction::Block(BlockEffect::Gone { path: found.path.clone() })];
    let mut members = Vec::new();
    for member in &array.members {
        let device = device(machine, &member.device, &format!("the end of the array {}", found.path))?;
        steps.push(empty_ends(&device.path, device.size));
        predicts.push(blank_now(&device.path));
        members.push(shown(device));
    }
    steps.push(Step::run(udevadm::settle()));
    let change = Change::destroy("array", &found.path, token("remove", &named), loss(found)).attribute(
        "members",
        Some(members.join(", ")),
        None,
    );
    Ok(Plan::of(change, steps, predicts))
}
