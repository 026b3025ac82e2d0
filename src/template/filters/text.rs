//! Filters on text. Regular expressions are Rust's: no look-around, no back references, and no slow ones.

#![expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]

use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use minijinja::value::{Kwargs, Rest, ValueKind};
use minijinja::{Error, Value};
use regex::{Captures, Regex};

use super::super::convert::wrong;
use super::{Entry, article};

pub(super) fn table() -> Vec<Entry> {
    vec![
        ("bool", Value::from_function(boolean)),
        ("comment", Value::from_function(comment)),
        ("indent", Value::from_function(indent)),
        ("join", Value::from_function(join)),
        ("quote", Value::from_function(quote)),
        ("regex_escape", Value::from_function(regex_escape)),
        ("regex_findall", Value::from_function(regex_findall)),
        ("regex_replace", Value::from_function(regex_replace)),
        ("regex_search", Value::from_function(regex_search)),
        ("split", Value::from_function(split)),
        ("splitlines", Value::from_function(|text: String| text.lines().map(Value::from).collect::<Value>())),
        ("truncate", Value::from_function(truncate)),
        ("wordcount", Value::from_function(|text: String| text.split_whitespace().count())),
    ]
}

/// As Ansible: words for a boolean, and false for any other.
fn boolean(value: &Value) -> Value {
    match value.kind() {
        ValueKind::None | ValueKind::Bool => value.clone(),
        ValueKind::String => {
            Value::from(crate::value::truth(value.as_str().unwrap_or_default()).unwrap_or(false))
        }
        ValueKind::Number => Value::from(*value == Value::from(1)),
        _ => Value::from(false),
    }
}

/// Jinja's `indent(width, first, blank)`; the width may be the text to indent with.
fn indent(
    text: String,
    width: Option<Value>,
    first: Option<bool>,
    blank: Option<bool>,
    named: Kwargs,
) -> Result<String, Error> {
    let width = width.or(named.get::<Option<Value>>("width")?).unwrap_or_else(|| Value::from(4));
    let first = first.or(named.get::<Option<bool>>("first")?).unwrap_or(false);
    let blank = blank.or(named.get::<Option<bool>>("blank")?).unwrap_or(false);
    named.assert_all_used()?;
    let margin = match (width.as_str(), width.as_usize()) {
        (Some(margin), _) => margin.to_owned(),
        (None, Some(columns)) if columns <= 1000 => " ".repeat(columns),
        _ => return Err(wrong("`indent` needs a width of up to 1000 columns, or a text")),
    };
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        if (at == 0 && first) || (at > 0 && (blank || !line.is_empty())) {
            out.push_str(&margin);
        }
        out.push_str(line);
    }
    Ok(out)
}

fn join(value: &Value, separator: Option<String>, named: Kwargs) -> Result<String, Error> {
    let separator = match separator {
        Some(separator) => separator,
        None => named.get::<Option<String>>("d")?.unwrap_or_default(),
    };
    let attribute: Option<String> = named.get("attribute")?;
    named.assert_all_used()?;
    if let Some(text) = value.as_str() {
        return Ok(text.chars().map(String::from).collect::<Vec<_>>().join(&separator));
    }
    let parts =
        value.try_iter().map_err(|_| wrong(format!("`join` needs a list, not {}", article(value.kind()))))?;
    let mut joined = String::new();
    for (at, item) in parts.enumerate() {
        let item = match &attribute {
            Some(attribute) => item.get_attr(attribute)?,
            None => item,
        };
        if item.is_undefined() {
            return Err(Error::from(minijinja::ErrorKind::UndefinedError));
        }
        if at > 0 {
            joined.push_str(&separator);
        }
        joined.push_str(&item.to_string());
    }
    Ok(joined)
}

fn split(value: String, separator: Option<String>, most: Option<i64>) -> Value {
    let most = most.and_then(|most| usize::try_from(most).ok());
    match (separator, most) {
        (Some(separator), _) if separator.is_empty() => Value::from(vec![Value::from(value)]),
        (Some(separator), Some(most)) => value.splitn(most + 1, &separator).map(Value::from).collect(),
        (Some(separator), None) => value.split(&separator).map(Value::from).collect(),
        (None, _) => value.split_whitespace().map(Value::from).collect(),
    }
}

