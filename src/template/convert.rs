//! Between our plain values and minijinja's.
//!
//! Integers stay integers, floats floats, and keys keep their order. `omit` is known here because only here a
//! value becomes final.

use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Object, ObjectRepr, ValueKind};
use minijinja::{Error, ErrorKind, Value as Lively};

use crate::value::{Map, Number, Value};

/// Deeper than this, a value is taken to contain itself.
const DEEPEST: usize = 140;

/// The placeholder that removes the key it is the value of.
#[derive(Debug)]
struct Omit;

impl Object for Omit {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("omit")
    }
}

/// The value of the variable `omit`.
pub(super) fn omit() -> Lively {
    static OMIT: LazyLock<Lively> = LazyLock::new(|| Lively::from_object(Omit));
    OMIT.clone()
}

pub(super) fn is_omit(value: &Lively) -> bool {
    value.downcast_object_ref::<Omit>().is_some()
}

/// A plain value as templates see it; strings in it are never templated.
///
/// Worth keeping: facts are converted once per host and then handed out by reference count.
pub fn plain(value: &Value) -> Lively {
    match value {
        Value::Null => Lively::from(()),
        Value::Bool(flag) => Lively::from(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Lively::from(number),
            (None, Some(number)) => Lively::from(number),
            (None, None) => Lively::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Lively::from(text.as_str()),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(map) => Lively::from_pairs(map.iter().map(|(key, value)| (key.as_str(), plain(value)))),
    }
}

/// The final value, or `None` for `omit`.
pub(super) fn finished(value: &Lively) -> Result<Option<Value>, Error> {
    at_depth(value, 0)
}

/// The final value, where nothing can be omitted.
pub(super) fn settled(value: &Lively) -> Result<Value, Error> {
    finished(value)?.ok_or_else(|| wrong("`omit` can only be the value of a key or of a list item"))
}

fn at_depth(value: &Lively, depth: usize) -> Result<Option<Value>, Error> {
    if depth > DEEPEST {
        return Err(wrong(format!("a value is nested more than {DEEPEST} levels; does it contain itself?")));
    }
    Ok(Some(match value.kind() {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number => number(value)?,
        ValueKind::String => Value::from(value.as_str().unwrap_or_default()),
        ValueKind::Bytes => match value.to_str() {
            Some(text) => Value::from(&*text),
            None => return Err(wrong("bytes that are not UTF-8 are no value; decode them to text first")),
        },
        ValueKind::Seq | ValueKind::Iterable => {
            let mut items = Vec::with_capacity(value.len().unwrap_or(0).min(1024));
            for item in value.try_iter()? {
                items.extend(at_depth(&item, depth + 1)?);
            }
            Value::Array(items)
        }
        ValueKind::Map => {
            let mut map = Map::new();
            for key in value.try_iter()? {
                if let Some(item) = at_depth(&value.get_item(&key)?, depth + 1)? {
                    map.insert(key_text(&key), item);
                }
            }
            Value::Object(map)
        }
        _ if is_omit(value) => return Ok(None),
        ValueKind::Invalid => return Err(wrong("a value in it could not be resolved")),
        _ => return Err(wrong("a function or macro is no value; is `()` missing?")),
    }))
}

fn number(value: &Lively) -> Result<Value, Error> {
    if value.is_integer() {
        if let Some(number) = value.as_i64() {
            return Ok(Value::from(number));
        }
        return u64::try_from(value.clone())
            .map(Value::from)
            .map_err(|_| wrong("a number is too large; integers end at 18446744073709551615"));
    }
    let number = f64::try_from(value.clone())?;
    Ok(Number::from_f64(number).map_or_else(|| Value::from(number.to_string()), Value::Number))
}

/// A key as JSON spells it.
fn key_text(key: &Lively) -> String {
    match key.kind() {
        ValueKind::Bool => if key.is_true() { "true" } else { "false" }.to_owned(),
        ValueKind::None => "null".to_owned(),
        _ => key.to_string(),
    }
}

/// An error of ours in minijinja's clothes.
pub(super) fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_as_it_went() {
        let text = r#"{"z":1,"a":[1.0,-2,18446744073709551615,null,true,"x"],"m":{"k":{}}}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        let back = settled(&plain(&value)).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }

    #[test]
    fn omit_removes_its_key() {
        let map = Lively::from_pairs([("a", omit()), ("b", Lively::from(1))]);
        assert_eq!(settled(&map).unwrap(), serde_json::json!({"b": 1}));
        assert!(settled(&omit()).is_err());
    }
}
