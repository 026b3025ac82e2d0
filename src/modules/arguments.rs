//! From plain data to a module's typed arguments. The same check runs on the controller, before any host is touched,
//! and on the agent.

use serde_json::Value;

use super::{Describe, Entry};
use crate::value::{self, Map};

/// An argument that a module cannot take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadArgument {
    /// The argument as the user wrote it; `None` when the complaint is about the task as a whole.
    pub argument: Option<String>,
    /// First line: lower case, standing alone.
    pub message: String,
    pub help: Option<String>,
}

/// Renames aliases and turns text into what the schema asks for (`"yes"` into a boolean, `"4"` into a number, a number
/// into text), as Ansible does. Unknown and missing arguments are complained about, all of them.
pub fn coerce(entry: &Entry, args: &Map<String, Value>) -> Result<Map<String, Value>, Vec<BadArgument>> {
    let mut own = Map::new();
    let mut bad = Vec::new();
    for (written, given) in args {
        let name = entry.own_name(written);
        let Some(schema) = entry.property(name) else {
            let known: Vec<&str> = entry.argument_names().collect();
            bad.push(BadArgument {
                argument: Some(written.clone()),
                message: format!("`{}` has no argument `{written}`", entry.name),
                help: Some(match value::closest(written, known.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("`holdfast doc {}` lists what it takes", entry.name),
                }),
            });
            continue;
        };
        if own.contains_key(name) {
            bad.push(BadArgument {
                argument: Some(written.clone()),
                message: format!("`{name}` is given twice, also by its other name"),
                help: None,
            });
        }
        own.insert(name.to_owned(), fit(given, schema));
    }
    for name in entry.required() {
        if !own.contains_key(name) {
            bad.push(BadArgument {
                argument: None,
                message: format!("`{}` needs the argument `{name}`", entry.name),
                help: Some(format!("`holdfast doc {}` shows an example", entry.name)),
            });
        }
    }
    if bad.is_empty() { Ok(own) } else { Err(bad) }
}

/// The value as the schema wants it, where that is plainly what was meant; unchanged otherwise.
pub(super) fn fit(given: &Value, schema: &Value) -> Value {
    let wants = |kind: &str| wants(schema, kind);
    match given {
        Value::String(text) if !wants("string") => {
            if wants("boolean")
                && let Some(truth) = value::truth(text)
            {
                return Value::Bool(truth);
            }
            if wants("integer")
                && let Ok(number) = text.trim().parse::<i64>()
            {
                return Value::from(number);
            }
            if wants("number")
                && let Ok(number) = text.trim().parse::<f64>()
            {
                return Value::from(number);
            }
            if wants("array") {
                // Ansible takes `a,b` where a list of strings is asked for.
                return text.split(',').map(|item| Value::from(item.trim())).collect();
            }
            given.clone()
        }
        Value::Number(number) if wants("string") && !wants("integer") && !wants("number") => {
            Value::from(number.to_string())
        }
        Value::Number(number) if wants("boolean") && !wants("integer") => match number.as_i64() {
            Some(0) => Value::Bool(false),
            Some(1) => Value::Bool(true),
            _ => given.clone(),
        },
        Value::Bool(truth) if wants("string") && !wants("boolean") => {
            Value::from(if *truth { "True" } else { "False" })
        }
        Value::Array(items) => match schema.get("items") {
            Some(each) => items.iter().map(|item| fit(item, each)).collect(),
            None => given.clone(),
        },
        _ if wants("array") && !wants("object") && !given.is_null() => Value::Array(vec![given.clone()]),
        _ => given.clone(),
    }
}

fn wants(schema: &Value, kind: &str) -> bool {
    let listed = match schema.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(several)) => several.iter().any(|one| one == kind),
        _ => schema.get("enum").is_some() && kind == "string",
    };
    let nested = |key: &str| {
        schema.get(key).and_then(Value::as_array).is_some_and(|each| each.iter().any(|one| wants(one, kind)))
    };
    listed || nested("anyOf") || nested("oneOf")
}

/// Decodes arguments that went through [`coerce`].
pub fn decode_args<M: Describe>(args: Map<String, Value>) -> Result<M, BadArgument> {
    serde_json::from_value(Value::Object(args)).map_err(|error| BadArgument {
        argument: None,
        message: format!("`{}` cannot take these arguments: {error}", M::NAME),
        help: Some(format!("`holdfast doc {}` lists what it takes", M::NAME)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fits_what_was_plainly_meant() {
        let boolean = json!({"type": ["boolean", "null"]});
        assert_eq!(fit(&json!("yes"), &boolean), json!(true));
        assert_eq!(fit(&json!("4"), &json!({"type": "integer"})), json!(4));
        assert_eq!(fit(&json!(644), &json!({"type": "string"})), json!("644"));
        assert_eq!(
            fit(&json!("a, b"), &json!({"type": "array", "items": {"type": "string"}})),
            json!(["a", "b"])
        );
        assert_eq!(fit(&json!("x"), &boolean), json!("x"));
    }
}
