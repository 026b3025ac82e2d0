//! Filters on numbers and sizes.

#![expect(clippy::needless_pass_by_value, reason = "minijinja hands arguments over by value")]

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, Value};

use super::super::convert::wrong;
use super::Entry;

pub(super) fn table() -> Vec<Entry> {
    vec![
        ("float", Value::from_function(float)),
        ("int", Value::from_function(int)),
        ("filesizeformat", Value::from_function(minijinja_contrib::filters::filesizeformat)),
        ("human_readable", Value::from_function(human_readable)),
        ("human_to_bytes", Value::from_function(human_to_bytes)),
        ("pow", Value::from_function(|base: f64, exponent: f64| base.powf(exponent))),
        (
            "root",
            Value::from_function(|base: f64, degree: Option<f64>| base.powf(1.0 / degree.unwrap_or(2.0))),
        ),
    ]
}

/// Jinja's: what is no number becomes the default, and the default's default is zero.
fn int(value: &Value, default: Option<Value>, base: Option<u32>, named: Kwargs) -> Result<Value, Error> {
    let default = default.or(named.get::<Option<Value>>("default")?).unwrap_or_else(|| Value::from(0));
    let base = base.or(named.get::<Option<u32>>("base")?).unwrap_or(10);
    named.assert_all_used()?;
    if !(2..=36).contains(&base) {
        return Err(wrong("`int` needs a base from 2 to 36"));
    }
    let found = match value.kind() {
        ValueKind::Bool => Some(Value::from(i64::from(value.is_true()))),
        ValueKind::Number if value.is_integer() => Some(value.clone()),
        ValueKind::Number => f64::try_from(value.clone()).ok().and_then(whole),
        ValueKind::String => value.as_str().and_then(|text| {
            let text = text.trim().replace('_', "");
            based(&text, base).map(Value::from).or_else(|| text.parse::<f64>().ok().and_then(whole))
        }),
        _ => None,
    };
    Ok(found.unwrap_or(default))
}

fn based(text: &str, base: u32) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let prefixes: &[&str] = match base {
        16 => &["0x", "0X"],
        8 => &["0o", "0O"],
        2 => &["0b", "0B"],
        _ => &[],
    };
    let digits = prefixes.iter().find_map(|prefix| digits.strip_prefix(prefix)).unwrap_or(digits);
    let plain = digits.starts_with(|c: char| c.is_ascii_alphanumeric());
    plain.then(|| i64::from_str_radix(&format!("{sign}{digits}"), base).ok())?
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(number: f64) -> Option<Value> {
    (number.abs() < 9.2e18).then(|| Value::from(number.trunc() as i64))
}

fn float(value: &Value, default: Option<Value>, named: Kwargs) -> Result<Value, Error> {
    let default = default.or(named.get::<Option<Value>>("default")?).unwrap_or_else(|| Value::from(0.0));
    named.assert_all_used()?;
    let found = match value.kind() {
        ValueKind::Bool => Some(if value.is_true() { 1.0 } else { 0.0 }),
        ValueKind::Number => f64::try_from(value.clone()).ok(),
        ValueKind::String => value.as_str().and_then(|text| text.trim().replace('_', "").parse().ok()),
        _ => None,
    };
    Ok(found.map_or(default, Value::from))
}

const UNITS: [(char, u32); 8] =
    [('Y', 80), ('Z', 70), ('E', 60), ('P', 50), ('T', 40), ('G', 30), ('M', 20), ('K', 10)];

/// Ansible's: two decimals, powers of 1024 with the names `KB`, `MB`.
fn human_readable(
    size: f64,
    bits: Option<bool>,
    unit: Option<String>,
    named: Kwargs,
) -> Result<String, Error> {
    let bits = bits.or(named.get::<Option<bool>>("isbits")?).unwrap_or(false);
    let unit = unit.or(named.get::<Option<String>>("unit")?);
    named.assert_all_used()?;
    let wanted = unit.as_deref().and_then(|unit| unit.chars().next()).map(|unit| unit.to_ascii_uppercase());
    let scale = |power: u32| 2_f64.powi(i32::try_from(power).unwrap_or_default());
    let found = UNITS.iter().find(|(name, power)| match wanted {
        Some(wanted) => *name == wanted,
        None => size >= scale(*power),
    });
    let (one, many) = if bits { ("b", "bits") } else { ("B", "Bytes") };
    Ok(match found {
        Some((name, power)) => format!("{:.2} {name}{one}", size / scale(*power)),
        None => format!("{size:.2} {many}"),
    })
}

fn human_to_bytes(size: &Value, default_unit: Option<String>, named: Kwargs) -> Result<i64, Error> {
    let default_unit = default_unit.or(named.get::<Option<String>>("default_unit")?);
    let bits = named.get::<Option<bool>>("isbits")?.unwrap_or(false);
    named.assert_all_used()?;
    let text = match size.kind() {
        ValueKind::Number | ValueKind::String => size.to_string(),
        _ => return Err(wrong("`human_to_bytes` needs a size such as `10G`")),
    };
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let no_size = || wrong(format!("`{text}` is no size; write a number and a unit, such as `10G`"));
    let number: f64 = text[..end].parse().map_err(|_| no_size())?;
    let unit = text[end..].trim();
    let unit = if unit.is_empty() { default_unit.unwrap_or_default() } else { unit.to_owned() };
    let power = match unit.chars().next().map(|first| first.to_ascii_uppercase()) {
        None | Some('B') => 0,
        Some(first) => UNITS.iter().find(|(name, _)| *name == first).ok_or_else(no_size)?.1,
    };
    let rest = unit.get(1..).unwrap_or_default();
    let names_bits = rest == "b" || rest.eq_ignore_ascii_case("bit") || rest.eq_ignore_ascii_case("bits");
    if power > 0 && (names_bits != bits && rest == "b") {
        return Err(wrong(format!("`{text}` counts bits; write `{}B` for bytes", &text[..text.len() - 1])));
    }
    let bytes = (number * 2_f64.powi(power.try_into().unwrap_or_default())).round();
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    if bytes < 9.2e18 { Ok(bytes as i64) } else { Err(wrong(format!("`{text}` is too large"))) }
}
