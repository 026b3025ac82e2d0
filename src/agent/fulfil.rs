//! One order to its end: observe, plan, act, observe, plan again.
//!
//! Decides nothing: what to do comes from the module, whether it may be done from the consent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::act;
use super::notes::Notes;
use crate::event::Outcome;
use crate::exec::{Ledger, Native, Output};
use crate::machine::packages::Packages;
use crate::machine::{Machine, Needs, Prediction};
use crate::modules::{self, Done, Module};
use crate::observe;
use crate::plan::{Failure, Op, Plan, Refusal};
use crate::protocol::{Order, Report};
use crate::value::{Map, Value};

/// This host as the agent knows it from one order to the next.
pub(super) struct Host {
    system: Native,
    machine: Machine,
    /// What a dry run would have done so far; applied again to whatever is observed later.
    foreseen: Vec<Prediction>,
    /// Set when the run is to stop after the step that is running.
    stop: Arc<AtomicBool>,
    notes: Notes,
}

impl Host {
    pub(super) fn new(system: Native, stop: Arc<AtomicBool>) -> Self {
        Self { system, machine: Machine::default(), foreseen: Vec::new(), stop, notes: Notes::new() }
    }

    /// Writes down from now on which program has to run to its end.
    pub(super) fn keep_ledger(&mut self, ledger: Box<Ledger>) {
        self.system.keep_ledger(ledger);
    }

    /// Brings one order to its end, telling each step as it begins.
    pub(super) fn fulfil(&mut self, order: &Order, tell: &mut dyn FnMut(String)) -> Report {
        match self.attempt(order, tell) {
            Ok((outcome, result)) => Report { outcome, result: Value::Object(result).to_string() },
            Err(outcome) => Report { outcome, result: "{}".to_owned() },
        }
    }

    fn attempt(
        &mut self,
        order: &Order,
        tell: &mut dyn FnMut(String),
    ) -> Result<(Outcome, Map<String, Value>), Outcome> {
        let module = decode(order).map_err(failed)?;
        self.refresh(order.fresh);
        self.foreseen.extend(order.foreseen.iter().cloned());
        let needs = module.needs();
        self.look(&*module, &needs).map_err(failed)?;
        let plan = module.plan(&self.machine).map_err(refused)?;
        if let Err(refusal) = order.consent.covers(&plan) {
            return Err(Outcome::Refused { refusal, plan: Some(plan) });
        }
        // Waiting and looking is done in a dry run too, unless what is waited for may be what was withheld.
        let waits = plan.is_empty() && (plan.actions.is_empty() || self.foreseen.is_empty());
        if !order.consent.act && !waits {
            return self.withhold(&*module, plan);
        }
        let before = self.machine.clone();
        let outputs = self.act(order, &plan, tell)?;
        if !plan.is_empty() {
            self.settle(&*module, &needs, &plan)?;
            self.notes.strike(&plan).map_err(failed)?;
        }
        let done = Done { before: &before, after: &self.machine, plan: &plan, outputs: &outputs, dry: false };
        let result = module.result(&done).map_err(failed)?;
        Ok((if plan.is_empty() { Outcome::Unchanged } else { Outcome::Changed(plan) }, result))
    }

    /// Forgets what is cheap to look at again; block devices and LVM are kept until a step touches them, and installed
    /// packages until dpkg writes down others.
    fn refresh(&mut self, fresh: bool) {
        let old = std::mem::take(&mut self.machine);
        if fresh {
            return;
        }
        let packages = if self.foreseen.is_empty() { old.packages.installed() } else { Packages::default() };
        self.machine = Machine {
            block: old.block,
            lvm: old.lvm,
            mounts: old.mounts,
            exports: old.exports,
            accounts: old.accounts,
            packages,
            ..Machine::default()
        };
    }

    /// Observes what is needed, and what turns out to be needed once that is known.
    fn look(&mut self, module: &dyn Module, needs: &Needs) -> Result<(), Failure> {
        self.observe(needs)?;
        let mut known = Needs::nothing();
        // Disk, table, free space: three rounds. More is a module that takes back what it asked for.
        for _ in 0..6 {
            let further = module.further(&self.machine);
            if further == known {
                return Ok(());
            }
            self.observe(&needs.clone().and(further.clone()))?;
            known = further;
        }
        Err(Failure::new("what the module has to look at does not come to an end; please report it"))
    }

    fn observe(&mut self, needs: &Needs) -> Result<(), Failure> {
        observe::fill(&mut self.machine, needs, &self.system)?;
        for prediction in &self.foreseen {
            prediction.apply(&mut self.machine);
        }
        Ok(())
    }

