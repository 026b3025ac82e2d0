//! What the controller does itself: assert, debug, fail, `set_fact`, `include_vars`, meta, pause.

use std::sync::Arc;
use std::time::Duration;

use super::attempt::{Round, plain_text};
use super::result::Ended;
use super::settled;
use super::world::Host;
use crate::diagnostic::{Diagnostic, Span};
use crate::event::Outcome;
use crate::plan::Failure;
use crate::playbook::{Action, ActionEntry, Meta, Shown};
use crate::template::Scope;
use crate::value::{Map, Value};
use crate::yaml::{self, Node, Yaml};

/// How a host leaves early without having failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Host,
    Batch,
    Play,
    Flush,
}

/// Renders the arguments of an action, but for conditions and expressions.
pub(super) fn arguments(
    round: &Round,
    entry: &ActionEntry,
    scope: &Scope,
) -> Result<Map<String, Value>, Diagnostic> {
    let mut args = Map::new();
    for (key, node) in &round.task.call.args.entries {
        if entry.is_raw(&key.name) {
            args.insert(key.name.clone(), node.to_value());
        } else if let Some(value) = round.world.templar.optional(node, scope)? {
            args.insert(key.name.clone(), value);
        }
    }
    Ok(args)
}

/// Does it.
pub(super) async fn perform(
    round: &Round,
    host: &Arc<Host>,
    scope: &Scope,
    action: &Action,
    end: &mut Option<End>,
) -> Ended {
    match action {
        Action::Assert { that, fail_msg, success_msg, .. } => {
            assert(round, host, scope, that, fail_msg.as_ref(), success_msg.as_ref())
        }
        Action::Debug { what, verbosity } => debug(round, host, scope, what, *verbosity),
        Action::Fail { message } => Ended::failed(Failure::new(message.clone())),
        Action::SetFact { facts, cacheable } => {
            for (name, value) in facts {
                host.learnt.keep(name, value.clone());
            }
            if *cacheable {
                host.learnt.facts(facts);
            }
            let mut result = Map::new();
            result.insert("ansible_facts".into(), Value::Object(facts.clone()));
            Ended::reported(Outcome::Unchanged, result)
        }
        Action::IncludeVars { file, name } => match include_vars(round, host, file, name.as_deref()) {
            Ok(()) => Ended::of(Outcome::Unchanged),
            Err(failure) => Ended::failed(failure),
        },
        Action::Meta(meta) => {
            match meta {
                Meta::EndHost => *end = Some(End::Host),
                Meta::EndBatch => *end = Some(End::Batch),
                Meta::EndPlay => *end = Some(End::Play),
                Meta::FlushHandlers => *end = Some(End::Flush),
                Meta::ClearFacts => host.learnt.clear_facts(),
                Meta::Noop | Meta::ClearHostErrors => {}
            }
            Ended::of(Outcome::Unchanged)
        }
        Action::Pause { seconds } => {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs_f64(*seconds)) => {}
                () = round.world.line.interrupt.wait() => {}
            }
            Ended::of(Outcome::Unchanged)
        }
    }
}

fn assert(
    round: &Round,
    host: &Host,
    scope: &Scope,
    that: &[Value],
    fail: Option<&Value>,
    success: Option<&Value>,
) -> Ended {
    let span = round.task.call.args.get("that").map_or(&round.task.span, |node| &node.span);
    for condition in that {
        let node = condition_node(condition, span);
        match round.world.templar.condition(&node, scope) {
            Ok(true) => {}
            Ok(false) => {
                let shown = plain_text(condition);
                let message = fail.map_or_else(|| format!("`{shown}` does not hold"), told);
                let mut ended = Ended::failed(Failure::new(message));
                ended.result.insert("assertion".into(), condition.clone());
                ended.result.insert("evaluated_to".into(), false.into());
                return ended;
            }
            Err(diagnostic) => return round.complaint(host, &diagnostic),
        }
    }
    let mut result = Map::new();
    result.insert("msg".into(), success.map_or_else(|| "all assertions passed".to_owned(), told).into());
    Ended::reported(Outcome::Unchanged, result)
}

/// A message may be a list of lines.
fn told(value: &Value) -> String {
    match value {
        Value::Array(lines) => lines.iter().map(plain_text).collect::<Vec<_>>().join("\n"),
        other => plain_text(other),
    }
}

fn condition_node(condition: &Value, span: &Span) -> Node {
    let value = match condition {
        Value::Bool(truth) => Yaml::Bool(*truth),
        other => Yaml::Str(plain_text(other)),
    };
    Node { value, span: span.find(&plain_text(condition)), tag: None }
}

fn debug(round: &Round, host: &Host, scope: &Scope, what: &Shown, verbosity: u64) -> Ended {
    if verbosity > u64::from(round.world.settings.verbosity) {
        return Ended::skipped("shown only with more `-v`");
    }
    let mut result = Map::new();
    let text = match what {
        Shown::Message(message) => {
            result.insert("msg".into(), message.clone());
            readable(message)
        }
        Shown::Expression(expression) => {
            let span = round.task.call.args.get("var").map_or(&round.task.span, |node| &node.span);
            match round.world.templar.expression(expression, span, scope) {
                Ok(value) => {
                    let text = format!("{expression}: {}", readable(&value));
                    result.insert(expression.clone(), value);
                    text
                }
                Err(diagnostic) => return round.complaint(host, &diagnostic),
            }
        }
    };
    Ended::reported(Outcome::Said { text }, result)
}

fn readable(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_else(|_| other.to_string()),
    }
}

fn include_vars(round: &Round, host: &Host, file: &str, name: Option<&str>) -> Result<(), Failure> {
    let places = round.task.places("vars", file);
    let library = &round.world.library;
    let told = |diagnostic: Diagnostic| settled::failure(&diagnostic);
    let found = library.first_file(&places).ok_or_else(|| {
        let looked: Vec<String> = places.iter().map(ToString::to_string).collect();
        Failure::new(format!("there is no file `{file}`")).help(format!("looked for {}", looked.join(", ")))
    })?;
    let source = library.source(&found).map_err(told)?;
    let source = source.ok_or_else(|| Failure::new(format!("{found} went away")))?;
    let node = yaml::parse_one(&source).map_err(told)?;
    let values = match node.to_value() {
        Value::Object(values) => values,
        Value::Null => Map::new(),
        other => {
            return Err(Failure::new(format!(
                "{found} holds {}, not a mapping of variables",
                crate::value::kind(&other)
            )));
        }
    };
    match name {
        Some(name) => host.learnt.include(name, Value::Object(values)),
        None => values.into_iter().for_each(|(name, value)| host.learnt.include(&name, value)),
    }
    Ok(())
}
