//! What became of one task on one host, in words: a status, a title and the lines below it.
//!
//! Nothing in it names the host, so that hosts with the same result read the same and can be folded.

use anstyle::Style;

use super::paint::{CYAN, DIM, GREEN, RED, YELLOW, clean, indent, paint, tail};
use super::{Options, plan};
use crate::event::{HostDone, Outcome};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::Value;

/// Lines of a program's output that a failure shows.
const TAIL: usize = 20;

/// A result without its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// Comes after the hosts: `changed`, `would change`, `failed`.
    pub(super) status: String,
    pub(super) style: Style,
    /// The rest of the first line; may be empty.
    pub(super) title: String,
    pub(super) body: Vec<String>,
}

/// The result in words; `None` when it is not worth saying.
pub(super) fn told(done: &HostDone, at: &str, options: Options) -> Option<Told> {
    let plan_lines = |plan: &Plan| plan::lines(&plan.actions, options.diff);
    let say =
        |status: &str, style, title: String, body| Told { status: status.to_owned(), style, title, body };
    let mut told = match &done.outcome {
        Outcome::Unchanged | Outcome::Skipped { .. } if options.verbosity == 0 => return None,
        Outcome::Unchanged => say("ok", GREEN, String::new(), Vec::new()),
        Outcome::Skipped { reason } => say("skipped", CYAN, clean(reason), Vec::new()),
        Outcome::Changed(plan) => say("changed", YELLOW, String::new(), plan_lines(plan)),
        Outcome::Withheld(plan) => say("would change", YELLOW, String::new(), plan_lines(plan)),
        Outcome::Said { text } => {
            let text = clean(text);
            let mut lines = text.lines().map(str::to_owned);
            let title = lines.next().unwrap_or_default();
            say("said", CYAN, title, lines.collect())
        }
        Outcome::Refused { refusal, plan } => {
            say("refused", RED, first_line(&refusal.title), refused(refusal, plan.as_ref(), at))
        }
        Outcome::Failed { failure, plan, done } => {
            let mut body = failed(failure, at);
            body.extend(half_done(plan, *done));
            say("failed", RED, first_line(&failure.title), body)
        }
    };
    if done.ignored {
        told.status.push_str(", ignored");
        told.style = YELLOW;
    }
    if options.verbosity > 1 {
        told.body.extend(result(&done.result));
    }
    Some(told)
}

/// A host that could not be reached, or was lost.
pub(super) fn unreachable(failure: &Failure) -> Told {
    Told {
        status: "unreachable".to_owned(),
        style: RED,
        title: first_line(&failure.title),
        body: failed(failure, ""),
    }
}

fn first_line(title: &str) -> String {
    clean(title).replace('\n', " ")
}

fn place(at: &str) -> Option<String> {
    (!at.is_empty()).then(|| paint(DIM, format!("--> {}", clean(at))))
}

fn help(lines: &[String]) -> impl Iterator<Item = String> {
    lines.iter().map(|line| format!("{} {}", paint(CYAN, "help:"), first_line(line)))
}

fn refused(refusal: &Refusal, plan: Option<&Plan>, at: &str) -> Vec<String> {
    let mut body: Vec<String> = place(at).into_iter().collect();
    body.extend(refusal.facts.iter().map(|fact| first_line(fact)));
    if let Some(plan) = plan.filter(|plan| !plan.actions.is_empty()) {
        body.push("the plan that was refused:".to_owned());
        body.extend(indent(2, plan.actions.iter().map(|action| plan::headline(&action.change))));
    }
    body.extend(help(&refusal.help));
    if let Some(token) = &refusal.token
        && !refusal.help.iter().any(|line| line.contains(token.as_str()))
    {
        body.extend(help(&[format!("to allow it for this object only: `--consent {token}`")]));
    }
    body
}

fn failed(failure: &Failure, at: &str) -> Vec<String> {
    let mut body: Vec<String> = place(at).into_iter().collect();
    if let Some(command) = &failure.command {
        let command = clean(command);
        let mut lines = command.lines();
        body.push(format!("command: {}", lines.next().unwrap_or_default()));
        body.extend(lines.map(|line| format!("  {line}")));
    }
    if let Some(status) = failure.status.as_ref().filter(|status| !failure.title.contains(status.as_str())) {
        body.push(format!("status: {}", clean(status)));
    }
    body.extend(printed("stderr", &failure.stderr));
    // Many programs complain on the wrong stream; when they were silent on the right one it is all there is.
    if failure.stderr.trim().is_empty() {
        body.extend(printed("stdout", &failure.stdout));
    }
    body.extend(help(&failure.help));
    body
}

fn printed(stream: &str, text: &str) -> Vec<String> {
    let (left_out, lines) = tail(text, TAIL);
    if lines.is_empty() {
        return Vec::new();
    }
    let note =
        if left_out > 0 { format!(" (the last {TAIL} of {} lines)", left_out + TAIL) } else { String::new() };
    let mut all = vec![format!("{stream}{note}:")];
    all.extend(indent(2, lines));
    all
}

/// What a failure left behind: which changes were made, and which were not.
fn half_done(plan: &Plan, done: usize) -> Vec<String> {
    let done = done.min(plan.actions.len());
    let (made, missing) = plan.actions.split_at(done);
    let mut body = Vec::new();
    for (title, actions) in [("done before that:", made), ("not done:", missing)] {
        if !actions.is_empty() {
            body.push(title.to_owned());
            body.extend(indent(2, actions.iter().map(|action| plan::headline(&action.change))));
        }
    }
    body
}

fn result(value: &Value) -> Vec<String> {
    let empty = match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    // A value that came from JSON can always be written; were it not so, there would be nothing to show.
    let Some(text) = (!empty).then(|| serde_yaml::to_string(value).ok()).flatten() else {
        return Vec::new();
    };
    let mut all = vec![paint(DIM, "result:")];
    all.extend(indent(2, clean(&text).lines().map(|line| paint(DIM, line))));
    all
}
