//! Sizes in bytes, read and written without losing any.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Bytes. Shown in binary units, kept exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Size(pub u64);

pub const KIB: u64 = 1 << 10;
pub const MIB: u64 = 1 << 20;
pub const GIB: u64 = 1 << 30;

/// A size that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no size; write bytes or a number with a unit, such as `20GiB`, `512M` or `1.5t`")]
pub struct BadSize(pub String);

impl Size {
    pub fn bytes(self) -> u64 {
        self.0
    }

    /// The nearest multiple of `unit` that is not larger.
    #[must_use]
    pub fn round_down(self, unit: Self) -> Self {
        Self(self.0 / unit.0.max(1) * unit.0.max(1))
    }

    /// The nearest multiple of `unit` that is not smaller.
    #[must_use]
    pub fn round_up(self, unit: Self) -> Self {
        Self(self.0.div_ceil(unit.0.max(1)) * unit.0.max(1))
    }
}

/// Reads `20GiB`, `20G`, `20g` (all binary, as LVM and mdadm read them), `20GB` (decimal only where the unit says so),
/// `512s` is not read: sectors are the tools' business.
impl FromStr for Size {
    type Err = BadSize;

    fn from_str(text: &str) -> Result<Self, BadSize> {
        let bad = || BadSize(text.to_owned());
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(split);
        let (exponent, base) = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => (0, 1024u64),
            "k" | "kib" => (1, 1024),
            "m" | "mib" => (2, 1024),
            "g" | "gib" => (3, 1024),
            "t" | "tib" => (4, 1024),
            "p" | "pib" => (5, 1024),
            "kb" => (1, 1000),
            "mb" => (2, 1000),
            "gb" => (3, 1000),
            "tb" => (4, 1000),
            "pb" => (5, 1000),
            _ => return Err(bad()),
        };
        let factor = base.pow(exponent);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let whole: u64 = whole.parse().map_err(|_| bad())?;
        let mut bytes = whole.checked_mul(factor).ok_or_else(bad)?;
        if !fraction.is_empty() {
            if fraction.len() > 9 || factor == 1 {
                return Err(bad());
            }
            let scale = 10u128.pow(u32::try_from(fraction.len()).map_err(|_| bad())?);
            let part: u128 = fraction.parse().map_err(|_| bad())?;
            let extra = u64::try_from(part * u128::from(factor) / scale).map_err(|_| bad())?;
            bytes = bytes.checked_add(extra).ok_or_else(bad)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
        let mut at = 0;
        let mut scaled = u128::from(self.0) * 10;
        while scaled >= 10_240 && at + 1 < units.len() {
            scaled /= 1024;
            at += 1;
        }
        match (at, scaled % 10) {
            (0, _) | (_, 0) => write!(f, "{} {}", scaled / 10, units[at]),
            _ => write!(f, "{}.{} {}", scaled / 10, scaled % 10, units[at]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, bytes) in [
            ("0", 0),
            ("512", 512),
            ("4k", 4096),
            ("20GiB", 20 * GIB),
            ("1.5T", 3 << 39),
            ("1GB", 1_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "G", "-1G", "1X", "1.5", "1..5G", "99999999999P"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn shows_short_and_true() {
        assert_eq!(Size(20 * GIB).to_string(), "20 GiB");
        assert_eq!(Size(1536).to_string(), "1.5 KiB");
        assert_eq!(Size(999).to_string(), "999 B");
    }
}
