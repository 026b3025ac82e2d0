//! What a scalar without quotes means: PyYAML's rules for YAML 1.1, because Ansible's users rely on them.
//!
//! `yes` is a boolean and `y` is not, `0644` is octal and `0o644` a string, `12:30:00` counts seconds, `1e3` is a
//! string. Two rules differ on purpose: dates stay strings (nothing here has a date type), and an integer beyond
//! 64 bits stays a string (a number that silently lost digits would be worse).

use super::Yaml;

/// The value of a plain scalar.
pub(super) fn plain(text: &str) -> Yaml {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Yaml::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Yaml::Bool(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Yaml::Bool(false),
        // Every number begins with one of these; most scalars do not.
        _ if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => string(text),
        _ => {
            int(text).map(Yaml::Int).or_else(|| float(text).map(Yaml::Float)).unwrap_or_else(|| string(text))
        }
    }
}

/// The value of a scalar with one of YAML's own tags (`!!int`); `None` where the text is nothing of the kind.
pub(super) fn tagged(kind: &str, text: &str) -> Option<Yaml> {
    match kind {
        "str" => Some(string(text)),
        "int" => int(text).map(Yaml::Int),
        "float" => float(text).or_else(|| int(text).map(widen)).map(Yaml::Float),
        "bool" | "null" => match plain(text) {
            value @ Yaml::Bool(_) if kind == "bool" => Some(value),
            value @ Yaml::Null if kind == "null" => Some(value),
            _ => None,
        },
        _ => None,
    }
}

/// A float with the value of `whole`, as near as floats come.
#[expect(clippy::cast_precision_loss, reason = "the author asked for a float")]
fn widen(whole: i64) -> f64 {
    whole as f64
}

fn string(text: &str) -> Yaml {
    Yaml::Str(text.to_owned())
}

fn int(text: &str) -> Option<i64> {
    let (negative, digits) = sign(text);
    let bare = digits.replace('_', "");
    let magnitude = if let Some(rest) = digits.strip_prefix("0b") {
        of(rest, "01_")?;
        i128::from_str_radix(bare.get(2..)?, 2).ok()?
    } else if let Some(rest) = digits.strip_prefix("0x") {
        of(rest, "0123456789abcdefABCDEF_")?;
        i128::from_str_radix(bare.get(2..)?, 16).ok()?
    } else if digits == "0" {
        0
    } else if let Some(rest) = digits.strip_prefix('0') {
        of(rest, "01234567_")?;
        i128::from_str_radix(&bare, 8).ok()?
    } else if digits.contains(':') {
        sixties(digits)?
    } else {
        of(digits, "0123456789_")?;
        digits.starts_with(|c: char| c.is_ascii_digit()).then_some(())?;
        bare.parse().ok()?
    };
    i64::try_from(if negative { -magnitude } else { magnitude }).ok()
}

/// `12:30:00`: each part but the first is below sixty.
fn sixties(text: &str) -> Option<i128> {
    let mut parts = text.split(':');
    let first = parts.next()?;
    of(first, "0123456789_")?;
    let first = first.replace('_', "");
    parts.try_fold(first.parse::<i128>().ok()?, |sum, part| {
        of(part, "0123456789")?;
        let below: i128 = part.parse().ok().filter(|number| part.len() <= 2 && *number < 60)?;
        sum.checked_mul(60)?.checked_add(below)
    })
}

