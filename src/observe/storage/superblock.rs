//! The superblocks of XFS and ext4, read as they lie on the device: label, size, use and alignment without running a
//! program for each, and without the tools of that file system.

use std::fmt::Write as _;

use crate::machine::array::Stripe;

/// What a superblock says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Superblock {
    pub(super) uuid: String,
    pub(super) label: Option<String>,
    /// Bytes of the file system.
    pub(super) size: u64,
    /// Bytes in use, as of the last time it was written.
    pub(super) used: u64,
    /// Bytes of the log of XFS inside it, which it does not count as its own when mounted.
    pub(super) log: u64,
    pub(super) stripe: Option<Stripe>,
}

/// How much of a device has to be read.
pub(super) const LENGTH: usize = 4096;

/// Reads the first bytes of a device; `None` when they are of neither.
pub(super) fn parse(bytes: &[u8]) -> Option<Superblock> {
    if bytes.starts_with(b"XFSB") { xfs(bytes) } else { ext4(bytes.get(1024..)?) }
}

fn xfs(bytes: &[u8]) -> Option<Superblock> {
    let long = |at: usize| Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let word = |at: usize| Some(u64::from(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)));
    let block = word(4)?;
    let (unit, width) = (word(184)?, word(188)?);
    // A log on a device of its own has no place inside.
    let log = if long(48)? == 0 { 0 } else { word(96)? };
    Some(Superblock {
        uuid: uuid(bytes.get(32..48)?),
        label: label(bytes.get(108..120)?),
        size: long(8)?.checked_mul(block)?,
        used: long(8)?.saturating_sub(long(144)?).checked_mul(block)?,
        log: log.checked_mul(block)?,
        stripe: (unit > 0 && width >= unit).then(|| Stripe { unit: unit * block, width: width / unit }),
    })
}

fn ext4(bytes: &[u8]) -> Option<Superblock> {
    let word = |at: usize| Some(u64::from(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?)));
    let short = |at: usize| Some(u64::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
    if short(56)? != 0xef53 {
        return None;
    }
    let block = 1024u64.checked_shl(u32::try_from(word(24)?).ok()?).filter(|block| *block <= 1 << 20)?;
    let wide = word(96)? & 0x80 != 0;
    let high = |at: usize| if wide { word(at) } else { Some(0) };
    let blocks = word(4)? | high(0x150)? << 32;
    let free = word(12)? | high(0x158)? << 32;
    let (stride, width) = (short(0x164)?, word(0x170)?);
    Some(Superblock {
        uuid: uuid(bytes.get(104..120)?),
        label: label(bytes.get(120..136)?),
        size: blocks.checked_mul(block)?,
        used: blocks.saturating_sub(free).checked_mul(block)?,
        log: 0,
        stripe: (stride > 0 && width >= stride)
            .then(|| Stripe { unit: stride * block, width: width / stride }),
    })
}

fn uuid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn label(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    (end > 0).then(|| String::from_utf8_lossy(&bytes[..end]).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;

    fn decoded(text: &str) -> Vec<u8> {
        base64::engine::general_purpose::STANDARD_NO_PAD.decode(text.trim_end_matches('=')).unwrap()
    }

    /// Captured: xfsprogs 6.1, `-L images -d su=524288,sw=2` on 4.7 GiB.
    #[test]
    fn reads_xfs() {
        let text = "WEZTQgAAEAAAAAAAABK8AAAAAAAAAAAAAAAAAAAAAACdhECCyiFJram8KaswYOk9AAAAAAAQAAgAAAAAAAAEAAAAAAAAAAQBAAAAAAAABAIAAAABAAJXgAAAAAgAAAAAAABAALWlAgACAAAIaW1hZ2VzAAAAAAAADAkJAxIAABkAAAAAAAAAQAAAAAAAAAA9AAAAAAASe8gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACAAAAIAAAAEAAAAAAAAAgAAAAAGKAAABigAAAAAAAAANAAAACw==";
        let found = parse(&decoded(text)).unwrap();
        assert_eq!(found.uuid, "9d844082-ca21-49ad-a9bc-29ab3060e93d");
        assert_eq!(found.label.as_deref(), Some("images"));
        assert_eq!((found.size, found.log), (1_227_776 * 4096, 16384 * 4096));
        assert_eq!(found.stripe, Some(Stripe { unit: 524_288, width: 2 }));
    }

    #[test]
    fn short_or_strange_bytes_are_nothing() {
        assert_eq!(parse(b"XFSB"), None);
        assert_eq!(parse(&[0; 4096]), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..2048), kind in 0..3) {
            if kind == 1 && bytes.len() > 4 {
                bytes[..4].copy_from_slice(b"XFSB");
            }
            if kind == 2 && bytes.len() > 1100 {
                bytes[1080..1082].copy_from_slice(&[0x53, 0xef]);
            }
            let _ = parse(&bytes);
        }
    }
}
