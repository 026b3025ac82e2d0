//! How a play's hosts are divided: `serial`, the order of hosts, and how many may fail.

use crate::value::Value;

/// Divides `count` hosts as `serial` says: a number, a percentage such as `30%`, or a list of them whose last one
/// repeats. Err says which part cannot be understood.
///
/// Source: ansible-core 2.19, `pct_to_int` (a percentage is rounded down, and is at least one).
pub(super) fn sizes(serial: Option<&Value>, count: usize) -> Result<Vec<usize>, String> {
    let parts = match serial {
        None | Some(Value::Null) => return Ok(vec![count]),
        Some(Value::Array(parts)) if parts.is_empty() => return Ok(vec![count]),
        Some(Value::Array(parts)) => parts.clone(),
        Some(one) => vec![one.clone()],
    };
    let mut sizes = Vec::new();
    let mut left = count;
    let mut at = 0;
    while left > 0 {
        let part = &parts[at.min(parts.len() - 1)];
        // `serial: 0` means all at once.
        let size = match size(part, count)? {
            0 => left,
            size => size.min(left),
        };
        sizes.push(size);
        left -= size;
        at += 1;
    }
    Ok(sizes)
}

fn size(part: &Value, count: usize) -> Result<usize, String> {
    let text = match part {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    let number = |text: &str| {
        text.trim().parse::<usize>().map_err(|_| format!("`{text}` is neither a number nor a percentage"))
    };
    match text.strip_suffix('%') {
        Some(percent) => Ok((number(percent)? * count / 100).max(1)),
        None => number(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn divides_as_ansible_does() {
        for (serial, count, expected) in [
            (json!(null), 5, vec![5]),
            (json!(2), 5, vec![2, 2, 1]),
            (json!("30%"), 10, vec![3, 3, 3, 1]),
            (json!("1%"), 3, vec![1, 1, 1]),
            (json!([1, "50%"]), 6, vec![1, 3, 2]),
            (json!(0), 4, vec![4]),
        ] {
            assert_eq!(sizes(Some(&serial), count), Ok(expected), "{serial}");
        }
        assert!(sizes(Some(&json!("some")), 3).is_err());
    }
}
