//! What several ends ask for and one time at the end is enough for: the initramfs made anew.

use crate::plan::{Change, Plan, Risk, Step};
use crate::tools::initramfs;

/// The plan with the initramfs made anew once, after everything that it has a copy of was changed.
pub(super) fn initramfs(mut plan: Plan) -> Plan {
    let mut asked: Option<Step> = None;
    for action in &mut plan.actions {
        action.steps.retain(|step| {
            let one = initramfs::is_rebuild(step);
            if one {
                asked = Some(step.clone());
            }
            !one
        });
    }
    // One that was about nothing else.
    plan.actions.retain(|action| action.change.kind != "initramfs");
    if let Some(step) = asked {
        let change = Change::modify("initramfs", "of this host", "as mdadm.conf and crypttab are by then");
        plan.push(change.risk(Risk::Reversible), [step], []);
    }
    plan
}