fn float(text: &str) -> Option<f64> {
    let (negative, unsigned) = sign(text);
    let magnitude = match unsigned {
        ".inf" | ".Inf" | ".INF" => f64::INFINITY,
        ".nan" | ".NaN" | ".NAN" if unsigned == text => f64::NAN,
        _ => {
            let (whole, rest) = unsigned.split_once('.')?;
            if whole.contains(':') {
                of_or_empty(rest, "0123456789_")?;
                let fraction = format!("0.{}", rest.replace('_', "")).parse::<f64>().ok()?;
                let whole = widen(i64::try_from(sixties(whole)?).ok()?);
                whole + fraction
            } else {
                decimal(text, whole, rest)?
            }
        }
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// `1.5`, `1.`, `.5`, `1.5e+3`: the exponent needs its sign, and a bare `.5` takes none in front.
fn decimal(text: &str, whole: &str, rest: &str) -> Option<f64> {
    of_or_empty(whole, "0123456789_")?;
    if whole.is_empty() && (!text.starts_with('.') || !rest.starts_with(|c: char| c.is_ascii_digit())) {
        return None;
    }
    if whole.starts_with('_') {
        return None;
    }
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    of_or_empty(fraction, "0123456789_")?;
    if let Some(exponent) = exponent {
        of(exponent.strip_prefix(['-', '+'])?, "0123456789")?;
    }
    let text = format!("{whole}.{fraction}e{}", exponent.unwrap_or("0")).replace('_', "");
    text.parse().ok()
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// `Some` when `text` has at least one character and only `allowed` ones.
fn of(text: &str, allowed: &str) -> Option<()> {
    (!text.is_empty()).then_some(())?;
    of_or_empty(text, allowed)
}

fn of_or_empty(text: &str, allowed: &str) -> Option<()> {
    text.chars().all(|c| allowed.contains(c)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn str(text: &str) -> Yaml {
        Yaml::Str(text.to_owned())
    }

    #[test]
    fn integers_are_pyyamls() {
        for (text, number) in [
            ("0", 0),
            ("0644", 420),
            ("010", 8),
            ("1_000", 1000),
            ("-12", -12),
            ("+7", 7),
            ("0x1F", 31),
            ("0b101", 5),
            ("12:30:00", 45000),
            ("12:30", 750),
            ("-1:30", -90),
            ("190:20:30", 685_230),
            ("52:54:00:12:34:56", 41_135_085_296),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(plain(text), Yaml::Int(number), "{text}");
        }
    }

    #[test]
    fn floats_need_a_point_and_a_signed_exponent() {
        for (text, number) in [
            ("1.5", 1.5),
            ("1.", 1.0),
            (".5", 0.5),
            ("-0.25", -0.25),
            ("1.5e+3", 1500.0),
            ("1_0.5", 10.5),
            ("1:30.5", 90.5),
            ("-.inf", f64::NEG_INFINITY),
        ] {
            assert_eq!(plain(text), Yaml::Float(number), "{text}");
        }
        assert!(matches!(plain(".nan"), Yaml::Float(nan) if nan.is_nan()));
    }

    #[test]
    fn what_looks_like_a_number_and_is_none() {
        for text in [
            "y",
            "n",
            "tRUE",
            "0o644",
            "1e3",
            "1.5e3",
            "2026-11-23",
            "089",
            "1.2.3",
            "192.168.0.1",
            "00:11:22",
            "12:60",
            "-",
            "+",
            ".",
            "..",
            "-.5",
            "0x",
            "0b",
            "1_000G",
            "10G",
            "_1",
            "12345678901234567890",
            "1:",
            "+.nan",
            "1:3_0",
            "089",
            "+.5",
            "._5",
        ] {
            assert_eq!(plain(text), str(text), "{text}");
        }
    }

    #[test]
    fn words_are_booleans_in_three_casings() {
        for text in ["yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"] {
            assert_eq!(plain(text), Yaml::Bool(true));
        }
        for text in ["no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"] {
            assert_eq!(plain(text), Yaml::Bool(false));
        }
        assert_eq!((plain("~"), plain("")), (Yaml::Null, Yaml::Null));
    }

    #[test]
    fn tags_insist() {
        assert_eq!(tagged("str", "0644"), Some(str("0644")));
        assert_eq!(tagged("float", "3"), Some(Yaml::Float(3.0)));
        assert_eq!(tagged("int", "three"), None);
    }
}
