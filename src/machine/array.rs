//! md arrays: levels, layouts, and the arithmetic by which mdadm and the kernel size them.
//!
//! The sizes are exact, so that a dry run can plan on an array that does not exist yet. Sources: Linux `raid10_size`,
//! `calc_sectors`, `create_strip_zones`; mdadm `super1.c` for the data offset.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::block::Uuid;
pub use super::membership::{Member, Progress};
use crate::units::{KIB, MIB};

/// A RAID level that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    Raid0,
    Raid1,
    Raid5,
    Raid6,
    Raid10,
}

/// How raid10 spreads its copies: `n2`, `f2`, `o3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layout {
    pub spread: Spread,
    pub copies: u64,
}

/// The three ways of raid10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spread {
    Near,
    Far,
    Offset,
}

/// An array, assembled or foreseen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Array {
    /// Its name without host: `kvm`. Empty where it has none.
    pub name: String,
    /// As md writes it (`raid10`); levels that cannot be asked for are kept as they are.
    pub level: String,
    pub layout: Option<Layout>,
    /// Bytes; 0 for raid1.
    pub chunk: u64,
    pub uuid: Uuid,
    pub metadata: String,
    /// How many active members it should have.
    pub slots: u64,
    /// Bytes used of each member; 0 for raid0, which uses all of each.
    pub used: u64,
    pub members: Vec<Member>,
    pub bitmap: bool,
    /// How many active members are missing.
    pub degraded: u64,
    /// `idle`, `resync`, `recover`, `reshape`, ...
    pub doing: String,
    /// How far that has come.
    pub progress: Option<Progress>,
    /// What makes it consistent after a crash: `resync`, `bitmap`, `ppl`, `journal`. Empty where nobody knows.
    pub policy: String,
}

/// What a file system should be aligned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stripe {
    /// Bytes on one disk before the next one is used.
    pub unit: u64,
    /// How many disks hold data.
    pub width: u64,
}

impl Stripe {
    /// Bytes of one full stripe.
    pub fn full(self) -> u64 {
        self.unit * self.width
    }
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Raid0 => "raid0",
            Self::Raid1 => "raid1",
            Self::Raid5 => "raid5",
            Self::Raid6 => "raid6",
            Self::Raid10 => "raid10",
        }
    }

    /// The fewest active members mdadm makes it of.
    pub fn least(self) -> u64 {
        match self {
            Self::Raid0 | Self::Raid1 | Self::Raid10 => 2,
            Self::Raid5 => 3,
            Self::Raid6 => 4,
        }
    }

    /// Whether it survives the loss of a member.
    pub fn redundant(self) -> bool {
        self != Self::Raid0
    }

    /// Whether its data is cut into chunks.
    pub fn striped(self) -> bool {
        self != Self::Raid1
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim().to_ascii_lowercase().trim_start_matches("raid") {
            "0" => Ok(Self::Raid0),
            "1" => Ok(Self::Raid1),
            "5" => Ok(Self::Raid5),
            "6" => Ok(Self::Raid6),
            "10" => Ok(Self::Raid10),
            _ => Err(format!("`{text}` is no RAID level; write raid0, raid1, raid5, raid6 or raid10")),
        }
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is no raid10 layout; write n2, f2, o2 or the like");
        let mut letters = text.trim().chars();
        let spread = match letters.next() {
            Some('n') => Spread::Near,
            Some('f') => Spread::Far,
            Some('o') => Spread::Offset,
            _ => return Err(bad()),
        };
        let copies =
            letters.as_str().parse().ok().filter(|copies| (1..=16).contains(copies)).ok_or_else(bad)?;
        Ok(Self { spread, copies })
    }
}

impl Layout {
    /// What raid10 has when nothing else is asked for.
    pub const NEAR_2: Self = Self { spread: Spread::Near, copies: 2 };

    /// From the number the kernel keeps: near copies, far copies << 8, offset << 16.
    pub fn from_kernel(number: u64) -> Option<Self> {
        let (near, far, offset) = (number & 0xff, number >> 8 & 0xff, number >> 16 & 1 == 1);
        match (near, far, offset) {
            (copies, 1, _) => Some(Self { spread: Spread::Near, copies }),
            (1, copies, false) => Some(Self { spread: Spread::Far, copies }),
            (1, copies, true) => Some(Self { spread: Spread::Offset, copies }),
            _ => None,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.spread {
            Spread::Near => 'n',
            Spread::Far => 'f',
            Spread::Offset => 'o',
        };
        write!(f, "{letter}{}", self.copies)
    }
}

/// How members become an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    pub level: Level,
    pub layout: Layout,
    /// Bytes.
    pub chunk: u64,
    pub slots: u64,
}

impl Shape {
    /// Where data begins on a member: mdadm's own rule, about 0.1 % of the member as room for a reshape.
    pub fn data_offset(member: u64) -> u64 {
        let mut offset = 128 * MIB;
        while offset > MIB && offset * 1024 > member {
            offset /= 2;
        }
        offset
    }

    /// The bytes used of each member when the smallest has `member` bytes.
    pub fn member_size(&self, member: u64, data_offset: u64) -> u64 {
        let unit = if self.level.striped() { self.chunk } else { MIB };
        member.saturating_sub(data_offset) / unit * unit
    }

