//! What is being evaluated on this thread, innermost last.
//!
//! minijinja's objects learn nothing about the evaluation that asks them, and cannot always answer with an error.
//! A lazily resolved variable therefore looks here for the engine that resolves it, notices here that it refers
//! to itself, and leaves its failure here for the evaluation to find. Evaluation never waits, so a thread is enough.

use std::cell::RefCell;
use std::sync::Arc;

use minijinja::Value;

use super::environment::Core;
use super::error::TemplateError;
use super::scope::Inner;

/// How many variables may lean on each other before it is taken for a mistake.
const DEEPEST: usize = 40;

/// One evaluation.
pub(super) struct Frame {
    pub(super) core: Arc<Core>,
    pub(super) scope: Arc<Inner>,
    /// The variable whose text this is, when it is one: who owns it, its name there, its name for people.
    pub(super) variable: Option<Variable>,
    /// A variable could not be resolved, whatever the template made of it.
    pub(super) failed: Option<TemplateError>,
    /// Why the variables that came out undefined did so.
    pub(super) because: Vec<TemplateError>,
    /// How many values were written, and the first of them.
    pub(super) written: usize,
    pub(super) first: Option<Value>,
}

/// Identifies a variable among all scopes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Variable {
    pub(super) owner: usize,
    pub(super) key: String,
    pub(super) label: String,
}

thread_local! {
    static FRAMES: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` in a frame of its own and hands the frame back.
pub(super) fn within<T>(
    core: &Arc<Core>,
    scope: &Arc<Inner>,
    variable: Option<Variable>,
    work: impl FnOnce() -> T,
) -> Result<(T, Frame), TemplateError> {
    enter(core, scope, variable)?;
    let unwinding = Unwinding;
    let result = work();
    std::mem::forget(unwinding);
    match FRAMES.with_borrow_mut(Vec::pop) {
        Some(frame) => Ok((result, frame)),
        None => Err(TemplateError::new("the template engine lost its place")),
    }
}

/// Takes the frame away when a panic passes through (tests, proptest).
struct Unwinding;

impl Drop for Unwinding {
    fn drop(&mut self) {
        FRAMES.with_borrow_mut(Vec::pop);
    }
}

fn enter(core: &Arc<Core>, scope: &Arc<Inner>, variable: Option<Variable>) -> Result<(), TemplateError> {
    FRAMES.with_borrow_mut(|frames| {
        if let Some(next) = &variable {
            let busy: Vec<&Variable> = frames.iter().filter_map(|frame| frame.variable.as_ref()).collect();
            let start = busy.iter().position(|one| one.owner == next.owner && one.key == next.key);
            if let Some(start) = start {
                let mut round: Vec<&str> = busy[start..].iter().map(|one| one.label.as_str()).collect();
                round.push(&next.label);
                return Err(TemplateError::new(format!("`{}` refers to itself", next.label))
                    .help(format!("the round is {}", round.join(" -> "))));
            }
            if busy.len() >= DEEPEST {
                return Err(TemplateError::new(format!(
                    "`{}` is {DEEPEST} variables deep; do they refer to each other for ever?",
                    next.label
                )));
            }
        }
        frames.push(Frame {
            core: Arc::clone(core),
            scope: Arc::clone(scope),
            variable,
            failed: None,
            because: Vec::new(),
            written: 0,
            first: None,
        });
        Ok(())
    })
}

/// Asks the innermost evaluation; `None` outside of any.
pub(super) fn current<T>(ask: impl FnOnce(&mut Frame) -> T) -> Option<T> {
    FRAMES.with_borrow_mut(|frames| frames.last_mut().map(ask))
}

/// Leaves a failure for the innermost evaluation; the first one counts.
pub(super) fn fail(error: TemplateError) {
    current(|frame| frame.failed.get_or_insert(error).undefined);
}
