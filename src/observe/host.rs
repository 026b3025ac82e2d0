//! Paths, accounts, packages, services and facts.

use super::{accounts, facts, packages, paths, services};
use crate::exec::System;
use crate::machine::{Machine, Needs};
use crate::plan::Failure;

pub(super) fn fill(machine: &mut Machine, needs: &Needs, system: &dyn System) -> Result<(), Failure> {
    machine.accounts.own = system.identity();
    paths::fill(&mut machine.files, needs, system)?;
    accounts::fill(&mut machine.accounts, needs, system)?;
    packages::fill(&mut machine.packages, needs, system)?;
    services::fill(&mut machine.services, needs, system)?;
    if needs.facts && machine.facts.is_none() {
        machine.facts = Some(facts::look(machine, system));
    }
    Ok(())
}
