//! How a virtual device keeps what is written to it, and what for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a virtual device is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Class {
    Data,
    Special,
    Dedup,
    Log,
    Cache,
    Spare,
}

impl Class {
    /// The word in a command; none for data.
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Data => None,
            Self::Special => Some("special"),
            Self::Dedup => Some("dedup"),
            Self::Log => Some("log"),
            Self::Cache => Some("cache"),
            Self::Spare => Some("spare"),
        }
    }

    /// The class of a heading of `zpool status`.
    pub fn of_heading(heading: &str) -> Option<Self> {
        Some(match heading {
            "special" => Self::Special,
            "dedup" => Self::Dedup,
            "logs" => Self::Log,
            "cache" => Self::Cache,
            "spares" => Self::Spare,
            _ => return None,
        })
    }

    /// Whether the pool is lost with it.
    pub fn vital(self) -> bool {
        matches!(self, Self::Data | Self::Special | Self::Dedup)
    }
}

/// How a virtual device keeps data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Layout {
    /// One device.
    Single,
    Mirror,
    /// With one to three devices' worth of parity.
    Raidz(u8),
    Draid {
        parity: u8,
        /// Data devices of a group.
        data: Option<u16>,
        children: Option<u16>,
        spares: u16,
    },
}

impl Layout {
    /// Fewest devices.
    pub fn least(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Mirror => 2,
            Self::Raidz(parity) => usize::from(parity) + 1,
            Self::Draid { parity, data, spares, .. } => {
                usize::from(parity) + usize::from(data.unwrap_or(1)) + usize::from(spares)
            }
        }
    }

    /// Devices that may be lost, of so many.
    pub fn tolerates(self, members: usize) -> usize {
        match self {
            Self::Single => 0,
            Self::Mirror => members.saturating_sub(1),
            Self::Raidz(parity) | Self::Draid { parity, .. } => parity.into(),
        }
    }

    /// Whether two are made in the same way; what one does not say can be anything.
    pub fn agrees(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::Draid { parity, data, spares, .. },
                Self::Draid { parity: other, data: more, spares: rest, .. },
            ) => parity == other && spares == rest && (data.is_none() || more.is_none() || data == more),
            (this, other) => this == other,
        }
    }

    /// Of the name of a virtual device, as `zpool status` shows it: `raidz2-0`, `draid1:4d:7c:1s-0`.
    pub fn of_name(name: &str) -> Option<Self> {
        let (kind, number) = name.rsplit_once('-')?;
        number.parse::<u64>().ok()?;
        kind.parse().ok().filter(|layout| *layout != Self::Single)
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "`{text}` is no kind of virtual device; there are stripe, mirror, raidz1, raidz2, raidz3 and \
                 draid1 to draid3, as in `draid2:8d:12c:1s`"
            )
        };
        Ok(match text {
            "stripe" => Self::Single,
            "mirror" => Self::Mirror,
            "raidz" | "raidz1" => Self::Raidz(1),
            "raidz2" => Self::Raidz(2),
            "raidz3" => Self::Raidz(3),
            text => {
                let mut parts = text.strip_prefix("draid").ok_or_else(bad)?.split(':');
                let parity = match parts.next().unwrap_or_default() {
                    "" | "1" => 1,
                    "2" => 2,
                    "3" => 3,
                    _ => return Err(bad()),
                };
                let (mut data, mut children, mut spares) = (None, None, 0);
                for part in parts {
                    let last = part.chars().last().ok_or_else(bad)?;
                    let number: u16 = part[..part.len() - last.len_utf8()].parse().map_err(|_| bad())?;
                    match last {
                        'd' => data = Some(number),
                        'c' => children = Some(number),
                        's' => spares = number,
                        _ => return Err(bad()),
                    }
                }
                Self::Draid { parity, data, children, spares }
            }
        })
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single => f.write_str("stripe"),
            Self::Mirror => f.write_str("mirror"),
            Self::Raidz(parity) => write!(f, "raidz{parity}"),
            Self::Draid { parity, data, children, spares } => {
                write!(f, "draid{parity}")?;
                if let Some(data) = data {
                    write!(f, ":{data}d")?;
                }
                if let Some(children) = children {
                    write!(f, ":{children}c")?;
                }
                write!(f, ":{spares}s")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for text in ["stripe", "mirror", "raidz1", "raidz2", "raidz3", "draid1:4d:7c:1s", "draid2:0s"] {
            assert_eq!(text.parse::<Layout>().unwrap().to_string(), text);
        }
        assert_eq!("raidz".parse(), Ok(Layout::Raidz(1)));
        assert_eq!(Layout::of_name("raidz2-3"), Some(Layout::Raidz(2)));
        assert_eq!(Layout::of_name("replacing-3"), None);
        assert_eq!(Layout::of_name("stripe-3"), None);
        for text in ["raid5", "draid4", "draid1:é", "draid1:4x", "draid1:", ""] {
            assert!(text.parse::<Layout>().is_err(), "{text}");
        }
    }

    #[test]
    fn losses() {
        assert_eq!((Layout::Single.tolerates(1), Layout::Mirror.tolerates(3)), (0, 2));
        assert_eq!((Layout::Raidz(2).tolerates(6), Layout::Raidz(2).least()), (2, 3));
    }
}
