//! The filters of Ansible and Jinja, a file per kind of thing they work on.
//!
//! Ours refuse undefined arguments like Jinja's strict mode does; only `default` takes them. Every filter is also
//! known under its full name, `ansible.builtin.NAME`.

mod data;
mod dict;
mod list;
mod number;
mod path;
mod text;

use std::sync::LazyLock;

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::compile;
use super::convert::wrong;

/// A filter or test by name.
pub(super) type Entry = (&'static str, Value);

/// Filters minijinja has and we leave as they are.
const KEPT: &[&str] = &[
    "abs",
    "attr",
    "batch",
    "capitalize",
    "chain",
    "dictsort",
    "e",
    "escape",
    "first",
    "format",
    "groupby",
    "items",
    "last",
    "length",
    "count",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
    "urlencode",
    "zip",
];

/// Filters people will look for and not find.
const MISSING: &[(&str, &str)] = &[
    ("md5", "use `hash('sha256')`"),
    ("ipaddr", "compare or cut addresses with `split` and `regex_replace`"),
    ("ipv4", "compare addresses with `match`"),
    ("ipv6", "compare addresses with `match`"),
    ("ipwrap", "write `'[' ~ address ~ ']'` where the address is IPv6"),
    ("ipsubnet", "compute subnets beforehand"),
    ("json_query", "use `selectattr`, `map` and `first`"),
    ("community.general.json_query", "use `selectattr`, `map` and `first`"),
    ("ansible.utils.ipaddr", "compare or cut addresses with `split` and `regex_replace`"),
    ("password_hash", "keep the finished hash in a vault"),
    ("strftime", "take the date from `ansible_date_time`"),
    ("to_datetime", "compare dates as text, in ISO order"),
    ("shuffle", "a run must be repeatable: use `sort`"),
    ("urlsplit", "use `regex_search`"),
    ("realpath", "paths are resolved on the host, not here"),
    ("expanduser", "paths are resolved on the host, not here"),
    ("expandvars", "paths are resolved on the host, not here"),
    ("fileglob", "list the files in a variable"),
    ("to_uuid", "use `hash('sha256')`"),
    ("vault", "use `holdfast vault`"),
    ("unvault", "use `holdfast vault`"),
    ("xmlattr", "write the attributes out"),
    ("wordwrap", "wrap the text where it is written"),
    ("log", "compute the value beforehand"),
    ("permutations", "use `product`"),
    ("combinations", "use `product`"),
    ("zip_longest", "use `zip`"),
    ("rekey_on_member", "use `items2dict`"),
    ("commonpath", "use `dirname`"),
    ("relpath", "use `regex_replace`"),
];

/// Every filter there is.
pub(super) static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut names: Vec<&str> = ours().into_iter().map(|(name, _)| name).chain(KEPT.iter().copied()).collect();
    names.extend(["default", "d", "mandatory"]);
    names.sort_unstable();
    names
});

/// Whether a filter of this name exists, written short or in full.
pub(super) fn known(name: &str) -> bool {
    NAMES.binary_search(&short(name)).is_ok()
}

pub(super) fn short(name: &str) -> &str {
    name.strip_prefix("ansible.builtin.").unwrap_or(name)
}

/// First line of the complaint about a filter that does not exist.
pub(super) fn unknown(name: &str) -> String {
    match instead(name) {
        Some(instead) => format!("the filter `{name}` is not supported yet; {instead}"),
        None => format!("there is no filter `{name}`"),
    }
}

fn instead(name: &str) -> Option<&'static str> {
    MISSING.iter().find(|(missing, _)| *missing == short(name)).map(|(_, instead)| *instead)
}

pub(super) fn register(environment: &mut Environment<'static>) {
    for (name, function) in ours() {
        let full = format!("ansible.builtin.{name}");
        environment.add_filter(full, strict(function.clone()));
        environment.add_filter(name, strict(function));
    }
    for name in KEPT {
        environment.add_filter(format!("ansible.builtin.{name}"), alias(name));
    }
    for name in ["default", "d", "ansible.builtin.default", "ansible.builtin.d"] {
        environment.add_filter(name, default);
    }
    for name in ["mandatory", "ansible.builtin.mandatory"] {
        environment.add_filter(name, mandatory);
    }
    environment.add_filter(compile::ATTR, |value: &Value, name: &str| {
        if value.is_undefined() { Ok(Value::UNDEFINED) } else { value.get_attr(name) }
    });
    environment.add_filter(compile::ITEM, item);
}

fn ours() -> Vec<Entry> {
    [text::table(), list::table(), dict::table(), path::table(), data::table(), number::table()].concat()
}

/// `function`, refusing undefined arguments.
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

fn alias(
    name: &'static str,
) -> impl Fn(&mut State<'_, '_>, Rest<ValueOrKwargs>) -> Result<Value, Error> + Send + Sync + 'static {
    move |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| state.apply_filter(name, &args.into_values())
}

/// `value | default(other)`, and with `true` also for values that are empty.
fn default(value: &Value, args: Rest<ValueOrKwargs>) -> Value {
    let mut args = args.into_values();
    let named = args.pop_if(|last| last.is_kwargs());
    let keyword = |name: &str| {
        named.as_ref().and_then(|named| named.get_attr(name).ok()).filter(|it| !it.is_undefined())
    };
    let other = args.first().cloned().or_else(|| keyword("default_value"));
    let empty_too = args.get(1).cloned().or_else(|| keyword("boolean")).is_some_and(|flag| flag.is_true());
    if value.is_undefined() || (empty_too && !value.is_true()) {
        return other.unwrap_or_else(|| Value::from(""));
    }
    value.clone()
}

/// `value | mandatory('why')`.
fn mandatory(value: &Value, message: Option<String>) -> Result<Value, Error> {
    match message {
        Some(message) if value.is_undefined() => Err(wrong(message)),
        _ if value.is_undefined() => Err(Error::from(ErrorKind::UndefinedError)),
        _ => Ok(value.clone()),
    }
}

/// `value[key]`; YAML's number keys are text here.
fn item(value: &Value, key: &Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return Ok(Value::UNDEFINED);
    }
    if key.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let found = value.get_item(key)?;
    if found.is_undefined() && value.kind() == ValueKind::Map && key.is_integer() {
        return value.get_attr(&key.to_string());
    }
    Ok(found)
}

/// The items of a list, or a complaint that names the filter.
fn items(value: &Value, filter: &str) -> Result<Vec<Value>, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => Ok(value.try_iter()?.collect()),
        kind => Err(wrong(format!("`{filter}` needs a list, not {}", article(kind)))),
    }
}

/// The pairs of a mapping, or a complaint that names the filter.
fn pairs(value: &Value, filter: &str) -> Result<Vec<(Value, Value)>, Error> {
    if value.kind() != ValueKind::Map {
        return Err(wrong(format!("`{filter}` needs a mapping, not {}", article(value.kind()))));
    }
    value.try_iter()?.map(|key| value.get_item(&key).map(|item| (key, item))).collect()
}

pub(super) use text::pattern;

pub(super) fn article(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Undefined => "something undefined",
        ValueKind::None => "nothing",
        ValueKind::Bool => "a boolean",
        ValueKind::Number => "a number",
        ValueKind::String => "a string",
        ValueKind::Bytes => "bytes",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "a mapping",
        _ => "a function",
    }
}
