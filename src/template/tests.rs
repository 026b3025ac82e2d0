//! The tests of Ansible and Jinja: what may stand after `is`.
//!
//! Tests about files look at the controller in Ansible, which surprises everybody; they are refused.

#![expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]

use std::cmp::Ordering;
use std::sync::LazyLock;

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value, tests};

use super::convert::wrong;
use super::filters::{Entry, article};

/// Tests minijinja has and we leave as they are.
const KEPT: &[&str] = &["defined", "undefined", "filter", "test", "=="];

/// Every test there is.
pub(super) static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names: Vec<&str> =
        table().into_iter().map(|(name, _)| name).chain(KEPT.iter().copied()).collect();
    names.sort_unstable();
    names
});

pub(super) fn known(name: &str) -> bool {
    NAMES.binary_search(&super::filters::short(name)).is_ok()
}

pub(super) fn register(environment: &mut Environment<'static>) {
    for (name, function) in table() {
        environment.add_test(format!("ansible.builtin.{name}"), strict(function.clone()));
        environment.add_test(name, strict(function));
    }
    environment.add_test("ansible.builtin.defined", tests::is_defined);
    environment.add_test("ansible.builtin.undefined", tests::is_undefined);
}

fn strict(
    function: Value,
) -> impl Fn(&mut State<'_, '_>, Rest<ValueOrKwargs>) -> Result<Value, Error> + Send + Sync + 'static {
    move |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
        let args = args.into_values();
        if args.iter().any(Value::is_undefined) {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        function.call(state, &args)
    }
}

macro_rules! tests {
    ($($name:literal => $function:expr),* $(,)?) => { vec![$(($name, Value::from_function($function))),*] };
}

fn table() -> Vec<Entry> {
    tests! {
        // Kinds of values.
        "string" => tests::is_string,
        "mapping" => tests::is_mapping,
        "number" => tests::is_number,
        "integer" => tests::is_integer,
        "int" => tests::is_integer,
        "float" => tests::is_float,
        "boolean" => tests::is_boolean,
        "none" => tests::is_none,
        "sequence" => |value: &Value| has_items(value) && !matches!(value.kind(), ValueKind::Iterable),
        "iterable" => has_items,
        "callable" => |value: &Value| article(value.kind()) == "a function",
        "true" => tests::is_true,
        "false" => tests::is_false,
        "truthy" => truthy,
        "falsy" => |value: &Value, named: Kwargs| truthy(value, named).map(|truth| !truth),
        "lower" => tests::is_lower,
        "upper" => tests::is_upper,
        "even" => tests::is_even,
        "odd" => tests::is_odd,
        "divisibleby" => tests::is_divisibleby,
        "sameas" => tests::is_sameas,
        // Comparisons.
        "eq" => tests::is_eq,
        "equalto" => tests::is_eq,
        "ne" => tests::is_ne,
        "lt" => tests::is_lt,
        "lessthan" => tests::is_lt,
        "le" => tests::is_le,
        "gt" => tests::is_gt,
        "greaterthan" => tests::is_gt,
        "ge" => tests::is_ge,
        "in" => tests::is_in,
        "contains" => contains,
        "subset" => subset,
        "issubset" => subset,
        "superset" => |value: &Value, other: &Value| subset(other, value),
        "issuperset" => |value: &Value, other: &Value| subset(other, value),
        "all" => |value: &Value| members(value).map(|items| items.iter().all(Value::is_true)),
        "any" => |value: &Value| members(value).map(|items| items.iter().any(Value::is_true)),
        "version" => version,
        "version_compare" => version,
        // Text.
        "search" => |value: &Value, find: String, named: Kwargs| found(value, &find, "", &named),
        "match" => |value: &Value, find: String, named: Kwargs| found(value, &find, "start", &named),
        "fullmatch" => |value: &Value, find: String, named: Kwargs| found(value, &find, "all", &named),
        "regex" => |value: &Value, find: String, named: Kwargs| found(value, &find, "", &named),
        "startingwith" => tests::is_startingwith,
        "endingwith" => tests::is_endingwith,
        // Registered results.
        "changed" => |result: &Value| flag(result, "changed", "changed"),
        "change" => |result: &Value| flag(result, "changed", "change"),
        "failed" => |result: &Value| flag(result, "failed", "failed"),
        "failure" => |result: &Value| flag(result, "failed", "failure"),
        "succeeded" => |result: &Value| flag(result, "failed", "succeeded").map(|failed| !failed),
        "success" => |result: &Value| flag(result, "failed", "success").map(|failed| !failed),
        "successful" => |result: &Value| flag(result, "failed", "successful").map(|failed| !failed),
        "skipped" => |result: &Value| flag(result, "skipped", "skipped"),
        "skip" => |result: &Value| flag(result, "skipped", "skip"),
        "unreachable" => |result: &Value| flag(result, "unreachable", "unreachable"),
        "reachable" => |result: &Value| flag(result, "unreachable", "reachable").map(|unreachable| !unreachable),
    }
}