    /// A dry run: nothing is done, and the next order sees the machine as it would be.
    fn withhold(
        &mut self,
        module: &dyn Module,
        plan: Plan,
    ) -> Result<(Outcome, Map<String, Value>), Outcome> {
        let before = self.machine.clone();
        let predicted = plan.actions.iter().flat_map(|action| action.predicts.iter().cloned());
        self.foreseen.extend(predicted);
        for prediction in &self.foreseen {
            prediction.apply(&mut self.machine);
        }
        let done = Done { before: &before, after: &self.machine, plan: &plan, outputs: &[], dry: true };
        let result = module.result(&done).map_err(failed)?;
        Ok((if plan.is_empty() { Outcome::Unchanged } else { Outcome::Withheld(plan) }, result))
    }

    fn act(&self, order: &Order, plan: &Plan, tell: &mut dyn FnMut(String)) -> Result<Vec<Output>, Outcome> {
        let mut outputs = Vec::new();
        let unbegun = |failure| Outcome::Failed { failure, plan: plan.clone(), done: 0 };
        self.notes.expect_rebuild(plan).map_err(unbegun)?;
        for (done, action) in plan.actions.iter().enumerate() {
            let fail = |failure| Outcome::Failed { failure, plan: plan.clone(), done };
            self.notes.make(action, &self.machine).map_err(fail)?;
            for group in act::groups(&action.steps) {
                if self.stop.load(Ordering::Relaxed) {
                    let count = plan.actions.len();
                    return Err(fail(Failure::new(format!(
                        "stopped as asked, after {done} of {count} changes"
                    ))));
                }
                for step in group {
                    tell(step.shown());
                }
                outputs.extend(act::perform(group, &self.system, &order.environment).map_err(fail)?);
                for step in group {
                    self.notes.proven(step, action).map_err(fail)?;
                    self.notes.rebuilt(step).map_err(fail)?;
                }
            }
        }
        Ok(outputs)
    }

    /// Looks again at everything that was touched, and holds the plan to what it promised.
    fn settle(&mut self, module: &dyn Module, needs: &Needs, plan: &Plan) -> Result<(), Outcome> {
        let whole = |failure| Outcome::Failed { failure, plan: plan.clone(), done: plan.actions.len() };
        let mut look = needs.clone();
        for prediction in plan.actions.iter().flat_map(|action| &action.predicts) {
            prediction.forget(&mut self.machine);
            look = look.and(prediction.needs());
        }
        let commanded = plan.actions.iter().any(|action| action.change.op == Op::Run);
        if commanded {
            self.machine = Machine::default();
        }
        self.look(module, &look).map_err(whole)?;
        if module.repeats() {
            return Ok(());
        }
        let last = last_word(plan);
        let differs: Vec<String> = last.iter().filter_map(|one| one.holds(&self.machine).err()).collect();
        if !differs.is_empty() {
            let title = format!("done, but the host is not as planned: {}", differs.join("; "));
            return Err(whole(Failure::new(title)));
        }
        match module.plan(&self.machine) {
            Ok(rest) if rest.is_empty() => Ok(()),
            Ok(rest) => {
                let left: Vec<String> = rest
                    .actions
                    .iter()
                    .map(|action| {
                        format!("{} {} {}", action.change.op.sign(), action.change.kind, action.change.name)
                    })
                    .collect();
                let title =
                    format!("done, but looking again there is still something to do: {}", left.join(", "));
                Err(whole(Failure::new(title)))
            }
            Err(refusal) => {
                let title = format!("done, but looking again the plan is refused: {}", refusal.title);
                Err(whole(Failure::new(title)))
            }
        }
    }
}

/// Later predictions of one plan replace earlier ones about the same thing: applied one after the other on an empty
/// model they would hide what was only true in between. What remains is checked.
fn last_word(plan: &Plan) -> Vec<&Prediction> {
    let all: Vec<&Prediction> = plan.actions.iter().flat_map(|action| &action.predicts).collect();
    let replaced = |at: usize| all[at + 1..].iter().any(|later| later.replaces(all[at]));
    (0..all.len()).filter(|at| !replaced(*at)).map(|at| all[at]).collect()
}

fn decode(order: &Order) -> Result<Box<dyn Module>, Failure> {
    let entry = modules::find(&order.module)
        .ok_or_else(|| Failure::new(format!("this build has no module `{}`", order.module)))?;
    let Ok(Value::Object(args)) = serde_json::from_str(&order.args) else {
        return Err(Failure::new("the order's arguments are no mapping"));
    };
    entry.decode(&args).map_err(|bad| {
        let mut failure =
            Failure::new(bad.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; "));
        failure.help.extend(bad.into_iter().filter_map(|one| one.help));
        failure
    })
}

fn failed(failure: Failure) -> Outcome {
    Outcome::Failed { failure, plan: Plan::empty(), done: 0 }
}

fn refused(refusal: Refusal) -> Outcome {
    Outcome::Refused { refusal, plan: None }
}
