//! A plan made in stages, each on the machine as it would be after the ones before; and what other modules plan as
//! stages of one's own.

use serde_json::Value;

use super::{Module, find};
use crate::machine::{Machine, Needs};
use crate::plan::{Plan, Refusal};

/// What is planned so far, and the machine after it.
pub(super) struct Stages {
    machine: Machine,
    plan: Plan,
    /// Where it is only found out what has to be looked at: all that the tasks so far need.
    looking: Option<Needs>,
}

impl Stages {
    pub(super) fn on(machine: &Machine) -> Self {
        Self { machine: machine.clone(), plan: Plan::empty(), looking: None }
    }

    /// Not to be carried out: only what the tasks have to see is asked. What they refuse is said when they are planned.
    pub(super) fn looking(machine: &Machine) -> Self {
        Self { looking: Some(Needs::nothing()), ..Self::on(machine) }
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Plans one stage more.
    pub(super) fn then(
        &mut self,
        stage: impl FnOnce(&Machine) -> Result<Plan, Refusal>,
    ) -> Result<(), Refusal> {
        let more = match stage(&self.machine) {
            Err(_) if self.looking.is_some() => return Ok(()),
            planned => planned?,
        };
        for prediction in more.actions.iter().flat_map(|action| &action.predicts) {
            prediction.apply(&mut self.machine);
        }
        self.plan.then(more);
        Ok(())
    }

    /// What a task of another module plans is the next stage.
    pub(super) fn task(&mut self, name: &str, args: &Value) -> Result<(), Refusal> {
        let module = task(name, args)?;
        self.of(&*module)
    }

    /// The same for a module that is decoded already.
    pub(super) fn of(&mut self, module: &dyn Module) -> Result<(), Refusal> {
        if let Some(needs) = self.looking.take() {
            self.looking = Some(needs.and(module.needs()).and(module.further(&self.machine)));
        }
        self.then(|machine| module.plan(machine))
    }

    pub(super) fn plan(self) -> Plan {
        self.plan
    }

    /// All that the tasks have to see.
    pub(super) fn needs(self) -> Needs {
        self.looking.unwrap_or_default()
    }
}

/// A task of another module. What that module cannot take is said in its own words.
pub(super) fn task(name: &str, args: &Value) -> Result<Box<dyn Module>, Refusal> {
    let (Some(entry), Value::Object(args)) = (find(name), args) else {
        return Err(Refusal::new(format!("this build has no module `{name}`")));
    };
    entry.decode(args).map_err(|bad| {
        let mut refusal =
            Refusal::new(bad.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; "));
        refusal.help.extend(bad.into_iter().filter_map(|one| one.help));
        refusal
    })
}
