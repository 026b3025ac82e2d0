//! The header of a LUKS container as it lies on the device, read without running a program for it, and also where
//! `cryptsetup` is not installed yet. Only the first copy is read; one that is damaged is an error and never "no container".
//!
//! Sources: the LUKS1 and LUKS2 on-disk format specifications of cryptsetup.

use std::collections::BTreeSet;

use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};

use crate::machine::block::Uuid;
use crate::machine::luks::{Container, Flag};

/// How much of a device tells how long its header is.
pub const START: usize = 4096;
const MAGIC: &[u8] = b"LUKS\xba\xbe";
/// The largest area of LUKS2's description.
const LARGEST: u64 = 4 << 20;

/// How many bytes of the device [`parse`] wants; an error when there is no header.
pub fn length(start: &[u8]) -> Result<usize, String> {
    if !start.starts_with(MAGIC) {
        return Err("luks: there is no header".to_owned());
    }
    match version(start) {
        Some(1) => Ok(1024),
        Some(2) => long(start, 8)
            .filter(|length| (START as u64 + 1..=LARGEST).contains(length))
            .and_then(|length| usize::try_from(length).ok())
            .ok_or_else(|| "luks: field `hdr_size` of the header is out of bounds".to_owned()),
        other => Err(format!("luks: version {} is not known", other.unwrap_or(0))),
    }
}

/// The number of a LUKS2 header: it rises with every change.
pub fn epoch(start: &[u8]) -> Option<u64> {
    (start.starts_with(MAGIC) && version(start) == Some(2)).then(|| long(start, 16)).flatten()
}

/// What the header says. Nothing is known of what is open.
pub fn parse(bytes: &[u8]) -> Result<Container, String> {
    let length = length(bytes)?;
    let bytes = bytes.get(..length).ok_or("luks: the header is cut short")?;
    if version(bytes) == Some(1) { luks1(bytes) } else { luks2(bytes) }
}

fn version(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(6..8)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn word(bytes: &[u8], at: usize) -> Result<u32, String> {
    let bytes = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u32::from_be_bytes).ok_or_else(|| "luks: the header is cut short".to_owned())
}

/// A text that ends with the first NUL.
fn text(bytes: &[u8], at: usize, length: usize) -> Result<String, String> {
    let bytes = bytes.get(at..at + length).ok_or("luks: the header is cut short")?;
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(length);
    String::from_utf8(bytes[..end].to_vec()).map_err(|_| format!("luks: the text at byte {at} is no UTF-8"))
}

fn luks1(bytes: &[u8]) -> Result<Container, String> {
    const USED: u32 = 0x00ac_71f3;
    let mut slots = BTreeSet::new();
    for slot in 0..8 {
        if word(bytes, 208 + 48 * slot as usize)? == USED {
            slots.insert(slot);
        }
    }
    Ok(Container {
        version: 1,
        uuid: Uuid::Known(text(bytes, 168, 40)?),
        label: None,
        cipher: format!("{}-{}", text(bytes, 8, 32)?, text(bytes, 40, 32)?),
        key_bits: u64::from(word(bytes, 108)?) * 8,
        hash: text(bytes, 72, 32)?,
        sector: 512,
        offset: u64::from(word(bytes, 104)?) * 512,
        slots,
        lasting: BTreeSet::new(),
        strange: None,
        mapping: None,
    })
}

