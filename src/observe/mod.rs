//! Asks the tools of this host and builds the `Machine`: lazily, only what is needed and not yet known.

mod accounts;
mod facts;
mod host;
mod packages;
mod paths;
mod services;
mod storage;

pub use storage::blank::zero_ends;
pub use storage::superblock::size as file_system_size;
pub use storage::{agreed, row};

use crate::exec::System;
use crate::machine::{Machine, Needs};
use crate::plan::Failure;

/// Looks at everything in `needs` that the machine does not know yet.
pub fn fill(machine: &mut Machine, needs: &Needs, system: &dyn System) -> Result<(), Failure> {
    host::fill(machine, needs, system)?;
    storage::fill(machine, needs, system)
}
