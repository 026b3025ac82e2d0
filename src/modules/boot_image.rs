//! The initramfs that an earlier run did not get to make anew. Its configuration was changed by then, so that nothing
//! else tells that it is old: the agent leaves a mark from before the first such change until it is made.

use crate::machine::files::FilesEffect;
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Step};
use crate::tools::initramfs::{PENDING, is_rebuild, rebuild};

/// Makes it anew where that is due, and the plan does not do it in any case.
pub(super) fn catch_up(machine: &Machine, plan: &mut Plan) {
    let due = machine.files.at(PENDING).is_some();
    let done = || plan.actions.iter().flat_map(|action| &action.steps).any(is_rebuild);
    let Some(command) = rebuild(machine).filter(|_| due && !done()) else { return };
    let change = Change::modify(
        "initramfs",
        "of this host",
        "an earlier run changed what is in it, and was cut short",
    );
    let made = Prediction::Files(FilesEffect::Gone { path: PENDING.to_owned() });
    plan.push(change, [Step::run(command)], [made]);
}