    /// The bytes of the array; `used` of each member.
    pub fn size(&self, used: u64) -> u64 {
        let chunks = used / self.chunk.max(1);
        match self.level {
            Level::Raid0 => used * self.slots,
            Level::Raid1 => used,
            Level::Raid5 => used * (self.slots - 1),
            Level::Raid6 => used * (self.slots - 2),
            Level::Raid10 => {
                let (near, far) = match self.layout.spread {
                    Spread::Near => (self.layout.copies, 1),
                    Spread::Far | Spread::Offset => (1, self.layout.copies),
                };
                chunks / far * self.slots / near * self.chunk
            }
        }
    }

    /// How many members a full stripe puts data on; `None` where data is not striped.
    pub fn stripe(&self) -> Option<Stripe> {
        stripe(self.level.name(), Some(self.layout), self.chunk, self.slots)
    }
}

impl Array {
    pub fn stripe(&self) -> Option<Stripe> {
        stripe(&self.level, self.layout, self.chunk, self.slots)
    }

    pub fn active(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| !member.spare && !member.faulty)
    }

    /// The member of that device.
    pub fn member(&self, device: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.device == device)
    }

    /// What is going on in it, where something is: `a reshape is at 40 % (...)`.
    pub fn activity(&self) -> Option<String> {
        let doing = match self.doing.as_str() {
            "" | "idle" | "frozen" => return None,
            "recover" => "recovery",
            other => other,
        };
        let progress = self.progress.map_or_else(|| "has begun".to_owned(), |at| format!("is at {at}"));
        Some(format!("a {doing} {progress}"))
    }

    /// Whether an observed array is this one, as far as this says how it is.
    pub fn agrees(&self, path: &str, found: &Self) -> Result<(), String> {
        if (&self.level, self.slots, self.chunk, self.bitmap)
            != (&found.level, found.slots, found.chunk, found.bitmap)
            || self.layout.is_some_and(|layout| found.layout != Some(layout))
        {
            return Err(format!(
                "{path} is {} of {} with chunks of {} bytes, not {} of {} with {}",
                found.level, found.slots, found.chunk, self.level, self.slots, self.chunk
            ));
        }
        if !self.policy.is_empty() && self.policy != found.policy {
            return Err(format!("{path} has the policy {}, not {}", found.policy, self.policy));
        }
        for member in &self.members {
            let Some(there) = found.member(&member.device) else {
                return Err(format!("{} is not in {path}", member.device));
            };
            if (member.write_mostly, member.failfast) != (there.write_mostly, there.failfast) {
                return Err(format!("{} has other flags in {path} than planned", member.device));
            }
        }
        match found.members.iter().find(|member| self.member(&member.device).is_none()) {
            Some(member) => Err(format!("{} is in {path}, and was not to be", member.device)),
            None => Ok(()),
        }
    }
}

fn stripe(level: &str, layout: Option<Layout>, chunk: u64, slots: u64) -> Option<Stripe> {
    let width = match level {
        "raid0" => slots,
        "raid4" | "raid5" => slots.checked_sub(1)?,
        "raid6" => slots.checked_sub(2)?,
        // With near copies two members that hold the same data count once; an uneven rest counts for nothing.
        "raid10" => match layout? {
            Layout { spread: Spread::Near, copies } => slots.checked_div(copies)?,
            Layout { .. } => slots,
        },
        _ => return None,
    };
    (width > 0 && chunk >= KIB).then_some(Stripe { unit: chunk, width })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::GIB;

    fn size(level: Level, layout: &str, chunk: u64, slots: u64, member: u64) -> (u64, u64) {
        let shape = Shape { level, layout: layout.parse().unwrap(), chunk: chunk * KIB, slots };
        let used = shape.member_size(member, Shape::data_offset(member));
        (used / KIB, shape.size(used))
    }

    /// The numbers are those of mdadm 4.2 on Linux 6.1 with disks of 4 GiB.
    #[test]
    fn sizes_are_those_of_the_kernel() {
        assert_eq!(Shape::data_offset(4 * GIB), 4 * MIB);
        assert_eq!(size(Level::Raid10, "n2", 512, 4, 4 * GIB), (4_190_208, 8_581_545_984));
        assert_eq!(size(Level::Raid10, "n2", 512, 3, 4 * GIB), (4_190_208, 6_436_159_488));
        assert_eq!(size(Level::Raid1, "n2", 0, 2, 4 * GIB).0, 4_190_208);
        assert_eq!(size(Level::Raid5, "n2", 256, 4, 4 * GIB).1, 3 * 4_190_208 * KIB);
        let shape = |layout: &str, chunk, slots| Shape {
            level: Level::Raid10,
            layout: layout.parse().unwrap(),
            chunk,
            slots,
        };
        assert_eq!(shape("n2", 512 * KIB, 4).size(4_189_696 * KIB), 8_580_497_408);
        assert_eq!(shape("f2", 64 * KIB, 4).size(4_190_144 * KIB), 8_581_283_840);
        assert_eq!(shape("o2", 512 * KIB, 5).size(4_189_696 * KIB), 10_724_311_040);
    }

    #[test]
    fn the_offset_is_a_thousandth() {
        assert_eq!(Shape::data_offset(100 * MIB), MIB);
        assert_eq!(Shape::data_offset(64 * GIB), 64 * MIB);
        assert_eq!(Shape::data_offset(1 << 44), 128 * MIB);
    }

    #[test]
    fn layouts_are_read_as_written_and_as_kept() {
        for (number, text) in [(258, "n2"), (513, "f2"), (66049, "o2")] {
            assert_eq!(Layout::from_kernel(number), Some(text.parse().unwrap()));
            assert_eq!(Layout::from_kernel(number).unwrap().to_string(), text);
        }
        assert!("x2".parse::<Layout>().is_err() && "n0".parse::<Layout>().is_err());
    }
}
