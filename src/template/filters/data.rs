//! Filters that read, write, encode and judge data: JSON, YAML, base64, hashes, types.

#![expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, Value};
use sha2::Digest as _;

use super::super::convert::{plain, settled, wrong};
use super::Entry;
use crate::value::Value as Plain;

pub(super) fn table() -> Vec<Entry> {
    vec![
        ("b64decode", Value::from_function(b64decode)),
        ("b64encode", Value::from_function(|text: String| STANDARD.encode(text))),
        ("checksum", Value::from_function(|text: String| hex(&sha1::Sha1::digest(text)))),
        ("from_json", Value::from_function(from_json)),
        ("from_yaml", Value::from_function(from_yaml)),
        ("hash", Value::from_function(hash)),
        ("sha1", Value::from_function(|text: String| hex(&sha1::Sha1::digest(text)))),
        ("ternary", Value::from_function(ternary)),
        ("to_json", Value::from_function(to_json)),
        ("to_nice_json", Value::from_function(to_nice_json)),
        ("to_nice_yaml", Value::from_function(to_nice_yaml)),
        ("to_yaml", Value::from_function(to_yaml)),
        ("type_debug", Value::from_function(type_debug)),
    ]
}

fn b64decode(text: String) -> Result<String, Error> {
    let compact: String = text.split_ascii_whitespace().collect();
    let bytes =
        STANDARD.decode(compact).map_err(|error| wrong(format!("`b64decode` met no base64: {error}")))?;
    String::from_utf8(bytes).map_err(|_| wrong("`b64decode` gave bytes that are no UTF-8 text"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn hash(text: String, algorithm: Option<String>) -> Result<String, Error> {
    match algorithm.as_deref().unwrap_or("sha1") {
        "sha1" => Ok(hex(&sha1::Sha1::digest(text))),
        "sha224" => Ok(hex(&sha2::Sha224::digest(text))),
        "sha256" => Ok(hex(&sha2::Sha256::digest(text))),
        "sha384" => Ok(hex(&sha2::Sha384::digest(text))),
        "sha512" => Ok(hex(&sha2::Sha512::digest(text))),
        other => Err(wrong(format!("`hash('{other}')` is not supported yet; use sha256"))),
    }
}

/// `condition | ternary(yes, no, none)`.
fn ternary(value: &Value, yes: Value, no: Value, none: Option<Value>) -> Value {
    match none {
        Some(none) if value.is_none() => none,
        _ if value.is_true() => yes,
        _ => no,
    }
}

fn type_debug(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::None => "NoneType",
        ValueKind::Bool => "bool",
        ValueKind::Number if value.is_integer() => "int",
        ValueKind::Number => "float",
        ValueKind::String => "str",
        ValueKind::Bytes => "bytes",
        ValueKind::Seq | ValueKind::Iterable if value.is_tuple() => "tuple",
        ValueKind::Seq | ValueKind::Iterable => "list",
        ValueKind::Map => "dict",
        _ => "function",
    }
}

fn from_json(text: &Value) -> Result<Value, Error> {
    let Some(text) = text.as_str() else { return Err(wrong("`from_json` needs a string")) };
    let value: Plain =
        serde_json::from_str(text).map_err(|error| wrong(format!("`from_json` met no JSON: {error}")))?;
    Ok(plain(&value))
}

fn from_yaml(text: &Value) -> Result<Value, Error> {
    // Ansible hands anything but text through.
    let Some(text) = text.as_str() else { return Ok(text.clone()) };
    let source = crate::diagnostic::Source::new("from_yaml", text);
    let node = crate::yaml::parse_one(&source)
        .map_err(|complaint| wrong(format!("`from_yaml` met no YAML: {}", complaint.title)))?;
    Ok(plain(&node.to_value()))
}

fn to_json(value: &Value, named: Kwargs) -> Result<String, Error> {
    let indent = named.get::<Option<usize>>("indent")?;
    written(value, indent, false, &named)
}

fn to_nice_json(value: &Value, indent: Option<usize>, named: Kwargs) -> Result<String, Error> {
    let indent = indent.or(named.get::<Option<usize>>("indent")?).unwrap_or(4);
    written(value, Some(indent), true, &named)
}

fn written(value: &Value, indent: Option<usize>, sorted: bool, named: &Kwargs) -> Result<String, Error> {
    let sorted = named.get::<Option<bool>>("sort_keys")?.unwrap_or(sorted);
    let ascii = named.get::<Option<bool>>("ensure_ascii")?.unwrap_or(true);
    named.assert_all_used()?;
    let mut out = String::new();
    json(&settled(value)?, indent, sorted, ascii, 0, &mut out);
    Ok(out)
}

/// As Python's `json.dumps` writes it: blanks after `:` and `,`, everything beyond ASCII escaped.
fn json(value: &Plain, indent: Option<usize>, sorted: bool, ascii: bool, depth: usize, out: &mut String) {
    let line = |out: &mut String, depth: usize| {
        if let Some(indent) = indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    };
    let comma = |out: &mut String, at: usize| {
        if at > 0 {
            out.push_str(if indent.is_some() { "," } else { ", " });
        }
    };
    match value {
        Plain::Array(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                comma(out, at);
                line(out, depth + 1);
                json(item, indent, sorted, ascii, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
        Plain::Object(map) if !map.is_empty() => {
            let mut entries: Vec<(&String, &Plain)> = map.iter().collect();
            if sorted {
                entries.sort_by_key(|(key, _)| *key);
            }
            out.push('{');
            for (at, (key, item)) in entries.into_iter().enumerate() {
                comma(out, at);
                line(out, depth + 1);
                quoted(key, ascii, out);
                out.push_str(": ");
                json(item, indent, sorted, ascii, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        Plain::String(text) => quoted(text, ascii, out),
        other => out.push_str(&other.to_string()),
    }
}

fn quoted(text: &str, ascii: bool, out: &mut String) {
    let quoted = Plain::from(text).to_string();
    if !ascii {
        return out.push_str(&quoted);
    }
    let mut units = [0; 2];
    for character in quoted.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
}

fn to_yaml(value: &Value, indent: Option<usize>, named: Kwargs) -> Result<String, Error> {
    yaml(value, indent, 2, true, &named)
}

fn to_nice_yaml(value: &Value, indent: Option<usize>, named: Kwargs) -> Result<String, Error> {
    yaml(value, indent, 4, false, &named)
}

fn yaml(
    value: &Value,
    indent: Option<usize>,
    usual: usize,
    leaves_flow: bool,
    named: &Kwargs,
) -> Result<String, Error> {
    let indent = indent.or(named.get::<Option<usize>>("indent")?).unwrap_or(usual);
    let sorted = named.get::<Option<bool>>("sort_keys")?.unwrap_or(true);
    let block = named.get::<Option<bool>>("default_flow_style")?.is_some_and(|flow| !flow);
    // Lines are never folded here, and nothing beyond ASCII is escaped.
    let _ = (named.get::<Option<usize>>("width")?, named.get::<Option<bool>>("allow_unicode")?);
    named.assert_all_used()?;
    Ok(crate::yaml::write(&settled(value)?, indent, sorted, leaves_flow && !block))
}
