//! Complaints about text that only showed while running, as failures of a task; and results nobody may see.

use crate::diagnostic::{Diagnostic, Span};
use crate::event::{HostDone, Outcome};
use crate::modules::BadArgument;
use crate::plan::{Failure, Plan};
use crate::value::Value;

/// A complaint with its place, as a failure.
pub(super) fn failure(diagnostic: &Diagnostic) -> Failure {
    let mut failure = Failure::new(diagnostic.title.clone());
    if let Some(at) = &diagnostic.at {
        failure.title = format!("{} ({})", failure.title, at.span);
    }
    failure.help.clone_from(&diagnostic.help);
    failure
}

/// Arguments that turned out wrong once they were rendered.
pub(super) fn bad_arguments(bad: &[BadArgument], span: &Span) -> Failure {
    let messages: Vec<&str> = bad.iter().map(|one| one.message.as_str()).collect();
    let mut failure = Failure::new(format!("{} ({span})", messages.join("; ")));
    failure.help.extend(bad.iter().filter_map(|one| one.help.clone()));
    failure
}

/// Takes out of an event what `no_log` hides: everything but what became of it.
pub(super) fn hide(done: &mut HostDone) {
    const HIDDEN: &str = "hidden by `no_log`";
    done.result = Value::from(HIDDEN);
    done.item = done.item.take().map(|_| "***".to_owned());
    done.outcome = match std::mem::replace(&mut done.outcome, Outcome::Unchanged) {
        Outcome::Changed(plan) => Outcome::Changed(veiled(plan)),
        Outcome::Withheld(plan) => Outcome::Withheld(veiled(plan)),
        Outcome::Failed { done, .. } => Outcome::Failed {
            failure: Failure::new(format!("the task failed; why is {HIDDEN}")),
            plan: Plan::empty(),
            done,
        },
        Outcome::Said { .. } => Outcome::Said { text: HIDDEN.to_owned() },
        other => other,
    };
}

/// The same changes without their content and commands.
fn veiled(mut plan: Plan) -> Plan {
    for action in &mut plan.actions {
        action.steps.clear();
        action.predicts.clear();
        action.change.text = None;
        action.change.detail = "hidden by `no_log`".to_owned();
        for attribute in &mut action.change.attributes {
            (attribute.before, attribute.after) = (Some("***".to_owned()), Some("***".to_owned()));
        }
    }
    plan
}
