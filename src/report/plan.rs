//! A plan as a person reads it: each change with its sign, what it costs, and the exact commands under it.

use anstyle::Style;

use super::diff;
use super::paint::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, clean, indent, paint};
use crate::plan::{Action, Attribute, Change, Op, Plan, Risk, Step};

/// The whole plan, a line each, ending in a newline; nothing for an empty plan. Colours are in it: print it through
/// `anstream`. With `diff`, changes of file text are shown.
pub fn render(plan: &Plan, diff: bool) -> String {
    lines(&plan.actions, diff).into_iter().map(|line| line + "\n").collect()
}

pub(super) fn lines(actions: &[Action], diff: bool) -> Vec<String> {
    actions.iter().flat_map(|action| action_lines(action, diff)).collect()
}

fn action_lines(action: &Action, diff: bool) -> Vec<String> {
    let change = &action.change;
    let mut all = vec![headline(change)];
    let mut below: Vec<String> = change.attributes.iter().map(attribute).collect();
    if let Some(loss) = &change.loss {
        below.push(paint(RED, format!("lost: {}", clean(loss))));
    }
    if diff && let Some((before, after)) = &change.text {
        below.extend(diff::lines(&change.name, before, after));
    }
    below.extend(action.steps.iter().flat_map(step));
    all.extend(indent(4, below));
    all
}

/// `+ array /dev/md/kvm, raid10 of 4, 4 GiB`.
pub(super) fn headline(change: &Change) -> String {
    let mut text = format!("{} {} {}", change.op.sign(), clean(&change.kind), clean(&change.name));
    if !change.detail.is_empty() {
        text = format!("{text}, {}", clean(&change.detail));
    }
    let cost = match change.risk {
        Risk::Reversible => String::new(),
        Risk::Disruptive => paint(YELLOW, " (disruptive)"),
        Risk::Destructive => paint(RED.bold(), " (destructive)"),
    };
    format!("{}{cost}", paint(style(change.op), text))
}

fn style(op: Op) -> Style {
    match op {
        Op::Create => GREEN,
        Op::Modify => YELLOW,
        Op::Destroy => RED,
        Op::Run => CYAN,
        Op::Await => DIM,
    }
}

fn attribute(attribute: &Attribute) -> String {
    let name = clean(&attribute.name);
    let shown = |value: &String| if value.is_empty() { "\"\"".to_owned() } else { clean(value) };
    match (attribute.before.as_ref().map(shown), attribute.after.as_ref().map(shown)) {
        (Some(before), Some(after)) => format!("{name}: {before} -> {after}"),
        (None, Some(after)) => format!("{name}: {after}"),
        (Some(before), None) => format!("{name}: {before} -> nothing"),
        (None, None) => name,
    }
}

/// A command behind a `$`, an effect in words. A command of several lines keeps them.
fn step(step: &Step) -> Vec<String> {
    let shown = clean(&step.shown());
    let mark = if matches!(step, Step::Run { .. }) { "$ " } else { "" };
    let mut lines = shown.lines();
    let first = lines.next().unwrap_or_default();
    let first = format!(
        "{}{}",
        paint(DIM, mark),
        if mark.is_empty() { paint(DIM, first) } else { paint(BOLD, first) }
    );
    std::iter::once(first).chain(lines.map(|line| paint(BOLD, format!("  {line}")))).collect()
}

/// How many things come, change and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub created: usize,
    pub changed: usize,
    pub destroyed: usize,
}

impl Tally {
    pub fn add(&mut self, actions: &[Action]) {
        for action in actions {
            match action.change.op {
                Op::Create => self.created += 1,
                Op::Modify | Op::Run => self.changed += 1,
                Op::Destroy => self.destroyed += 1,
                Op::Await => {}
            }
        }
    }

    pub fn of(plan: &Plan) -> Self {
        let mut tally = Self::default();
        tally.add(&plan.actions);
        tally
    }

    /// `4 to create, 1 to change, 0 to destroy`.
    pub fn to_do(self) -> String {
        format!("{} to create, {} to change, {} to destroy", self.created, self.changed, self.destroyed)
    }

    /// `4 created, 1 changed, 0 destroyed`.
    pub fn done(self) -> String {
        format!("{} created, {} changed, {} destroyed", self.created, self.changed, self.destroyed)
    }
}