/// Jinja: text and mappings have items too.
fn has_items(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::String | ValueKind::Seq | ValueKind::Map | ValueKind::Iterable)
}

fn truthy(value: &Value, named: Kwargs) -> Result<bool, Error> {
    let convert = named.get::<Option<bool>>("convert_bool")?.unwrap_or(false);
    named.assert_all_used()?;
    let word = value.as_str().filter(|_| convert).and_then(crate::value::truth);
    Ok(word.unwrap_or_else(|| value.is_true()))
}

fn members(value: &Value) -> Result<Vec<Value>, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => Ok(value.try_iter()?.collect()),
        kind => Err(wrong(format!("this test needs a list, not {}", article(kind)))),
    }
}

fn subset(value: &Value, other: &Value) -> Result<bool, Error> {
    let other = members(other)?;
    Ok(members(value)?.iter().all(|item| other.contains(item)))
}

fn contains(state: &State, value: &Value, item: &Value) -> Result<bool, Error> {
    tests::is_in(state, item, value)
}

fn found(value: &Value, find: &str, mode: &str, named: &Kwargs) -> Result<bool, Error> {
    let ignorecase = named.get::<Option<bool>>("ignorecase")?.unwrap_or(false);
    let multiline = named.get::<Option<bool>>("multiline")?.unwrap_or(false);
    let _: Option<String> = named.get("match_type")?;
    named.assert_all_used()?;
    let anchored = match mode {
        "start" => format!(r"\A(?:{find})"),
        "all" => format!(r"\A(?:{find})\z"),
        _ => find.to_owned(),
    };
    let regex = super::filters::pattern(&anchored, ignorecase, multiline)?;
    Ok(match value.as_str() {
        Some(text) => regex.is_match(text),
        None => regex.is_match(&value.to_string()),
    })
}

/// A flag of a registered result; a result that does not mention it has it false.
fn flag(result: &Value, key: &str, test: &str) -> Result<bool, Error> {
    if result.kind() != ValueKind::Map {
        return Err(wrong(format!("`is {test}` needs a registered result, not {}", article(result.kind()))));
    }
    let value = result.get_attr(key)?;
    Ok(!value.is_undefined() && value.is_true())
}

/// `is version('1.2', '>=')`.
fn version(value: &Value, other: &Value, operator: Option<String>, named: Kwargs) -> Result<bool, Error> {
    let operator = match operator {
        Some(operator) => operator,
        None => named.get::<Option<String>>("operator")?.unwrap_or_else(|| "==".to_owned()),
    };
    let _: (Option<bool>, Option<String>) = (named.get("strict")?, named.get("version_type")?);
    named.assert_all_used()?;
    let order = compare(&value.to_string(), &other.to_string());
    Ok(match operator.as_str() {
        "==" | "=" | "eq" => order.is_eq(),
        "!=" | "<>" | "ne" => order.is_ne(),
        "<" | "lt" => order.is_lt(),
        "<=" | "le" => order.is_le(),
        ">" | "gt" => order.is_gt(),
        ">=" | "ge" => order.is_ge(),
        other => {
            return Err(wrong(format!(
                "`version` knows no operator `{other}`; it is one of == != < <= > >="
            )));
        }
    })
}

/// Runs of digits count as numbers, everything else as text (Python's `LooseVersion`).
fn compare(left: &str, right: &str) -> Ordering {
    let (left, right) = (parts(left), parts(right));
    for (left, right) in left.iter().zip(&right) {
        let order = match (left.parse::<u64>(), right.parse::<u64>()) {
            (Ok(left), Ok(right)) => left.cmp(&right),
            // Letters mean something before the release: 1.0rc1 < 1.0.1.
            (Ok(_), Err(_)) => Ordering::Greater,
            (Err(_), Ok(_)) => Ordering::Less,
            (Err(_), Err(_)) => left.cmp(right),
        };
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

fn parts(version: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for dotted in version.split(['.', '-', '+', '~', ' ']) {
        let mut rest = dotted;
        while let Some(first) = rest.chars().next() {
            let digit = first.is_ascii_digit();
            let end = rest.find(|c: char| c.is_ascii_digit() != digit).unwrap_or(rest.len());
            parts.push(&rest[..end]);
            rest = &rest[end..];
        }
    }
    parts
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(compare("1.10", "1.9"), Ordering::Greater);
        assert_eq!(compare("5.15.0-91", "5.15.0-100"), Ordering::Less);
        assert_eq!(compare("2.19", "2.19"), Ordering::Equal);
        assert_eq!(compare("1.0rc1", "1.0.1"), Ordering::Less);
    }
}
