//! Block group profiles: how often and where btrfs keeps a byte, and what fits on devices of unequal size.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How one kind of block groups is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    Single,
    Dup,
    Raid0,
    Raid1,
    Raid1c3,
    Raid1c4,
    Raid10,
    Raid5,
    Raid6,
}

const ALL: [Profile; 9] = [
    Profile::Single,
    Profile::Dup,
    Profile::Raid0,
    Profile::Raid1,
    Profile::Raid1c3,
    Profile::Raid1c4,
    Profile::Raid10,
    Profile::Raid5,
    Profile::Raid6,
];

impl Profile {
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Dup => "dup",
            Self::Raid0 => "raid0",
            Self::Raid1 => "raid1",
            Self::Raid1c3 => "raid1c3",
            Self::Raid1c4 => "raid1c4",
            Self::Raid10 => "raid10",
            Self::Raid5 => "raid5",
            Self::Raid6 => "raid6",
        }
    }

    /// Fewest devices. Source: mkfs.btrfs(8), table of profiles.
    pub fn least(self) -> usize {
        match self {
            Self::Single | Self::Dup => 1,
            Self::Raid0 | Self::Raid1 | Self::Raid10 | Self::Raid5 => 2,
            Self::Raid1c3 | Self::Raid6 => 3,
            Self::Raid1c4 => 4,
        }
    }

    /// Devices that may be lost.
    pub fn tolerates(self) -> u32 {
        match self {
            Self::Single | Self::Dup | Self::Raid0 => 0,
            Self::Raid1 | Self::Raid10 | Self::Raid5 => 1,
            Self::Raid1c3 | Self::Raid6 => 2,
            Self::Raid1c4 => 3,
        }
    }

    /// Whether a crash can leave parity that does not match (the write hole).
    pub fn write_hole(self) -> bool {
        matches!(self, Self::Raid5 | Self::Raid6)
    }

    /// How many bytes fit on devices with that much room each. Exact for copies on different devices, and never too
    /// much for stripes.
    pub fn capacity(self, rooms: &[u64]) -> u64 {
        let sum: u64 = rooms.iter().sum();
        let least = rooms.iter().copied().min().unwrap_or(0);
        let count = rooms.len() as u64;
        match self {
            Self::Single => sum,
            Self::Dup => sum / 2,
            Self::Raid0 => least * count,
            Self::Raid1 | Self::Raid10 => spread(rooms, 2),
            Self::Raid1c3 => spread(rooms, 3),
            Self::Raid1c4 => spread(rooms, 4),
            Self::Raid5 => least * count.saturating_sub(1),
            Self::Raid6 => least * count.saturating_sub(2),
        }
    }
}

/// The most bytes of which `copies` can be kept on as many different devices: the largest `x` for which the devices,
/// each used up to `x`, have room for `copies` times `x`.
fn spread(rooms: &[u64], copies: u64) -> u64 {
    let sum: u64 = rooms.iter().sum();
    let (mut low, mut high) = (0, sum / copies);
    while low < high {
        let middle = low + (high - low).div_ceil(2);
        let room: u128 = rooms.iter().map(|room| u128::from((*room).min(middle))).sum();
        if room >= u128::from(copies) * u128::from(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = ALL.into_iter().find(|profile| profile.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| {
            let known = ALL.map(Self::name).join(", ");
            format!("`{text}` is no btrfs profile; there are {known}")
        })
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_lie_on_different_devices() {
        assert_eq!(Profile::Raid1.capacity(&[10, 10]), 10);
        assert_eq!(Profile::Raid1.capacity(&[10, 4]), 4);
        assert_eq!(Profile::Raid1.capacity(&[10, 6, 4]), 10);
        assert_eq!(Profile::Raid1.capacity(&[100, 6, 4]), 10);
        assert_eq!(Profile::Raid1c3.capacity(&[10, 10]), 0);
        assert_eq!(Profile::Raid1c3.capacity(&[10, 10, 10, 3]), 11);
        assert_eq!(Profile::Dup.capacity(&[10]), 5);
        assert_eq!(Profile::Raid1.capacity(&[]), 0);
    }

    #[test]
    fn names_are_read_back() {
        for profile in ALL {
            assert_eq!(profile.name().to_uppercase().parse(), Ok(profile));
        }
        assert!("raid7".parse::<Profile>().unwrap_err().contains("raid1c3"));
    }
}
