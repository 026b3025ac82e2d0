//! Filters on mappings.

#![expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]

use indexmap::IndexMap;
use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Error, ErrorKind, Value};

use super::super::convert::wrong;
use super::{Entry, items, pairs};

pub(super) fn table() -> Vec<Entry> {
    vec![
        ("combine", Value::from_function(combine)),
        ("dict2items", Value::from_function(dict2items)),
        ("extract", Value::from_function(extract)),
        ("items2dict", Value::from_function(items2dict)),
    ]
}

#[derive(Clone, Copy)]
enum Lists {
    Replace,
    Keep,
    Append,
    Prepend,
    AppendNew,
    PrependNew,
}

fn combine(value: &Value, others: Rest<Value>, named: Kwargs) -> Result<Value, Error> {
    let recursive = named.get::<Option<bool>>("recursive")?.unwrap_or(false);
    let lists = match named.get::<Option<String>>("list_merge")?.as_deref() {
        None | Some("replace") => Lists::Replace,
        Some("keep") => Lists::Keep,
        Some("append") => Lists::Append,
        Some("prepend") => Lists::Prepend,
        Some("append_rp") => Lists::AppendNew,
        Some("prepend_rp") => Lists::PrependNew,
        Some(other) => return Err(wrong(format!("`combine` knows no `list_merge={other}`"))),
    };
    named.assert_all_used()?;
    let mut all = Vec::new();
    for one in [value].into_iter().chain(others.iter()) {
        match one.kind() {
            ValueKind::Seq | ValueKind::Iterable => all.extend(items(one, "combine")?),
            _ => all.push(one.clone()),
        }
    }
    let mut merged = IndexMap::new();
    for one in all {
        if one.is_undefined() {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        merge(&mut merged, pairs(&one, "combine")?, recursive, lists, 0)?;
    }
    Ok(Value::from_pairs(merged))
}

fn merge(
    into: &mut IndexMap<Value, Value>,
    from: Vec<(Value, Value)>,
    recursive: bool,
    lists: Lists,
    depth: usize,
) -> Result<(), Error> {
    if depth > 100 {
        return Err(wrong("`combine` met more than 100 levels; does a mapping contain itself?"));
    }
    for (key, new) in from {
        let old = into.get(&key);
        let both = |kind: ValueKind| old.is_some_and(|old| old.kind() == kind) && new.kind() == kind;
        let value = if recursive && both(ValueKind::Map) {
            let mut inner: IndexMap<Value, Value> =
                old.map(|old| pairs(old, "combine")).transpose()?.unwrap_or_default().into_iter().collect();
            merge(&mut inner, pairs(&new, "combine")?, recursive, lists, depth + 1)?;
            Value::from_pairs(inner)
        } else if both(ValueKind::Seq) {
            let old = old.map(|old| items(old, "combine")).transpose()?.unwrap_or_default();
            Value::from(merged_lists(old, items(&new, "combine")?, lists))
        } else {
            new
        };
        into.insert(key, value);
    }
    Ok(())
}

fn merged_lists(old: Vec<Value>, new: Vec<Value>, lists: Lists) -> Vec<Value> {
    let without =
        |list: Vec<Value>, other: &[Value]| list.into_iter().filter(|item| !other.contains(item)).collect();
    match lists {
        Lists::Replace => new,
        Lists::Keep => old,
        Lists::Append => [old, new].concat(),
        Lists::Prepend => [new, old].concat(),
        Lists::AppendNew => {
            let old: Vec<Value> = without(old, &new);
            [old, new].concat()
        }
        Lists::PrependNew => {
            let old: Vec<Value> = without(old, &new);
            [new, old].concat()
        }
    }
}

fn names(named: &Kwargs) -> Result<(String, String), Error> {
    let key = named.get::<Option<String>>("key_name")?.unwrap_or_else(|| "key".to_owned());
    let value = named.get::<Option<String>>("value_name")?.unwrap_or_else(|| "value".to_owned());
    named.assert_all_used()?;
    Ok((key, value))
}

fn dict2items(value: &Value, named: Kwargs) -> Result<Value, Error> {
    let (key_name, value_name) = names(&named)?;
    Ok(pairs(value, "dict2items")?
        .into_iter()
        .map(|(key, value)| Value::from_pairs([(key_name.clone(), key), (value_name.clone(), value)]))
        .collect())
}

fn items2dict(value: &Value, named: Kwargs) -> Result<Value, Error> {
    let (key_name, value_name) = names(&named)?;
    let mut map = IndexMap::new();
    for item in items(value, "items2dict")? {
        let (key, value) = (item.get_attr(&key_name)?, item.get_attr(&value_name)?);
        if key.is_undefined() || value.is_undefined() {
            return Err(wrong(format!("`items2dict` needs `{key_name}` and `{value_name}` in every item")));
        }
        map.insert(key, value);
    }
    Ok(Value::from_pairs(map))
}

/// `key | extract(container, more_keys)`.
fn extract(key: &Value, container: &Value, more: Option<Value>) -> Result<Value, Error> {
    let mut found = super::item(container, key)?;
    let steps = match &more {
        None => Vec::new(),
        Some(more) if matches!(more.kind(), ValueKind::Seq | ValueKind::Iterable) => items(more, "extract")?,
        Some(more) => vec![more.clone()],
    };
    for step in steps {
        found = super::item(&found, &step)?;
    }
    Ok(found)
}
