//! `lookup`, `query` and the other functions templates can call.
//!
//! Lookups that run commands, make passwords or ask the network are not here: a template decides nothing and
//! changes nothing.

use std::sync::Arc;

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Environment, Error, Value};

use super::convert::wrong;
use super::environment::{Core, carrying};
use super::frame;
use super::scope::{Inner, Resolved};

/// The lookups there are.
pub(super) const KNOWN: &[&str] = &["dict", "env", "file", "flattened", "items", "list", "template", "vars"];

pub(super) fn register(environment: &mut Environment<'static>) {
    environment.add_function("lookup", |name: String, terms: Rest<Value>, named: Kwargs| {
        let wantlist = named.get::<Option<bool>>("wantlist")?.unwrap_or(false);
        let found = found(&name, &terms, &named)?;
        Ok(if wantlist { Value::from(found) } else { joined(&name, found) })
    });
    for name in ["query", "q"] {
        environment.add_function(name, |name: String, terms: Rest<Value>, named: Kwargs| {
            found(&name, &terms, &named).map(Value::from)
        });
    }
    environment.add_function("now", |_: Rest<Value>, _: Kwargs| {
        Err::<Value, Error>(wrong(
            "`now()` is not supported yet: a plan must not depend on the time it was made",
        ))
    });
    // It prints all variables.
    environment.remove_global("debug");
}

pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").unwrap_or(name)
}

/// First line of the complaint about a lookup that does not exist.
pub(super) fn unknown(name: &str) -> String {
    format!("the lookup `{name}` is not supported yet; there are {}", KNOWN.join(", "))
}

fn joined(name: &str, mut found: Vec<Value>) -> Value {
    match found.len() {
        1 => found.remove(0),
        _ if matches!(short(name), "dict" | "items" | "list" | "flattened") => Value::from(found),
        _ => Value::from(found.iter().map(Value::to_string).collect::<Vec<_>>().join(",")),
    }
}

fn found(name: &str, terms: &[Value], named: &Kwargs) -> Result<Vec<Value>, Error> {
    match short(name) {
        "env" => {
            let default = named.get::<Option<Value>>("default")?.unwrap_or_else(|| Value::from(""));
            each(terms, |name| Ok(std::env::var(name).map_or_else(|_| default.clone(), Value::from)))
        }
        "file" => {
            let trimmed = named.get::<Option<bool>>("rstrip")?.unwrap_or(true);
            each(terms, |name| {
                let text = read(name, "files")?;
                Ok(Value::from(if trimmed { text.trim_end() } else { text.as_str() }))
            })
        }
        "template" => each(terms, |name| {
            let text = read(name, "templates")?;
            let (core, scope) = engine()?;
            core.file(&text, &scope).map(Value::from).map_err(|error| carrying(&Arc::new(error)))
        }),
        "vars" => {
            let default = named.get::<Option<Value>>("default")?;
            each(terms, |name| variable(name, default.as_ref()))
        }
        "dict" => {
            let mut pairs = Vec::new();
            for term in terms {
                for key in term.try_iter()? {
                    let value = term.get_item(&key)?;
                    pairs.push(Value::from_pairs([("key", key), ("value", value)]));
                }
            }
            Ok(pairs)
        }
        "list" => Ok(terms.to_vec()),
        "items" => Ok(flattened(terms, 1)),
        "flattened" => Ok(flattened(terms, 100)),
        _ => Err(wrong(unknown(name))),
    }
}

fn each(terms: &[Value], look: impl Fn(&str) -> Result<Value, Error>) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    for term in flattened(terms, 1) {
        found.push(look(term.as_str().ok_or_else(|| wrong("a lookup needs names, as strings"))?)?);
    }
    Ok(found)
}

fn flattened(terms: &[Value], levels: usize) -> Vec<Value> {
    let mut flat = Vec::new();
    for term in terms {
        match term.kind() {
            ValueKind::Seq | ValueKind::Iterable if levels > 0 => {
                let inner: Vec<Value> = term.try_iter().into_iter().flatten().collect();
                flat.extend(flattened(&inner, levels - 1));
            }
            _ => flat.push(term.clone()),
        }
    }
    flat
}

fn engine() -> Result<(Arc<Core>, Arc<Inner>), Error> {
    frame::current(|frame| (Arc::clone(&frame.core), Arc::clone(&frame.scope)))
        .ok_or_else(|| wrong("a lookup was called outside of a template"))
}

fn read(name: &str, folder: &str) -> Result<String, Error> {
    let (core, scope) = engine()?;
    match core.files.find(name, folder, None, scope.roots()) {
        Ok(Some((_, text))) => Ok(text),
        Ok(None) => {
            Err(wrong(format!("there is no file `{name}` in `{folder}/` of the role or the playbook")))
        }
        Err(error) => Err(wrong(format!("cannot read `{name}`: {error}"))),
    }
}

fn variable(name: &str, default: Option<&Value>) -> Result<Value, Error> {
    let (_, scope) = engine()?;
    match (scope.resolve(name), default) {
        (Resolved::Value(value), _) => Ok(value),
        (Resolved::Failed(error), _) | (Resolved::Undefined(error), None) => Err(carrying(&error)),
        (Resolved::Undefined(_) | Resolved::Absent, Some(default)) => Ok(default.clone()),
        (Resolved::Absent, None) => Err(wrong(format!("`{name}` is undefined"))),
    }
}
