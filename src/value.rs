//! Plain data as YAML and JSON know it: what variables, facts and module arguments are made of.
//!
//! One type for all of it, so that nothing has to be converted between the loader, the templates, the wire
//! and the screen. Typed arguments begin where a module decodes a [`Value`].

pub use serde_json::{Map, Number, Value};

/// Names the kind of a value as a person would: `a list`, `a number`.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// The words Ansible takes for a boolean, in any case; `None` for anything else.
///
/// Source: ansible-core 2.19, `BOOLEANS_TRUE` and `BOOLEANS_FALSE`.
pub fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "t" | "1" | "1.0" => Some(true),
        "false" | "no" | "off" | "n" | "f" | "0" | "0.0" => Some(false),
        _ => None,
    }
}

/// The closest of `candidates` to a misspelt `word`, when one is close enough to be meant.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).max(2).min(word.chars().count().saturating_sub(1));
    candidates
        .into_iter()
        .map(|candidate| (edits(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words, a swap of neighbours counting as one (optimal string alignment).
fn edits(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for i in 1..=left.len() {
        let mut row = vec![i];
        for j in 1..=right.len() {
            let changed = usize::from(left[i - 1] != right[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_word_that_was_meant() {
        assert_eq!(closest("filesytem", ["filesystem", "file", "mount"]), Some("filesystem"));
        assert_eq!(closest("ntofy", ["notify", "name"]), Some("notify"));
        assert_eq!(closest("zfs", ["lvol", "mount"]), None);
        assert_eq!(closest("", ["lvol"]), None);
    }

    #[test]
    fn knows_ansibles_booleans() {
        assert_eq!((truth("Yes"), truth("off"), truth("maybe")), (Some(true), Some(false), None));
    }
}