/// Jinja's `truncate(length, killwords, end, leeway)`.
fn truncate(
    text: String,
    length: Option<usize>,
    killwords: Option<bool>,
    end: Option<String>,
    named: Kwargs,
) -> Result<String, Error> {
    let length = length.or(named.get::<Option<usize>>("length")?).unwrap_or(255);
    let killwords = killwords.or(named.get::<Option<bool>>("killwords")?).unwrap_or(false);
    let end = end.or(named.get::<Option<String>>("end")?).unwrap_or_else(|| "...".to_owned());
    let leeway = named.get::<Option<usize>>("leeway")?.unwrap_or(5);
    named.assert_all_used()?;
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(text);
    }
    let room = length.saturating_sub(end.chars().count());
    let cut: String = text.chars().take(room).collect();
    let kept =
        if killwords { cut.as_str() } else { cut.rsplit_once(' ').map_or(cut.as_str(), |(kept, _)| kept) };
    Ok(format!("{kept}{end}"))
}

/// For a POSIX shell, as Python's `shlex.quote`.
fn quote(value: String) -> String {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"@%+=:,./-_".contains(&byte);
    if !value.is_empty() && value.bytes().all(safe) {
        value
    } else {
        format!("'{}'", value.replace('\'', r#"'"'"'"#))
    }
}

fn comment(text: String, style: Option<String>, named: Kwargs) -> Result<String, Error> {
    let style = style.unwrap_or_else(|| "plain".to_owned());
    let (beginning, decoration, end) = match style.as_str() {
        "plain" => ("", "# ", ""),
        "erlang" => ("", "% ", ""),
        "c" => ("", "// ", ""),
        "cblock" => ("/*", " * ", " */"),
        "xml" => ("<!--", " - ", "-->"),
        other => {
            let known = "plain, erlang, c, cblock or xml";
            return Err(wrong(format!("`comment` knows no style `{other}`; it is {known}")));
        }
    };
    let given = |name: &str| named.get::<Option<String>>(name);
    let times = |name: &str| Ok::<_, Error>(named.get::<Option<usize>>(name)?.unwrap_or(1));
    let newline = given("newline")?.unwrap_or_else(|| "\n".to_owned());
    let decoration = given("decoration")?.unwrap_or_else(|| decoration.to_owned());
    let margin = decoration.trim_end().to_owned();
    let beginning = given("beginning")?.unwrap_or_else(|| beginning.to_owned());
    let end = given("end")?.unwrap_or_else(|| end.to_owned());
    let prefix = given("prefix")?.unwrap_or_else(|| margin.clone());
    let postfix = given("postfix")?.unwrap_or_else(|| margin.clone());
    let mut lines = Vec::new();
    lines.extend((!beginning.is_empty()).then_some(beginning));
    lines.extend(
        (!prefix.is_empty()).then(|| vec![prefix; times("prefix_count").unwrap_or(1)]).into_iter().flatten(),
    );
    let body = text.split(newline.as_str());
    lines.extend(
        body.map(|line| if line.is_empty() { margin.clone() } else { format!("{decoration}{line}") }),
    );
    lines.extend(vec![postfix; times("postfix_count")?]);
    lines.extend((!end.is_empty()).then_some(end));
    let _ = times("prefix_count")?;
    named.assert_all_used()?;
    Ok(lines.join(&newline))
}

/// A compiled pattern, made once.
pub(in super::super) fn pattern(text: &str, ignorecase: bool, multiline: bool) -> Result<Regex, Error> {
    static KNOWN: LazyLock<RwLock<HashMap<String, Regex>>> = LazyLock::new(RwLock::default);
    let flags = match (ignorecase, multiline) {
        (true, true) => "(?im)",
        (true, false) => "(?i)",
        (false, true) => "(?m)",
        (false, false) => "",
    };
    let key = format!("{flags}{}", text.replace(r"\Z", r"\z"));
    if let Some(regex) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Ok(regex.clone());
    }
    let regex = Regex::new(&key).map_err(|error| {
        let reason = error.to_string();
        let reason = reason.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        wrong(format!("the regular expression `{text}` is not supported: {reason}"))
    })?;
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).insert(key, regex.clone());
    Ok(regex)
}

