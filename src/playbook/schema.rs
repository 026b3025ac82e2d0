//! Whether a literal value can be what a JSON schema asks for. Says no only where it is certain: what is left is found
//! when the arguments are decoded.

use crate::value::{self, Value};

/// What is wrong with `given`, where something certainly is.
pub(super) fn complain(name: &str, given: &Value, schema: &Value) -> Option<String> {
    if fits(given, schema) {
        return None;
    }
    let words = words(schema);
    if given.is_string() && !words.is_empty() {
        let given = given.as_str().unwrap_or_default();
        return Some(format!("`{name}` cannot be `{given}`; it is one of {}", words.join(", ")));
    }
    let kinds = kinds(schema);
    if let (Value::Array(items), Some(each)) = (given, schema.get("items"))
        && let Some(problem) = items.iter().find_map(|item| complain(name, item, each))
    {
        return Some(problem);
    }
    Some(if kinds.is_empty() {
        format!("`{name}` cannot be {}", value::kind(given))
    } else {
        format!("`{name}` takes {}, not {}", kinds.join(" or "), value::kind(given))
    })
}

fn fits(given: &Value, schema: &Value) -> bool {
    // An argument without a value counts as one that is not given, as in Ansible.
    if given.is_null() {
        return true;
    }
    if let Some(Value::Array(allowed)) = schema.get("enum") {
        return allowed.contains(given);
    }
    if let Some(only) = schema.get("const") {
        return only == given;
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(Value::Array(options)) = schema.get(key)
            && !options.iter().any(|option| fits(given, option))
        {
            return false;
        }
    }
    let is = |kind: &str| match kind {
        "string" => given.is_string(),
        "boolean" => given.is_boolean(),
        "integer" => given.is_i64() || given.is_u64(),
        "number" => given.is_number(),
        "array" => given.is_array(),
        "object" => given.is_object(),
        "null" => given.is_null(),
        _ => true,
    };
    let kind = match schema.get("type") {
        Some(Value::String(one)) => is(one),
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).any(is),
        _ => true,
    };
    let items = match (given, schema.get("items")) {
        (Value::Array(items), Some(each)) => items.iter().all(|item| fits(item, each)),
        _ => true,
    };
    kind && items
}

/// The words a value may be, where it is one of some.
pub(super) fn words(schema: &Value) -> Vec<&str> {
    let mut words: Vec<&str> = schema
        .get("enum")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    words.extend(schema.get("const").and_then(Value::as_str));
    for key in ["anyOf", "oneOf"] {
        let options = schema.get(key).and_then(Value::as_array);
        words.extend(options.into_iter().flatten().flat_map(self::words));
    }
    words
}

/// The kinds a value may be of, in words.
fn kinds(schema: &Value) -> Vec<&'static str> {
    let noun = |kind: &str| match kind {
        "string" => Some("a string"),
        "boolean" => Some("a boolean"),
        "integer" => Some("a whole number"),
        "number" => Some("a number"),
        "array" => Some("a list"),
        "object" => Some("a mapping"),
        _ => None,
    };
    let mut kinds: Vec<&'static str> = match schema.get("type") {
        Some(Value::String(one)) => noun(one).into_iter().collect(),
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).filter_map(noun).collect(),
        _ => Vec::new(),
    };
    for key in ["anyOf", "oneOf"] {
        let options = schema.get(key).and_then(Value::as_array);
        for kind in options.into_iter().flatten().flat_map(self::kinds) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn says_no_only_where_it_is_certain() {
        let state = json!({"anyOf": [{"type": "string", "enum": ["present", "absent"]}, {"type": "null"}]});
        assert_eq!(
            complain("state", &json!("gone"), &state).unwrap(),
            "`state` cannot be `gone`; it is one of present, absent"
        );
        assert_eq!(complain("state", &json!("absent"), &state), None);
        let flag = json!({"type": ["boolean", "null"]});
        assert_eq!(
            complain("force", &json!("maybe"), &flag).unwrap(),
            "`force` takes a boolean, not a string"
        );
        let list = json!({"type": "array", "items": {"type": "string"}});
        assert_eq!(
            complain("disks", &json!(["a", ["b"]]), &list).unwrap(),
            "`disks` takes a string, not a list"
        );
        assert_eq!(complain("any", &json!({"a": 1}), &json!({})), None);
    }
}
