//! Finds out which part of a template was undefined, once evaluation has failed over it.
//!
//! minijinja says where it stopped, often at a whole comparison or filter. Here the accesses in that place are
//! tried one after the other. Only ever runs on the way to an error.

use std::ops::Range;
use std::sync::Arc;

use minijinja::machinery::{ast, parse, parse_expr};
use minijinja::value::ValueKind;

use super::compile::{self, Program};
use super::environment::{Core, Place};
use super::error::TemplateError;
use super::frame;
use super::scope::Inner;
use super::walk::{self, Access};

/// What is undefined in `text`, told so that a person can mend it.
pub(super) fn culprit(
    core: &Arc<Core>,
    text: &str,
    bare: bool,
    near: Place,
    scope: &Arc<Inner>,
) -> Option<TemplateError> {
    let found = accesses(text, bare)?;
    let near = near.unwrap_or(0..text.len());
    let end = near.end.max(near.start + 1);
    let before = found.accesses.iter().filter(|access| !access.guarded && access.range.start < end);
    let (there, mut earlier): (Vec<&Access>, Vec<&Access>) =
        before.partition(|access| near.start < access.range.end);
    // minijinja places a filter's failure at the filter's name; what it was applied to stands just before.
    earlier.reverse();
    let local = |access: &&&Access| found.locals.contains(&access.head);
    let candidates = || there.iter().chain(&earlier);
    let tried =
        candidates().filter(|access| !local(access)).find_map(|access| tried(core, text, access, scope));
    tried.or_else(|| {
        let access = there.iter().find(local).or_else(|| earlier.first().filter(local))?;
        Some(named(text, access.range.clone()))
    })
}

/// Where a template mentions the variable `name`.
pub(super) fn mention(program: &Program, name: &str) -> Place {
    let head = name.split(['.', '[']).next()?;
    let found = accesses(program.text, program.bare)?;
    found.accesses.into_iter().find(|access| access.head == head).map(|access| access.range)
}

fn accesses(text: &str, bare: bool) -> Option<walk::Found> {
    if bare {
        return Some(walk::expression(&parse_expr(text).ok()?));
    }
    let tree: ast::Stmt<'_> = parse(text, "", compile::syntax()).ok()?;
    Some(walk::statement(&tree))
}

/// Looks at `a`, `a.b` and `a.b.c` in turn, for the first that is undefined.
fn tried(core: &Arc<Core>, text: &str, access: &Access, scope: &Arc<Inner>) -> Option<TemplateError> {
    let mut parent = None;
    for end in &access.ends {
        let range = access.range.start..*end;
        let part = text.get(range.clone())?;
        let (value, frame) = frame::within(core, scope, None, || {
            let root = minijinja::Value::from_dyn_object(Arc::clone(scope));
            core.environment.compile_expression(part).and_then(|expression| expression.eval(root))
        })
        .ok()?;
        let value = value.ok()?;
        if !value.is_undefined() {
            parent = Some(value);
            continue;
        }
        if let Some(because) = frame.because.into_iter().next_back() {
            return Some(because.at(Some(range)));
        }
        let known: Vec<String> = match &parent {
            None => {
                let globals = core.environment.globals().map(|(name, _)| name.to_owned());
                scope.names().into_iter().chain(globals).collect()
            }
            Some(parent) if parent.kind() == ValueKind::Map => {
                parent.try_iter().ok()?.map(|key| key.to_string()).collect()
            }
            Some(_) => Vec::new(),
        };
        let error = named(text, range);
        let word = part.rsplit(['.', '[']).next().unwrap_or(part).trim_matches(['\'', '"', ']', ' ']);
        return Some(match crate::value::closest(word, known.iter().map(String::as_str)) {
            Some(meant) => error.help(format!("did you mean `{meant}`?")),
            None => error,
        });
    }
    None
}

fn named(text: &str, range: Range<usize>) -> TemplateError {
    let part = text.get(range.clone()).unwrap_or("it");
    let mut error = TemplateError::new(format!("`{part}` is undefined")).at(Some(range));
    error.undefined = true;
    error
}