fn flagged(text: &str, named: &Kwargs) -> Result<Regex, Error> {
    let ignorecase = named.get::<Option<bool>>("ignorecase")?.unwrap_or(false);
    let multiline = named.get::<Option<bool>>("multiline")?.unwrap_or(false);
    pattern(text, ignorecase, multiline)
}

fn regex_escape(text: String) -> String {
    regex::escape(&text)
}

fn regex_replace(
    value: String,
    find: Option<String>,
    replacement: Option<String>,
    ignorecase: Option<bool>,
    named: Kwargs,
) -> Result<String, Error> {
    let find = given(find, &named, "pattern")?;
    let replacement = given(replacement, &named, "replacement")?;
    let count = named.get::<Option<usize>>("count")?.unwrap_or(0);
    let regex = match ignorecase {
        Some(ignorecase) => {
            pattern(&find, ignorecase, named.get::<Option<bool>>("multiline")?.unwrap_or(false))?
        }
        None => flagged(&find, &named)?,
    };
    named.assert_all_used()?;
    let mut out = String::with_capacity(value.len());
    let mut end = 0;
    for (at, found) in regex.captures_iter(&value).enumerate() {
        let Some(whole) = found.get(0).filter(|_| count == 0 || at < count) else { break };
        out.push_str(&value[end..whole.start()]);
        expand(&replacement, &found, &mut out)?;
        end = whole.end();
    }
    out.push_str(&value[end..]);
    Ok(out)
}

fn given(value: Option<String>, named: &Kwargs, name: &str) -> Result<String, Error> {
    Ok(match value {
        Some(value) => value,
        None => named.get::<Option<String>>(name)?.unwrap_or_default(),
    })
}

/// Python's `\1`, `\g<1>`, `\g<name>`, `\n`, `\t` and `\\`.
fn expand(replacement: &str, found: &Captures<'_>, out: &mut String) -> Result<(), Error> {
    let mut rest = replacement;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some((name, tail)) = after.strip_prefix("g<").and_then(|tail| tail.split_once('>')) {
            out.push_str(group(found, name)?);
            rest = tail;
            continue;
        }
        let digits = after.bytes().take(2).take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            out.push_str(group(found, &after[..digits])?);
            rest = &after[digits..];
            continue;
        }
        let escaped = after.chars().next();
        match escaped {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('\\') | None => out.push('\\'),
            Some(other) => out.extend(['\\', other]),
        }
        rest = &after[escaped.map_or(0, char::len_utf8)..];
    }
    out.push_str(rest);
    Ok(())
}

fn group<'t>(found: &Captures<'t>, name: &str) -> Result<&'t str, Error> {
    let unknown = || wrong(format!("the regular expression has no group `{name}`"));
    match name.parse::<usize>() {
        Ok(number) if number >= found.len() => Err(unknown()),
        Ok(number) => Ok(found.get(number).map_or("", |found| found.as_str())),
        Err(_) => found.name(name).map(|found| found.as_str()).ok_or_else(unknown),
    }
}

fn regex_search(value: String, find: String, groups: Rest<String>, named: Kwargs) -> Result<Value, Error> {
    let regex = flagged(&find, &named)?;
    named.assert_all_used()?;
    let Some(found) = regex.captures(&value) else { return Ok(Value::from(())) };
    if groups.is_empty() {
        return Ok(Value::from(group(&found, "0")?));
    }
    let mut parts = Vec::new();
    for wanted in groups.iter() {
        let name = wanted.trim_start_matches('\\').trim_start_matches("g<").trim_end_matches('>');
        parts.push(Value::from(group(&found, name)?));
    }
    Ok(Value::from(parts))
}

fn regex_findall(value: String, find: String, named: Kwargs) -> Result<Value, Error> {
    let regex = flagged(&find, &named)?;
    named.assert_all_used()?;
    let text =
        |found: &Captures<'_>, at: usize| Value::from(found.get(at).map_or("", |found| found.as_str()));
    Ok(regex
        .captures_iter(&value)
        .map(|found| match found.len() {
            1 => text(&found, 0),
            2 => text(&found, 1),
            many => (1..many).map(|at| text(&found, at)).collect(),
        })
        .collect())
}
