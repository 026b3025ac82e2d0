//! What a task's end looks like to the playbook: the value `register` keeps, and the outcome after the task's own
//! conditions had their say. Result keys are Ansible's.

use crate::event::Outcome;
use crate::plan::{Failure, Plan};
use crate::value::{Map, Value};

/// A task's end on one host, or that of one item of its loop.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) result: Map<String, Value>,
}

impl Ended {
    /// From what an agent reported. A result that says `failed` (a command's exit status) is a failure.
    pub(super) fn reported(outcome: Outcome, mut result: Map<String, Value>) -> Self {
        let said_failed = result.get("failed") == Some(&Value::Bool(true));
        let outcome = match outcome {
            Outcome::Changed(plan) if said_failed => {
                let done = plan.actions.len();
                Outcome::Failed { failure: told(&result), plan, done }
            }
            Outcome::Unchanged if said_failed => {
                Outcome::Failed { failure: told(&result), plan: Plan::empty(), done: 0 }
            }
            other => other,
        };
        complete(&outcome, &mut result);
        Self { outcome, result }
    }

    pub(super) fn of(outcome: Outcome) -> Self {
        Self::reported(outcome, Map::new())
    }

    pub(super) fn failed(failure: Failure) -> Self {
        Self::of(Outcome::Failed { failure, plan: Plan::empty(), done: 0 })
    }

    pub(super) fn skipped(reason: impl Into<String>) -> Self {
        Self::of(Outcome::Skipped { reason: reason.into() })
    }

    pub(super) fn is_failed(&self) -> bool {
        matches!(self.outcome, Outcome::Failed { .. } | Outcome::Refused { .. })
    }

    pub(super) fn is_skipped(&self) -> bool {
        matches!(self.outcome, Outcome::Skipped { .. })
    }

    pub(super) fn is_changed(&self) -> bool {
        self.result.get("changed") == Some(&Value::Bool(true))
    }

    /// A dry run did not do it: its result cannot be known, whatever `changed_when` says of it.
    pub(super) fn is_withheld(&self) -> bool {
        self.result.get("withheld") == Some(&Value::Bool(true))
    }

    /// `changed_when` said so.
    pub(super) fn set_changed(&mut self, changed: bool) {
        self.outcome = match (std::mem::replace(&mut self.outcome, Outcome::Unchanged), changed) {
            (Outcome::Changed(_) | Outcome::Withheld(_), false) => Outcome::Unchanged,
            (Outcome::Unchanged, true) => Outcome::Changed(Plan::empty()),
            (other, _) => other,
        };
        self.result.insert("changed".into(), changed.into());
    }

    /// `failed_when` said so.
    pub(super) fn set_failed(&mut self, failed: bool) {
        // `changed_when` has had its say before.
        let changed = self.is_changed();
        let old = std::mem::replace(&mut self.outcome, Outcome::Unchanged);
        self.outcome = match (old, failed) {
            (Outcome::Failed { plan, done, .. }, false) if plan.is_empty() || done == 0 || !changed => {
                Outcome::Unchanged
            }
            (Outcome::Failed { plan, .. }, false) => Outcome::Changed(plan),
            (Outcome::Changed(plan) | Outcome::Withheld(plan), true) => {
                let done = plan.actions.len();
                Outcome::Failed { failure: by_condition(&self.result), plan, done }
            }
            (Outcome::Unchanged, true) => {
                Outcome::Failed { failure: by_condition(&self.result), plan: Plan::empty(), done: 0 }
            }
            (other, _) => other,
        };
        self.result.insert("failed".into(), failed.into());
    }
}

fn told(result: &Map<String, Value>) -> Failure {
    let text = |key: &str| result.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut failure = Failure::new(match text("msg") {
        message if message.is_empty() => "the task failed".to_owned(),
        message => message,
    });
    failure.status = result.get("rc").map(|rc| format!("exit status {rc}"));
    failure.command = match result.get("cmd") {
        Some(Value::String(command)) => Some(command.clone()),
        Some(Value::Array(words)) => {
            Some(words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "))
        }
        _ => None,
    };
    failure.stdout = text("stdout");
    failure.stderr = text("stderr");
    failure
}

fn by_condition(result: &Map<String, Value>) -> Failure {
    let mut failure = told(result);
    failure.title = "`failed_when` holds".to_owned();
    failure
}

/// The keys every result has.
fn complete(outcome: &Outcome, result: &mut Map<String, Value>) {
    let changed = match outcome {
        Outcome::Changed(plan) | Outcome::Withheld(plan) => !plan.is_empty(),
        Outcome::Failed { done, .. } => *done > 0,
        _ => false,
    };
    result.entry("changed").or_insert(changed.into());
    result
        .insert("failed".into(), matches!(outcome, Outcome::Failed { .. } | Outcome::Refused { .. }).into());
    let mut message = |text: &str| {
        result.entry("msg").or_insert(text.into());
    };
    match outcome {
        Outcome::Failed { failure, .. } => {
            message(&failure.title);
            if !failure.stderr.is_empty() {
                result.entry("stderr").or_insert(failure.stderr.as_str().into());
            }
        }
        Outcome::Refused { refusal, .. } => {
            message(&refusal.title);
            result.insert("refused".into(), true.into());
        }
        Outcome::Skipped { reason } => {
            result.insert("skipped".into(), true.into());
            result.insert("skip_reason".into(), reason.as_str().into());
        }
        Outcome::Withheld(_) => {
            result.insert("withheld".into(), true.into());
        }
        _ => {}
    }
}

/// What `register` keeps of a loop.
pub(super) fn of_loop(items: &[Ended]) -> Map<String, Value> {
    let any = |is: fn(&Ended) -> bool| items.iter().any(is);
    let mut result = Map::new();
    result.insert("results".into(), items.iter().map(|item| Value::Object(item.result.clone())).collect());
    result.insert("changed".into(), any(Ended::is_changed).into());
    result.insert("failed".into(), any(Ended::is_failed).into());
    if items.iter().all(Ended::is_skipped) {
        result.insert("skipped".into(), true.into());
    }
    let message = if any(Ended::is_failed) { "one or more items failed" } else { "all items completed" };
    result.insert("msg".into(), message.into());
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Change;

    fn changed() -> Outcome {
        Outcome::Changed(Plan::of(Change::run("command", "true"), [], []))
    }

    #[test]
    fn a_command_that_failed_is_a_failure_until_failed_when_says_otherwise() {
        let result =
            serde_json::json!({"failed": true, "rc": 3, "msg": "non-zero return code", "cmd": ["x", "y"]});
        let Value::Object(result) = result else { unreachable!() };
        let mut ended = Ended::reported(changed(), result.clone());
        ended.set_changed(false);
        ended.set_failed(false);
        assert_eq!(ended.outcome, Outcome::Unchanged);
        let mut ended = Ended::reported(changed(), result);
        let Outcome::Failed { failure, .. } = &ended.outcome else { panic!("{ended:?}") };
        assert_eq!(
            (failure.command.as_deref(), failure.status.as_deref()),
            (Some("x y"), Some("exit status 3"))
        );
        ended.set_failed(false);
        ended.set_changed(false);
        assert_eq!(ended.outcome, Outcome::Unchanged);
        assert!(!ended.is_changed());
    }

    #[test]
    fn a_skipped_task_still_has_a_result() {
        let ended = Ended::skipped("`when` does not hold");
        assert_eq!(ended.result["changed"], Value::Bool(false));
        assert_eq!(ended.result["skipped"], Value::Bool(true));
    }
}