fn luks2(bytes: &[u8]) -> Result<Container, String> {
    check(bytes)?;
    let area = bytes.get(START..).unwrap_or_default();
    let end = area.iter().position(|byte| *byte == 0).unwrap_or(area.len());
    let json: Value =
        serde_json::from_slice(&area[..end]).map_err(|error| format!("luks: no description: {error}"))?;
    let missing = |field: &str| format!("luks: the description has no field `{field}`");
    let map = |field: &str| json.get(field).and_then(Value::as_object).ok_or_else(|| missing(field));
    let number = |value: &Value, field: &str| match value.get(field) {
        Some(Value::String(text)) => text.parse().ok(),
        Some(number) => number.as_u64(),
        None => None,
    };
    let segments = map("segments")?;
    let segment = segments.get("0").ok_or_else(|| missing("segments.0"))?;
    let word = |value: &Value, field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
    let slots = map("keyslots")?
        .iter()
        .map(|(name, slot)| match name.parse() {
            Ok(number) => Ok((number, slot)),
            Err(_) => Err(format!("luks: field `keyslots` has the slot `{name}`")),
        })
        .collect::<Result<Vec<(u32, &Value)>, String>>()?;
    let config = map("config")?;
    let flags: Vec<&str> = config
        .get("flags")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let required =
        config.get("requirements").and_then(|all| all.get("mandatory")).and_then(Value::as_array).into_iter();
    let mut strange = required.flatten().find_map(Value::as_str).map(str::to_owned);
    if segments.len() != 1 || segment.get("type").is_none_or(|kind| kind != "crypt") {
        strange = strange.or_else(|| Some("several segments".to_owned()));
    } else if segment.get("size").is_none_or(|size| size != "dynamic") {
        strange = strange.or_else(|| Some("a segment that does not end with the device".to_owned()));
    } else if segment.get("integrity").is_some() {
        strange = strange.or_else(|| Some("integrity protection".to_owned()));
    }
    let digest = map("digests")?.values().next();
    let label = text(bytes, 24, 48)?;
    Ok(Container {
        version: 2,
        uuid: Uuid::Known(text(bytes, 168, 40)?),
        label: Some(label).filter(|label| !label.is_empty()),
        cipher: word(segment, "encryption").ok_or_else(|| missing("segments.0.encryption"))?,
        key_bits: slots.first().and_then(|(_, slot)| number(slot, "key_size")).unwrap_or(0) * 8,
        hash: digest.and_then(|digest| word(digest, "hash")).unwrap_or_default(),
        sector: number(segment, "sector_size").ok_or_else(|| missing("segments.0.sector_size"))?,
        offset: number(segment, "offset").ok_or_else(|| missing("segments.0.offset"))?,
        slots: slots.iter().map(|(number, _)| *number).collect(),
        lasting: Flag::ALL.into_iter().filter(|flag| flags.contains(&flag.kept().as_str())).collect(),
        strange,
        mapping: None,
    })
}

