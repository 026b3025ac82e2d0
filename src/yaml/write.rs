//! YAML as PyYAML's `dump` writes it, so that files made by `to_nice_yaml` do not change under a new tool.
//!
//! Differs where it cannot matter to a reader: long lines are not folded, text of several lines is written in
//! double quotes.

use crate::value::{Map, Value};

/// `value` as a document, ending in a newline: `indent` blanks a level, keys `sorted` or as they come, and with
/// `leaves_flow` the innermost collections on one line.
pub fn write(value: &Value, indent: usize, sorted: bool, leaves_flow: bool) -> String {
    let writer = Writer { indent: indent.clamp(2, 9), sorted, leaves_flow };
    let mut out = String::new();
    if writer.is_block(value) {
        writer.block(value, 0, &mut out);
    } else {
        writer.flow(value, &mut out);
        // A lone plain scalar ends its document visibly.
        out.push_str(
            if matches!(value, Value::Array(_) | Value::Object(_)) || out.starts_with(['\'', '"']) {
                "\n"
            } else {
                "\n...\n"
            },
        );
    }
    out
}

struct Writer {
    indent: usize,
    sorted: bool,
    /// Collections without collections in them are written on one line.
    leaves_flow: bool,
}

impl Writer {
    fn is_block(&self, value: &Value) -> bool {
        let nested = |value: &Value| matches!(value, Value::Array(_) | Value::Object(_));
        match value {
            Value::Array(items) => !items.is_empty() && (!self.leaves_flow || items.iter().any(nested)),
            Value::Object(map) => !map.is_empty() && (!self.leaves_flow || map.values().any(nested)),
            _ => false,
        }
    }

    fn entries<'m>(&self, map: &'m Map<String, Value>) -> Vec<(&'m String, &'m Value)> {
        let mut entries: Vec<_> = map.iter().collect();
        if self.sorted {
            entries.sort_by_key(|(key, _)| *key);
        }
        entries
    }

    /// Writes a block whose first line is already indented.
    fn block(&self, value: &Value, column: usize, out: &mut String) {
        let pad = |out: &mut String, at: usize| {
            if at > 0 {
                out.extend(std::iter::repeat_n(' ', column));
            }
        };
        match value {
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    pad(out, at);
                    out.push('-');
                    if self.is_block(item) {
                        out.extend(std::iter::repeat_n(' ', self.indent - 1));
                        self.block(item, column + self.indent, out);
                    } else {
                        out.push(' ');
                        self.flow(item, out);
                        out.push('\n');
                    }
                }
            }
            Value::Object(map) => {
                for (at, (key, item)) in self.entries(map).into_iter().enumerate() {
                    pad(out, at);
                    scalar(key, out);
                    out.push(':');
                    if self.is_block(item) {
                        // Lists stand below their key, not to the right of it.
                        let column = if item.is_array() { column } else { column + self.indent };
                        out.push('\n');
                        out.extend(std::iter::repeat_n(' ', column));
                        self.block(item, column, out);
                    } else {
                        out.push(' ');
                        self.flow(item, out);
                        out.push('\n');
                    }
                }
            }
            other => self.flow(other, out),
        }
    }

    fn flow(&self, value: &Value, out: &mut String) {
        match value {
            Value::Null => out.push_str("null"),
            Value::String(text) => scalar(text, out),
            Value::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    self.flow(item, out);
                }
                out.push(']');
            }
            Value::Object(map) => {
                out.push('{');
                for (at, (key, item)) in self.entries(map).into_iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    scalar(key, out);
                    out.push_str(": ");
                    self.flow(item, out);
                }
                out.push('}');
            }
            other => out.push_str(&other.to_string()),
        }
    }
}

fn scalar(text: &str, out: &mut String) {
    if text.chars().any(char::is_control) {
        // JSON's escapes are YAML's.
        out.push_str(&Value::from(text).to_string());
    } else if is_plain(text) {
        out.push_str(text);
    } else {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    }
}

/// Whether PyYAML would read the bare text back as this very string, in any place.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let opens = "-?:,[]{}#&*!|>'\"%@`".contains(first);
    let dash_word =
        matches!(first, '-' | '?' | ':') && text.chars().nth(1).is_some_and(|c| !c.is_whitespace());
    if (opens && !dash_word) || text.starts_with("---") || text.starts_with("...") {
        return false;
    }
    let inside = text.contains(": ") || text.contains(" #") || text.contains([',', '[', ']', '{', '}']);
    !inside && !text.ends_with(':') && text.trim() == text && !means_something_else(text)
}

/// Texts YAML 1.1 resolves to a boolean, null, number, date or merge key.
fn means_something_else(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    if matches!(
        word.as_str(),
        "yes" | "no" | "on" | "off" | "true" | "false" | "null" | "~" | "=" | "<<" | ".nan"
    ) {
        return true;
    }
    let number = word.trim_start_matches(['-', '+']);
    let digits = number.starts_with(|c: char| c.is_ascii_digit()) || number.starts_with('.');
    digits && (number == ".inf" || number.chars().all(|c| c.is_ascii_hexdigit() || "._:-+xotz ".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_pyyaml_writes() {
        let value = serde_json::json!({"b": [1, {"c": "no", "d": []}], "a": {"x": "12:30", "y": null, "z": "it's: ok"}});
        insta::assert_snapshot!(write(&value, 4, true, false), @r"
        a:
            x: '12:30'
            y: null
            z: 'it''s: ok'
        b:
        - 1
        -   c: 'no'
            d: []
        ");
        assert_eq!(write(&serde_json::json!({"a": [1, 2]}), 2, true, true), "a: [1, 2]\n");
    }

    #[test]
    fn quotes_only_what_would_be_read_as_something_else() {
        for (text, plain) in [
            ("web1", true),
            ("1.2.3.4/24", true),
            ("0644", false),
            ("2026-11-23", false),
            ("/dev/sda", true),
            ("Off", false),
            ("-x", true),
            ("- x", false),
            ("1e3", false),
            ("", false),
            ("a:b", true),
            ("*", false),
        ] {
            assert_eq!(is_plain(text), plain, "{text}");
        }
    }
}
