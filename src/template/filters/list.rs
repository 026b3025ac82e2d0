//! Filters on lists: sets, flattening, pairing.

#![expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Error, Value};

use super::super::convert::wrong;
use super::{Entry, items};

pub(super) fn table() -> Vec<Entry> {
    vec![
        ("difference", Value::from_function(difference)),
        ("flatten", Value::from_function(flatten)),
        ("intersect", Value::from_function(intersect)),
        ("product", Value::from_function(product)),
        ("random", Value::from_function(random)),
        ("subelements", Value::from_function(subelements)),
        ("symmetric_difference", Value::from_function(symmetric_difference)),
        ("union", Value::from_function(union)),
    ]
}

/// Each value once, where it first stood.
fn once(values: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

fn difference(left: &Value, right: &Value) -> Result<Value, Error> {
    let right = items(right, "difference")?;
    Ok(Value::from(once(items(left, "difference")?.into_iter().filter(|item| !right.contains(item)))))
}

fn intersect(left: &Value, right: &Value) -> Result<Value, Error> {
    let right = items(right, "intersect")?;
    Ok(Value::from(once(items(left, "intersect")?.into_iter().filter(|item| right.contains(item)))))
}

fn union(left: &Value, right: &Value) -> Result<Value, Error> {
    Ok(Value::from(once(items(left, "union")?.into_iter().chain(items(right, "union")?))))
}

fn symmetric_difference(left: &Value, right: &Value) -> Result<Value, Error> {
    let (left, right) = (items(left, "symmetric_difference")?, items(right, "symmetric_difference")?);
    let only_left: Vec<Value> = left.iter().filter(|item| !right.contains(item)).cloned().collect();
    let only_right = right.into_iter().filter(|item| !left.contains(item));
    Ok(Value::from(once(only_left.into_iter().chain(only_right))))
}

fn flatten(value: &Value, levels: Option<usize>, named: Kwargs) -> Result<Value, Error> {
    let levels = match levels {
        Some(levels) => Some(levels),
        None => named.get::<Option<usize>>("levels")?,
    };
    let skip_nulls = named.get::<Option<bool>>("skip_nulls")?.unwrap_or(true);
    named.assert_all_used()?;
    let mut flat = Vec::new();
    flattened(items(value, "flatten")?, levels, skip_nulls, 0, &mut flat)?;
    Ok(Value::from(flat))
}

fn flattened(
    values: Vec<Value>,
    levels: Option<usize>,
    skip_nulls: bool,
    depth: usize,
    flat: &mut Vec<Value>,
) -> Result<(), Error> {
    if depth > 100 {
        return Err(wrong("`flatten` met more than 100 levels; does the list contain itself?"));
    }
    for value in values {
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable if levels.is_none_or(|levels| depth < levels) => {
                flattened(items(&value, "flatten")?, levels, skip_nulls, depth + 1, flat)?;
            }
            ValueKind::None if skip_nulls => {}
            _ => flat.push(value),
        }
    }
    Ok(())
}

fn product(value: &Value, others: Rest<Value>) -> Result<Value, Error> {
    let mut rows: Vec<Vec<Value>> = items(value, "product")?.into_iter().map(|item| vec![item]).collect();
    for other in others.iter() {
        let other = items(other, "product")?;
        if rows.len().saturating_mul(other.len()) > 1_000_000 {
            return Err(wrong("`product` would make more than a million items"));
        }
        rows = rows
            .iter()
            .flat_map(|row| other.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect()))
            .collect();
    }
    Ok(rows.into_iter().map(Value::from).collect())
}

/// Only with a seed: a dry run and the run after it must agree.
fn random(value: &Value, named: Kwargs) -> Result<Value, Error> {
    let Some(seed) = named.get::<Option<String>>("seed")? else {
        return Err(wrong("`random` needs `seed=`, or a dry run could not tell what the run will do"));
    };
    named.assert_all_used()?;
    let hash = blake3::hash(seed.as_bytes());
    let draw = hash.as_bytes().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let below = |end: u64| {
        if end == 0 { Err(wrong("`random` needs something to choose from")) } else { Ok(draw % end) }
    };
    if value.is_integer() {
        let end = u64::try_from(value.clone()).map_err(|_| wrong("`random` needs a number above zero"))?;
        return below(end).map(Value::from);
    }
    let items = items(value, "random")?;
    let at = usize::try_from(below(items.len() as u64)?).unwrap_or_default();
    Ok(items.into_iter().nth(at).unwrap_or_default())
}

/// Pairs of an item and each element of one of its lists.
fn subelements(value: &Value, path: &Value, named: Kwargs) -> Result<Value, Error> {
    let skip = named.get::<Option<bool>>("skip_missing")?.unwrap_or(false);
    named.assert_all_used()?;
    let steps: Vec<String> = match path.as_str() {
        Some(path) => path.split('.').map(str::to_owned).collect(),
        None => items(path, "subelements")?.iter().map(Value::to_string).collect(),
    };
    let outer = if value.kind() == ValueKind::Map {
        super::pairs(value, "subelements")?.into_iter().map(|(_, item)| item).collect()
    } else {
        items(value, "subelements")?
    };
    let mut pairs = Vec::new();
    for item in outer {
        let mut found = item.clone();
        for step in &steps {
            found = if found.is_undefined() { found } else { found.get_attr(step)? };
        }
        if found.is_undefined() {
            if skip {
                continue;
            }
            return Err(wrong(format!(
                "`subelements` found no `{}` in an item; see `skip_missing=true`",
                steps.join(".")
            )));
        }
        pairs.extend(
            items(&found, "subelements")?.into_iter().map(|inner| Value::from(vec![item.clone(), inner])),
        );
    }
    Ok(Value::from(pairs))
}
