//! The initramfs made anew: once for everything that it has a copy of, and also where an earlier run did not get to it.
//!
//! Its configuration was changed by then, so that nothing else tells that it is old: the agent leaves a mark from before
//! the first such change until it is made.

use crate::machine::files::FilesEffect;
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Step};
use crate::tools::initramfs::{PENDING, is_rebuild, rebuild};

const KIND: &str = "initramfs";

fn change(why: &str) -> Change {
    Change::modify(KIND, "of this host", why)
}

/// Makes it anew where that is due, unless the plan does it in any case.
pub(super) fn catch_up(machine: &Machine, plan: &mut Plan) {
    if machine.files.at(PENDING).is_none() {
        return;
    }
    let made = Prediction::Files(FilesEffect::Gone { path: PENDING.to_owned() });
    if let Some(action) = plan.actions.iter_mut().rfind(|action| action.steps.iter().any(is_rebuild)) {
        action.predicts.push(made);
        return;
    }
    let Some(command) = rebuild(machine) else { return };
    let why = "an earlier run changed what is in it, and was cut short";
    plan.push(change(why), [Step::run(command)], [made]);
}

/// The plan with all that is asked for done once, after everything that it has a copy of was changed.
pub(super) fn once(mut plan: Plan) -> Plan {
    let mut asked: Option<Step> = None;
    for action in &mut plan.actions {
        action.steps.retain(|step| {
            let one = is_rebuild(step);
            if one {
                asked = Some(step.clone());
            }
            !one
        });
    }
    // One that was about nothing else.
    plan.actions.retain(|action| action.change.kind != KIND);
    if let Some(step) = asked {
        plan.push(change("as mdadm.conf and crypttab are by then"), [step], []);
    }
    plan
}
