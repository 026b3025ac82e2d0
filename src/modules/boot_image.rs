//! The initramfs that an earlier run did not get to make anew. Its configuration was changed by then, so that nothing
//! else tells that it is old: the agent leaves a mark from before the first such change until it is made.

use crate::machine::files::FilesEffect;
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Step};
use crate::tools::initramfs::{PENDING, is_rebuild, rebuild};

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
    let change = Change::modify(
        "initramfs",
        "of this host",
        "an earlier run changed what is in it, and was cut short",
    );
    plan.push(change, [Step::run(command)], [made]);
}
