//! Paths, accounts, packages, services and facts.

use crate::exec::System;
use crate::machine::{Machine, Needs};
use crate::plan::Failure;

pub(super) fn fill(_machine: &mut Machine, _needs: &Needs, _system: &dyn System) -> Result<(), Failure> {
    Ok(())
}
