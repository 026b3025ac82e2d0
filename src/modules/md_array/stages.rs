//! A plan made in stages, each on the machine as it would be after the ones before.

use crate::machine::Machine;
use crate::plan::{Accept, Condition, Plan, Refusal, Step};
use crate::tools::{mdadm, udevadm};

/// What is planned so far, and the machine after it.
pub(super) struct Stages {
    machine: Machine,
    plan: Plan,
}

impl Stages {
    pub(super) fn on(machine: &Machine) -> Self {
        Self { machine: machine.clone(), plan: Plan::empty() }
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Plans one stage more.
    pub(super) fn then(
        &mut self,
        stage: impl FnOnce(&Machine) -> Result<Plan, Refusal>,
    ) -> Result<(), Refusal> {
        let more = stage(&self.machine)?;
        for prediction in more.actions.iter().flat_map(|action| &action.predicts) {
            prediction.apply(&mut self.machine);
        }
        self.plan.then(more);
        Ok(())
    }

    pub(super) fn plan(self) -> Plan {
        self.plan
    }
}

/// Waits until the kernel has made the array that, and is done with all of it.
///
/// The first wait is mdadm's and lasts as long as the kernel works; the second is for what mdadm itself still does in
/// the background when a reshape has ended, such as the change from raid6 to raid5.
pub(super) fn settled(path: &str, level: &str, devices: u64) -> [Step; 3] {
    let condition = Condition::Array { path: path.to_owned(), level: level.to_owned(), devices };
    [
        Step::Run { command: mdadm::wait(path), accept: Accept::Any },
        Step::Wait { condition, timeout_ms: 24 * 3_600_000, delay_ms: 0, poll_ms: 500, or_else: None },
        Step::run(udevadm::settle()),
    ]
}
