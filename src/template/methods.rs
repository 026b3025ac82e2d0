//! Python's methods on text, lists and mappings, as far as templates use them.
//!
//! minijinja-contrib has most; here are the rest. Methods that change a value in place are refused by `check`.

use minijinja::value::{Tuple, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;

use super::convert::wrong;

/// Calls a method no object has by itself.
pub(super) fn call(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    let ours = match (value.as_str(), value.kind()) {
        (Some(text), _) => on_text(text, method, args),
        (None, ValueKind::Seq) if method == "index" => position(value, args).map(Some),
        (None, ValueKind::Map) if method == "copy" => from_args::<()>(args).map(|()| Some(value.clone())),
        _ => Ok(None),
    };
    match ours? {
        Some(result) => Ok(result),
        None => pycompat::unknown_method_callback(state, value, method, args),
    }
}

fn on_text(text: &str, method: &str, args: &[Value]) -> Result<Option<Value>, Error> {
    Ok(Some(match method {
        "rsplit" => rsplit(text, args)?,
        "partition" => {
            let (separator,): (&str,) = from_args(args)?;
            triple(text.split_once(separator), separator, [text, "", ""])
        }
        "rpartition" => {
            let (separator,): (&str,) = from_args(args)?;
            triple(text.rsplit_once(separator), separator, ["", "", text])
        }
        "zfill" => {
            let (width,): (usize,) = from_args(args)?;
            let (sign, digits) = text.split_at(usize::from(text.starts_with(['-', '+'])));
            let zeros = missing(text, width)?;
            Value::from(format!("{sign}{}{digits}", "0".repeat(zeros)))
        }
        "ljust" | "rjust" | "center" => {
            let (width, fill): (usize, Option<&str>) = from_args(args)?;
            let (fill, room) = (fill.unwrap_or(" "), missing(text, width)?);
            let left = match method {
                "ljust" => 0,
                "rjust" => room,
                // Python gives the odd column to the left of an odd width.
                _ => room / 2 + (room & width & 1),
            };
            Value::from(format!("{}{text}{}", fill.repeat(left), fill.repeat(room - left)))
        }
        "removeprefix" => {
            let (prefix,): (&str,) = from_args(args)?;
            Value::from(text.strip_prefix(prefix).unwrap_or(text))
        }
        "removesuffix" => {
            let (suffix,): (&str,) = from_args(args)?;
            Value::from(text.strip_suffix(suffix).unwrap_or(text))
        }
        "swapcase" => {
            let () = from_args(args)?;
            let swapped = text.chars().flat_map(|c| -> Vec<char> {
                if c.is_uppercase() { c.to_lowercase().collect() } else { c.to_uppercase().collect() }
            });
            Value::from(swapped.collect::<String>())
        }
        "index" => {
            let (part,): (&str,) = from_args(args)?;
            let at = text.find(part).ok_or_else(|| wrong("`.index()` did not find the text"))?;
            Value::from(text[..at].chars().count())
        }
        _ => return Ok(None),
    }))
}

fn rsplit(text: &str, args: &[Value]) -> Result<Value, Error> {
    let (separator, most): (Option<&str>, Option<usize>) = from_args(args)?;
    let mut parts: Vec<&str> = match (separator.filter(|separator| !separator.is_empty()), most) {
        (Some(separator), Some(most)) => text.rsplitn(most + 1, separator).collect(),
        (Some(separator), None) => text.rsplit(separator).collect(),
        (None, None) => text.split_whitespace().rev().collect(),
        (None, Some(_)) => {
            return Err(Error::new(ErrorKind::MissingArgument, "`.rsplit()` needs a separator"));
        }
    };
    parts.reverse();
    Ok(parts.into_iter().map(Value::from).collect())
}

fn triple(found: Option<(&str, &str)>, separator: &str, unfound: [&str; 3]) -> Value {
    let parts = found.map_or(unfound, |(before, after)| [before, separator, after]);
    Value::from(Tuple::from(parts.map(Value::from).to_vec()))
}

fn missing(text: &str, width: usize) -> Result<usize, Error> {
    if width > 10_000 {
        return Err(wrong("a text can be widened to 10000 columns at most"));
    }
    Ok(width.saturating_sub(text.chars().count()))
}

fn position(list: &Value, args: &[Value]) -> Result<Value, Error> {
    let (item,): (&Value,) = from_args(args)?;
    let at = list.try_iter()?.position(|one| one == *item);
    at.map(Value::from).ok_or_else(|| wrong("`.index()` did not find the item"))
}
