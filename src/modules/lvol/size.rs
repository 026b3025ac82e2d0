//! Sizes as lvcreate reads them, in extents of a group.

use crate::machine::lvm::Group;
use crate::units::Size;

/// A size as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Bytes(u64),
    Extents(u64),
    PercentOfGroup(u64),
    PercentOfFree(u64),
    /// Of the devices that are named.
    PercentOfDevices(u64),
    /// Of the volume a snapshot is made of.
    PercentOfOrigin(u64),
}

impl Wanted {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bad = || format!("`{text}` is no size of a volume; write `10g`, `60%VG`, `100%FREE` or `1000e`");
        if let Some((number, of)) = text.split_once('%') {
            let percent =
                number.trim().parse().ok().filter(|percent| (1..=100).contains(percent)).ok_or_else(bad)?;
            return match of.trim().to_ascii_uppercase().as_str() {
                "VG" => Ok(Self::PercentOfGroup(percent)),
                "PVS" => Ok(Self::PercentOfDevices(percent)),
                "FREE" => Ok(Self::PercentOfFree(percent)),
                "ORIGIN" => Ok(Self::PercentOfOrigin(percent)),
                _ => Err(bad()),
            };
        }
        if text.starts_with(['+', '-']) {
            return Err(format!(
                "`{text}` is relative: said twice it would happen twice; write the size it shall have"
            ));
        }
        if let Some(number) = text.strip_suffix(['e', 'E']) {
            return number.trim().parse().ok().filter(|count| *count > 0).map(Self::Extents).ok_or_else(bad);
        }
        let bytes = bytes(text).map_err(|_| bad())?;
        if bytes == 0 { Err(bad()) } else { Ok(Self::Bytes(bytes)) }
    }

    /// In extents of this group, as whole multiples of `multiple`: sizes are rounded up, shares down. `None` when
    /// whatever is there will do.
    pub(super) fn extents(self, within: &Within<'_>, there: bool) -> Option<u64> {
        let multiple = within.multiple.max(1);
        let group = within.group;
        let up = |extents: u64| extents.div_ceil(multiple) * multiple;
        let share = |percent: u64, of: u64| of * percent / 100 / multiple * multiple;
        let on = |count: fn(&Group, &str) -> u64| -> u64 {
            group
                .physical
                .keys()
                .filter(|device| within.on.is_empty() || within.on.contains(device))
                .map(|device| count(group, device))
                .sum()
        };
        match self {
            Self::Bytes(bytes) => Some(up(bytes.div_ceil(group.extent))),
            Self::Extents(extents) => Some(up(extents)),
            Self::PercentOfGroup(percent) => Some(share(percent, group.extents())),
            Self::PercentOfDevices(percent) => Some(share(
                percent,
                on(|group, device| group.physical.get(device).map_or(0, |one| one.extents)),
            )),
            Self::PercentOfOrigin(percent) => Some(share(percent, within.origin).max(1)),
            Self::PercentOfFree(_) if there => None,
            Self::PercentOfFree(percent) => {
                Some(share(percent, within.free.unwrap_or_else(|| on(Group::free_on))))
            }
        }
    }
}

/// What a size is counted in and relative to.
#[derive(Debug, Clone)]
pub(super) struct Within<'a> {
    pub(super) group: &'a Group,
    /// The devices that are named.
    pub(super) on: &'a [String],
    pub(super) multiple: u64,
    /// What counts as free, where that is not the sum of it.
    pub(super) free: Option<u64>,
    /// Extents of the volume a snapshot is made of.
    pub(super) origin: u64,
}

/// Bytes; a number alone counts MiB, as LVM reads it.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let unit = if text.chars().all(|letter| letter.is_ascii_digit() || letter == '.') { "m" } else { "" };
    let Size(bytes) =
        format!("{text}{unit}").parse().map_err(|error: crate::units::BadSize| error.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_lvcreate_reads_them() {
        assert_eq!(Wanted::read("512"), Ok(Wanted::Bytes(512 << 20)));
        assert_eq!(Wanted::read("1.5G"), Ok(Wanted::Bytes(3 << 29)));
        assert_eq!(Wanted::read("60%VG"), Ok(Wanted::PercentOfGroup(60)));
        assert_eq!(Wanted::read("100%free"), Ok(Wanted::PercentOfFree(100)));
        assert_eq!(Wanted::read("10e"), Ok(Wanted::Extents(10)));
        for bad in ["", "0", "+5g", "0%VG", "101%VG", "150%VG", "5%X", "g", "e"] {
            assert!(Wanted::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_are_rounded_up_to_whole_stripes_and_shares_down() {
        let mut group = Group::new("vg", 4 << 20);
        let physical = crate::machine::lvm::Physical { start: 1 << 20, extents: 101, size: None };
        group.physical.insert("/dev/a".into(), physical);
        let within = Within { group: &group, on: &[], multiple: 2, free: None, origin: 10 };
        let extents = |text: &str| Wanted::read(text).unwrap().extents(&within, false);
        assert_eq!((extents("101e"), extents("404m")), (Some(102), Some(102)));
        assert_eq!((extents("100%VG"), extents("100%FREE")), (Some(100), Some(100)));
        assert_eq!(extents("20%ORIGIN"), Some(2));
    }
}
