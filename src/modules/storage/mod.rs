//! `storage`: pools and volumes in the words of linux-system-roles.storage.
//!
//! It only translates: what each word means is a task of another module, planned on the machine as the tasks before
//! leave it. A word that has no such task is a complaint.

mod agreed;
mod disks;
mod pool;
mod sizes;
#[cfg(test)]
mod tests;
mod volume;
mod words;
mod written;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::agreed::Named;
use self::words::{Pool, Volume};
use self::written::{Asked, Item};
use super::stages::Stages;
use super::{Describe, Module, md_array};
use crate::machine::{Domain, Machine, Needs};
use crate::modules::presence::State;
use crate::plan::{Plan, Refusal};

/// Keeps pools (volume groups, on arrays and encrypted where asked for) and volumes (logical volumes, arrays, partitions,
/// whole disks) with their file systems and mounts, in the words of the role linux-system-roles.storage.
///
/// What is left out is made by default, and stays as it is where the pool or volume is there already. Keys that have no
/// meaning here (stratis, VDO, ...) are refused by name. With `safe_mode`, nothing that holds something is written over
/// without `--consent`; without it, the variables consent to the loss of what they name, and of nothing else.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Asked")]
pub(super) struct Storage {
    pools: Vec<Item<Pool>>,
    volumes: Vec<Item<Volume>>,
    safe_mode: bool,
    use_partitions: bool,
    label: Option<String>,
}

impl Describe for Storage {
    const NAME: &'static str = "storage";
    const EXAMPLE: &'static str = "\
storage:
  pools:
    - name: app
      disks: [sdb, sdc]
      volumes:
        - {name: shared, size: 100 GiB, mount_point: /mnt/app/shared}
        - {name: users, size: 400g, fs_type: ext4, mount_point: /mnt/app/users}
";
}

/// The tasks so far, and what of the things they are about is named by the variables.
struct Work<'a> {
    storage: &'a Storage,
    stages: Stages,
    named: Named,
}

impl Module for Storage {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Luks, Domain::Mounts, Domain::Memory, Domain::Exports])
            .and(md_array::boot_needs())
    }

    fn further(&self, machine: &Machine) -> Needs {
        let mut work = self.on(Stages::looking(machine));
        // What is refused is said when it is planned.
        let _ = work.all();
        work.stages.needs()
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let mut work = self.on(Stages::on(machine));
        work.all()?;
        let mut plan = work.stages.plan();
        if !self.safe_mode {
            work.named.consent(&mut plan);
        }
        Ok(plan)
    }
}

impl Storage {
    fn on(&self, stages: Stages) -> Work<'_> {
        Work { storage: self, stages, named: Named::default() }
    }
}

impl Work<'_> {
    /// What goes makes room for what comes.
    fn all(&mut self) -> Result<(), Refusal> {
        let storage = self.storage;
        for pool in &storage.pools {
            self.pool_goes(pool)?;
        }
        for volume in storage.volumes.iter().filter(|volume| volume.whole.state == State::Absent) {
            self.volume_goes(volume)?;
        }
        for pool in storage.pools.iter().filter(|pool| pool.whole.state == State::Present) {
            self.pool(pool)?;
        }
        for volume in storage.volumes.iter().filter(|volume| volume.whole.state == State::Present) {
            self.volume(volume)?;
        }
        Ok(())
    }
}