/// The checksum, over the header with its own place empty.
fn check(bytes: &[u8]) -> Result<(), String> {
    const PLACE: std::ops::Range<usize> = 448..512;
    let mut whole = bytes.to_vec();
    whole[PLACE].fill(0);
    let sum = match text(bytes, 72, 32)?.as_str() {
        "sha256" => Sha256::digest(&whole).to_vec(),
        "sha512" => Sha512::digest(&whole).to_vec(),
        other => return Err(format!("luks: field `checksum_alg` is `{other}`, which is not known")),
    };
    if bytes[PLACE].starts_with(&sum) {
        return Ok(());
    }
    Err("luks: the header is damaged: its checksum is wrong".to_owned())
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::*;

    /// Captured: cryptsetup 2.6.1, LUKS2 labelled `box`, with discards kept in its header.
    const LUKS2: (&str, &str) = (
        "TFVLU7q+AAIAAAAAAABAAAAAAAAAAAAEYm94AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAc2hhMjU2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAh/h4Ljrfp0b3zRhcIYRRvJZy0xCa0/aSyDCNljC23r7jJ6/j1bfGLKSU+vJxXOoPexFUJr5mn8Ot3klWokB1gNDJjZGFhYjEtMDA4My00ZDZkLWJiNWItNzM5ZGUxYzI0NTcwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAALNUx2Jo/idgRzPP63uCnGJHuWCH3wl55G1e5Q56UPYC",
        r#"{"keyslots":{"0":{"type":"luks2","key_size":64,"af":{"type":"luks1","stripes":4000,"hash":"sha256"},"area":{"type":"raw","offset":"32768","size":"258048","encryption":"aes-xts-plain64","key_size":64},"kdf":{"type":"pbkdf2","hash":"sha256","iterations":1000,"salt":"e67t7jKzVsxaxgM5I/+Q9r2/rfd/EKUGNsq7JW7lyFo="}}},"tokens":{},"segments":{"0":{"type":"crypt","offset":"16777216","size":"dynamic","iv_tweak":"0","encryption":"aes-xts-plain64","sector_size":512}},"digests":{"0":{"type":"pbkdf2","keyslots":["0"],"segments":["0"],"hash":"sha256","iterations":1000,"salt":"JHFMlvW5+9vmH1bzMpYBPTiUtutbkXK397I8tqonwSE=","digest":"wbhizDoDyU3mpGWAUbtav5MHuFUTa78MI4ThX8S9QUQ="}},"config":{"json_size":"12288","keyslots_size":"16744448","flags":["allow-discards"]}}"#,
    );
    /// Captured: cryptsetup 2.6.1.
    const LUKS1: &str = "TFVLU7q+AAFhZXMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAHh0cy1wbGFpbjY0AAAAAAAAAAAAAAAAAAAAAAAAAAAAc2hhMjU2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAQAnEB6oTX84VSHu8m96HCV35HWac/vNe0F5/A2F9Q5ioQcyCZGX98y7JxcRehI2uIDm3kdcAAAPoYjY2NTFlZDAtMGQ3MC00MjllLWFjNzUtMzlhMDgwNDVkZTEzAAAAAACscfMAAAPoz34wIbEIT2OWLRoOvJF9jU5bLhg/EKK/9nPpuvl2OnEAAAAIAAAPoAAA3q0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIAAAAPoAAA3q0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP4AAAPoAAA3q0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAXwAAAPoAAA3q0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAfoAAAPoAAA3q0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAngAAAPoAAA3q0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAvYAAAPoAAA3q0AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3QAAAPoA==";

    fn decoded(text: &str) -> Vec<u8> {
        base64::engine::general_purpose::STANDARD.decode(text).unwrap()
    }

    fn whole((header, description): (&str, &str)) -> Vec<u8> {
        let mut bytes = decoded(header);
        bytes.resize(START, 0);
        bytes.extend(description.as_bytes());
        bytes.resize(16384, 0);
        bytes
    }

    #[test]
    fn reads_luks2() {
        let bytes = whole(LUKS2);
        assert_eq!((length(&bytes), epoch(&bytes)), (Ok(16384), Some(4)));
        let found = parse(&bytes).unwrap();
        assert_eq!(found.uuid, Uuid::Known("42cdaab1-0083-4d6d-bb5b-739de1c24570".into()));
        assert_eq!((found.version, found.label.as_deref(), found.strange), (2, Some("box"), None));
        assert_eq!(
            (found.cipher.as_str(), found.key_bits, found.hash.as_str()),
            ("aes-xts-plain64", 512, "sha256")
        );
        assert_eq!((found.sector, found.offset), (512, 16 << 20));
        assert_eq!((found.slots, found.lasting), ([0].into(), [Flag::Discards].into()));
    }

    #[test]
    fn reads_luks1() {
        let mut bytes = decoded(LUKS1);
        bytes.resize(1024, 0);
        assert_eq!(epoch(&bytes), None);
        let found = parse(&bytes).unwrap();
        assert_eq!(found.uuid, Uuid::Known("b6651ed0-0d70-429e-ac75-39a08045de13".into()));
        assert_eq!((found.version, found.cipher.as_str(), found.key_bits), (1, "aes-xts-plain64", 512));
        assert_eq!((found.offset, found.slots), (4096 * 512, [0].into()));
    }

    #[test]
    fn a_damaged_header_is_an_error_and_none_is_none() {
        let mut bytes = whole(LUKS2);
        bytes[5000] ^= 1;
        assert!(parse(&bytes).unwrap_err().contains("checksum is wrong"));
        assert_eq!(parse(&[0; 8192]).unwrap_err(), "luks: there is no header");
        assert_eq!(parse(&whole(LUKS2)[..8192]).unwrap_err(), "luks: the header is cut short");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..6000), version in 0u8..4) {
            if bytes.len() > 16 {
                bytes[..6].copy_from_slice(MAGIC);
                bytes[6..16].copy_from_slice(&[0, version, 0, 0, 0, 0, 0, 0, 16, 100]);
            }
            let _ = (length(&bytes), parse(&bytes), epoch(&bytes));
        }
    }
}
