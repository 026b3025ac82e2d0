//! The superblock of a member of an md array, version 1.2, read as it lies on the device (Linux `md_p.h`): which array
//! it belongs to, in which role, and what that array looks like. Other versions are left to mdadm.

use std::fmt::Write as _;

use crate::machine::array::Layout;
use crate::machine::membership::{Part, Role};

/// Where it begins.
pub(super) const OFFSET: u64 = 4096;
/// How much of it has to be read.
pub(super) const LENGTH: usize = 4096;

const BITMAP: u32 = 1;
const FILLING: u32 = 2;
const RESHAPING: u32 = 4;

/// Reads a superblock; `None` when the bytes are none, or their checksum is wrong.
pub(super) fn parse(bytes: &[u8]) -> Option<Part> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let sectors = |at: usize| long(at)?.checked_mul(512);
    if word(0)? != 0xa92b_4efc || word(4)? != 1 || long(144)? != OFFSET / 512 {
        return None;
    }
    let devices = usize::try_from(word(220)?).ok().filter(|count| *count <= (LENGTH - 256) / 2)?;
    if checksum(bytes.get(..256 + 2 * devices)?) != word(216)? {
        return None;
    }
    let features = word(8)?;
    let level = match word(72)? {
        number @ (0 | 1 | 4 | 5 | 6 | 10) => format!("raid{number}"),
        other => format!("level {}", other.cast_signed()),
    };
    let number = usize::try_from(word(160)?).ok().filter(|number| *number < devices)?;
    let role = u16::from_le_bytes(bytes.get(256 + 2 * number..258 + 2 * number)?.try_into().ok()?);
    Some(Part {
        uuid: uuid(bytes.get(16..32)?),
        name: name(bytes.get(32..64)?),
        layout: (level == "raid10").then_some(word(76)?.into()).and_then(Layout::from_kernel),
        chunk: if level == "raid1" { 0 } else { u64::from(word(88)?) * 512 },
        slots: word(92)?.into(),
        used: if level == "raid0" { 0 } else { sectors(80)? },
        room: sectors(136)?,
        offset: sectors(128)?,
        role: match role {
            0xffff => Role::Spare,
            0xfffe => Role::Failed,
            0xfffd => Role::Journal,
            slot if features & FILLING != 0 => Role::Filling(slot.into()),
            slot => Role::Active(slot.into()),
        },
        bitmap: features & BITMAP != 0,
        events: long(200)?,
        reshaping: features & RESHAPING != 0,
        held_by: None,
        level,
    })
}

/// The kernel's `calc_sb_1_csum`: 32-bit words summed up, with their carry, without the checksum itself.
fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = 0_u64;
    for (at, word) in bytes.chunks(4).enumerate() {
        if at != 216 / 4 {
            sum += word.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
        }
    }
    let low = |value: u64| value & 0xffff_ffff;
    u32::try_from(low(low(sum) + (sum >> 32))).unwrap_or(0)
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(35);
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push(':');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Without home host.
fn name(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    let whole = String::from_utf8_lossy(&bytes[..end]);
    whole.split_once(':').map_or(whole.to_string(), |(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::MIB;
    use base64::Engine;

    /// Captured: mdadm 4.2, the first member of two of a raid1 whose home host is `other`.
    const RAID1: &str = "/E4rqQEAAAABAAAAAAAAAHWs1/1eF3SPuO9+r4UadptvdGhlcjphAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAHTXBWsAAAAAAQAAAAAAAAAAOAYAAAAAAAAAAAACAAAACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACAAAAAAAAAA4BgAAAAAACAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA6Qk9A0Du46/5czteEJCgfwAACAAQAAAAdNcFawAAAAABAAAAAAAAAP//////////s+9TToAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQD/////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////////";

    fn captured() -> Vec<u8> {
        let mut bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(RAID1).unwrap();
        // The roles of devices that were never there.
        bytes.resize(512, 0xff);
        bytes.resize(LENGTH, 0);
        bytes
    }

    #[test]
    fn reads_a_member() {
        let part = parse(&captured()).unwrap();
        assert_eq!(part.uuid, "75acd7fd:5e17748f:b8ef7eaf:851a769b");
        assert_eq!((part.name.as_str(), part.level.as_str(), part.slots), ("a", "raid1", 2));
        assert_eq!((part.used, part.offset, part.room), (199 * MIB, MIB, 199 * MIB));
        assert_eq!((part.role, part.events, part.bitmap, part.reshaping), (Role::Active(0), 1, true, false));
    }

    #[test]
    fn damaged_or_other_bytes_are_nothing() {
        let mut bytes = captured();
        bytes[33] ^= 1;
        assert_eq!(parse(&bytes), None);
        assert_eq!(parse(&captured()[..300]), None);
        assert_eq!(parse(&[]), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
            let _ = parse(&bytes);
            if bytes.len() > 8 {
                bytes[..8].copy_from_slice(&captured()[..8]);
                let _ = parse(&bytes);
            }
        }
    }
}
