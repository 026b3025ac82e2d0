//! Filters on paths, as text: nothing is looked up on any disk. Windows paths are not known.

#![expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, Value};

use super::super::convert::wrong;
use super::{Entry, items};

pub(super) fn table() -> Vec<Entry> {
    vec![
        ("basename", Value::from_function(basename)),
        ("dirname", Value::from_function(dirname)),
        ("normpath", Value::from_function(normpath)),
        ("path_join", Value::from_function(path_join)),
        ("splitext", Value::from_function(splitext)),
    ]
}

fn basename(path: String) -> String {
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

fn dirname(path: String) -> String {
    let Some((folder, _)) = path.rsplit_once('/') else { return String::new() };
    let trimmed = folder.trim_end_matches('/');
    if trimmed.is_empty() { path[..=folder.len()].to_owned() } else { trimmed.to_owned() }
}

fn normpath(path: String) -> String {
    let text = super::super::files::tidy(std::path::Path::new(&path)).to_string_lossy().into_owned();
    if text.is_empty() { ".".to_owned() } else { text }
}

fn path_join(parts: &Value) -> Result<String, Error> {
    if let Some(path) = parts.as_str() {
        return Ok(path.to_owned());
    }
    let mut joined = String::new();
    for part in items(parts, "path_join")? {
        let part = part.as_str().ok_or_else(|| wrong("`path_join` needs a list of strings"))?;
        if part.starts_with('/') {
            joined.clear();
        } else if !joined.is_empty() && !joined.ends_with('/') {
            joined.push('/');
        }
        joined.push_str(part);
    }
    Ok(joined)
}

fn splitext(path: &Value, named: Kwargs) -> Result<Value, Error> {
    named.assert_all_used()?;
    let Some(path) = path.as_str().filter(|_| path.kind() == ValueKind::String) else {
        return Err(wrong("`splitext` needs a string"));
    };
    let name_at = path.rfind('/').map_or(0, |slash| slash + 1);
    let leading = path[name_at..].len() - path[name_at..].trim_start_matches('.').len();
    let dot = path[name_at + leading..].rfind('.').map(|dot| name_at + leading + dot);
    let (stem, extension) = path.split_at(dot.unwrap_or(path.len()));
    Ok(Value::from(vec![Value::from(stem), Value::from(extension)]))
}
