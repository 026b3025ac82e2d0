//! A JSON schema in words: what an argument can be, and what is written about it.

use crate::value::Value;

pub(super) fn description(schema: &Value) -> Option<&str> {
    let own = schema.get("description").and_then(Value::as_str);
    // `Option<T>` keeps the description of a type one level down.
    own.or_else(|| alternatives(schema).find_map(|each| each.get("description").and_then(Value::as_str)))
}

pub(super) fn first_line(schema: &Value) -> &str {
    description(schema).and_then(|text| text.lines().next()).unwrap_or("")
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten()
}

/// Fixed words an argument can be, with what each means where that is written down.
pub(super) fn choices(schema: &Value) -> Vec<(String, Option<&str>)> {
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<(String, Option<&str>)> =
        listed.filter(|choice| !choice.is_null()).map(|choice| (plain(choice), None)).collect();
    if let Some(only) = schema.get("const") {
        all.push((plain(only), schema.get("description").and_then(Value::as_str)));
    }
    all.extend(alternatives(schema).flat_map(choices));
    all
}

/// The fields of a mapping, or of the mappings in a list.
pub(super) fn inner(schema: &Value) -> Vec<(&String, &Value)> {
    let own = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let items = schema.get("items").into_iter().flat_map(inner);
    let mut fields: Vec<(&String, &Value)> = Vec::new();
    for field in own.chain(items).chain(alternatives(schema).flat_map(inner)) {
        // A mapping that may stand alone or in a list is the same one.
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    fields
}

/// `text`, `number`, `list of text`, `present or absent`.
pub(super) fn kind(schema: &Value) -> String {
    let choices = choices(schema);
    if !choices.is_empty() {
        let mut words: Vec<String> = choices.into_iter().map(|(word, _)| word).collect();
        words.dedup();
        return words.join(" | ");
    }
    let words: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut said: Vec<String> =
        words.into_iter().filter(|word| *word != "null").map(|word| said(word, schema)).collect();
    for each in alternatives(schema).filter(|each| each.get("type").is_none_or(|kind| kind != "null")) {
        said.push(kind(each));
    }
    said.dedup();
    if said.is_empty() { "anything".to_owned() } else { said.join(" or ") }
}

fn said(word: &str, schema: &Value) -> String {
    match word {
        "string" if schema.get("writeOnly") == Some(&Value::Bool(true)) => "secret text".to_owned(),
        "string" => "text".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "yes or no".to_owned(),
        "object" => "mapping".to_owned(),
        "array" => match schema.get("items") {
            Some(each) if kind(each).contains(" or ") => format!("list of ({})", kind(each)),
            Some(each) => format!("list of {}", kind(each)),
            None => "list".to_owned(),
        },
        other => other.to_owned(),
    }
}

/// A value as one would write it in a playbook.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}
