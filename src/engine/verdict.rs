//! What a task says itself about whether it is done and how it ended: `when`, `changed_when`, `failed_when`,
//! `ignore_errors`; and what a dry run cannot know of it.

use super::attempt::Round;
use super::result::Ended;
use super::settled;
use super::world::Host;
use crate::diagnostic::Diagnostic;
use crate::event::Outcome;
use crate::template::Scope;
use crate::value::{Map, Value};

impl Round {
    /// `None` when all conditions hold; otherwise why not.
    pub(super) fn holds(&self, scope: &Scope) -> Result<Option<String>, Diagnostic> {
        for node in &self.task.directives.when {
            if !self.world.templar.condition(node, scope)? {
                return Ok(Some(format!("`when: {}` does not hold", node.span.text().trim())));
            }
        }
        Ok(None)
    }

    /// What the task itself says about its result.
    pub(super) fn judge(&self, ended: &mut Ended, scope: &Scope) -> Result<(), Diagnostic> {
        let all = |nodes: &[crate::yaml::Node], scope: &Scope| {
            nodes.iter().try_fold(true, |all, node| Ok(all && self.world.templar.condition(node, scope)?))
        };
        if matches!(ended.outcome, Outcome::Skipped { .. } | Outcome::Refused { .. }) {
            return Ok(());
        }
        // What a dry run did not do has no result that could be judged.
        let known = !ended.is_withheld();
        if !self.task.changed_when.is_empty() {
            match all(&self.task.changed_when, &self.with_result(ended, scope)) {
                Ok(changed) => ended.set_changed(changed),
                Err(diagnostic) if known => return Err(diagnostic),
                Err(_) => {}
            }
        }
        if !self.task.failed_when.is_empty() && known {
            let failed = all(&self.task.failed_when, &self.with_result(ended, scope))?;
            ended.set_failed(failed);
        }
        Ok(())
    }

    /// The scope in which `changed_when`, `failed_when` and `until` see the result.
    pub(super) fn with_result(&self, ended: &Ended, scope: &Scope) -> Scope {
        let Some(name) = &self.task.register else { return scope.clone() };
        let mut own = Map::new();
        own.insert(name.clone(), Value::Object(ended.result.clone()));
        scope.with_plain(own)
    }

    /// A complaint as the end of a task. In a dry run, one about a result that no dry run can know is no failure.
    pub(super) fn complaint(&self, host: &Host, diagnostic: &Diagnostic) -> Ended {
        match host.learnt.withheld_in(&diagnostic.title) {
            Some(name) if self.world.settings.dry => {
                // What this task would have made known is not known either.
                if self.task.call.does.name() == "set_fact" {
                    for (fact, _) in &self.task.call.args.entries {
                        host.learnt.withhold(&fact.name);
                    }
                }
                let mut ended = Ended::skipped(format!(
                    "depends on `{name}`, the result of a task that a dry run does not run"
                ));
                ended.result.insert("withheld".into(), true.into());
                ended
            }
            _ => Ended::failed(settled::failure(diagnostic)),
        }
    }

    pub(super) fn ignores(&self, scope: &Scope) -> bool {
        self.flag(self.task.directives.ignore_errors.as_ref(), scope).unwrap_or(false)
    }

    pub(super) fn is_ignored(&self, ended: &Ended, scope: &Scope) -> bool {
        ended.is_failed() && (self.rescued || self.ignores(scope))
    }
}
