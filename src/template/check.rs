//! What is wrong with a template before it is ever evaluated: syntax, and names of filters, tests, functions,
//! lookups and methods that do not exist.
//!
//! Says nothing about variables: whether they exist is known only per host.

use std::ops::Range;

use minijinja::machinery::{parse, parse_expr};

use super::environment::Core;
use super::error::TemplateError;
use super::walk::{self, Found, Named};
use super::{compile, filters, lookups, tests};

/// Functions the engine knows without being asked.
const BUILT_IN: &[&str] = &["super", "self", "loop", "caller"];

/// Methods of Python that change a value in place, and what to write instead.
const CHANGING: &[(&str, &str)] = &[
    ("append", "write `{% set items = items + [item] %}`, or build the list with `map` and `select`"),
    ("extend", "write `{% set items = items + more %}`"),
    ("insert", "write `{% set items = [item] + items %}`"),
    ("remove", "write `items | reject('equalto', item) | list`"),
    ("pop", "write `items[:-1]`"),
    ("update", "write `mapping | combine(other)`"),
    ("setdefault", "write `{'key': value} | combine(mapping)`"),
];

/// Everything wrong with a text that may hold templates.
pub(super) fn text(core: &std::sync::Arc<Core>, text: &str) -> Vec<TemplateError> {
    if !compile::is_template(text) {
        return Vec::new();
    }
    match parse(text, "", compile::syntax()) {
        Ok(tree) => judged(core, text, walk::statement(&tree)),
        Err(error) => vec![unparsed(core, &error)],
    }
}

/// Everything wrong with a bare expression.
pub(super) fn expression(core: &std::sync::Arc<Core>, text: &str) -> Vec<TemplateError> {
    match parse_expr(text) {
        Ok(tree) => judged(core, text, walk::expression(&tree)),
        Err(error) => vec![unparsed(core, &error)],
    }
}

fn unparsed(core: &std::sync::Arc<Core>, error: &minijinja::Error) -> TemplateError {
    core.told(error, None, None)
}

fn judged(core: &Core, text: &str, found: Found) -> Vec<TemplateError> {
    let mut wrong = Vec::new();
    for filter in found.filters.iter().filter(|filter| !filters::known(&filter.name)) {
        let error = at(filters::unknown(&filter.name), text, filter);
        wrong.push(meant(error, &filter.name, filters::NAMES.iter().copied()));
    }
    for test in found.tests.iter().filter(|test| !tests::known(&test.name)) {
        let on_disk =
            matches!(filters::short(&test.name), "file" | "directory" | "exists" | "link" | "mount" | "abs");
        wrong.push(if on_disk {
            at(
                format!("the test `{}` looks at the controller's disk; it is not supported yet", test.name),
                text,
                test,
            )
            .help("register the result of `stat` and look at `result.stat.exists`")
        } else {
            let error = at(format!("there is no test `{}`", test.name), text, test);
            meant(error, &test.name, tests::NAMES.iter().copied())
        });
    }
    for call in &found.functions {
        let is_lookup = matches!(call.name.as_str(), "lookup" | "query" | "q");
        if is_lookup && let Some(name) = call.argument.as_deref() {
            if !lookups::KNOWN.contains(&lookups::short(name)) {
                wrong.push(at(lookups::unknown(name), text, call));
            }
        } else if call.name == "now" {
            let why = "`now()` is not supported yet: a plan must not depend on the time it was made";
            wrong.push(at(why.to_owned(), text, call));
        } else {
            let global = core.environment.globals().any(|(name, _)| name == call.name);
            if !global && !BUILT_IN.contains(&call.name.as_str()) && !found.locals.contains(&call.name) {
                let known: Vec<&str> = core.environment.globals().map(|(name, _)| name).collect();
                let error = at(format!("there is no function `{}`", call.name), text, call);
                wrong.push(meant(error, &call.name, known.iter().copied()));
            }
        }
    }
    for call in &found.methods {
        if let Some((name, instead)) = CHANGING.iter().find(|(name, _)| *name == call.name) {
            wrong.push(at(format!("`.{name}()` would change a value in place"), text, call).help(*instead));
        }
    }
    for range in found.percents {
        wrong.push(
            TemplateError::new("formatting with `%` is not supported")
                .at(Some(range))
                .help("write `'%s-%s' | format(a, b)`, or join with `~`"),
        );
    }
    wrong
}

fn at(message: String, text: &str, named: &Named) -> TemplateError {
    TemplateError::new(message).at(Some(name_in(text, named)))
}

/// The name itself, within the stretch it is known to stand in.
fn name_in(text: &str, named: &Named) -> Range<usize> {
    let start = text.floor_char_boundary(named.range.start.min(text.len()));
    let end = text.ceil_char_boundary(named.range.end.clamp(start, text.len()));
    match text[start..end].find(&named.name) {
        Some(offset) => start + offset..start + offset + named.name.len(),
        None => start..end,
    }
}

fn meant<'a>(error: TemplateError, name: &str, known: impl Iterator<Item = &'a str>) -> TemplateError {
    match crate::value::closest(name, known) {
        Some(meant) if !error.message.contains("not supported") => {
            error.help(format!("did you mean `{meant}`?"))
        }
        _ => error,
    }
}
