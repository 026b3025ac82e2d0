//! What udev has written down of a device, in `/run/udev/data`: what libudev tells everybody, `lsblk` too. It is a hint,
//! never a proof: udev is late, and may not run at all.

use std::collections::BTreeMap;

/// Where the record of a block device is; `number` is `MAJOR:MINOR`.
pub fn record(number: &str) -> String {
    format!("/run/udev/data/b{number}")
}

/// The properties of a device.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Record(BTreeMap<String, String>);

/// Reads a record. Links, tags and times are in it too, and later versions may write more: nothing we ask for.
pub fn parse(text: &str) -> Record {
    let properties = text.lines().filter_map(|line| line.strip_prefix("E:")?.split_once('='));
    Record(properties.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

impl Record {
    /// The first of these properties that says something.
    pub fn first(&self, keys: &[&str]) -> Option<String> {
        let said = |key: &&str| self.0.get(*key).map(|value| value.trim().to_owned());
        keys.iter().filter_map(said).find(|value| !value.is_empty())
    }

    /// A property whose bytes beyond plain text are written as `\x20` (`udev_util_encode_string(3)`).
    pub fn decoded(&self, key: &str) -> Option<String> {
        let value = plain(self.0.get(key)?);
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    }
}

fn plain(encoded: &str) -> String {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.strip_prefix(b"x").and_then(|digits| digits.get(..2));
        match code.filter(|_| *first == b'\\').and_then(byte) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn byte(digits: &[u8]) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let [high, low] = digits else { return None };
    u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: systemd 252, a virtio disk with a file system, some lines left out.
    const DISK: &str = "S:disk/by-id/virtio-HF-DISK-1\nI:1364105\nE:ID_SERIAL=HF-DISK-1\nE:ID_FS_LABEL=two_words\n\
        E:ID_FS_LABEL_ENC=two\\x20w\\xc3\\xb6rds\nE:ID_FS_TYPE=ext4\nE:ID_MODEL=\nG:systemd\nQ:systemd\nV:1\n";

    #[test]
    fn reads_properties() {
        let record = parse(DISK);
        assert_eq!(record.first(&["ID_SERIAL_SHORT", "ID_SERIAL"]).as_deref(), Some("HF-DISK-1"));
        assert_eq!(record.decoded("ID_FS_LABEL_ENC").as_deref(), Some("two wörds"));
        assert_eq!(record.first(&["ID_MODEL", "S"]), None);
    }

    #[test]
    fn what_is_no_code_stays() {
        for text in ["\\x2", "\\xzz", "\\", "a\\\\x", "x20"] {
            assert_eq!(plain(text), text);
        }
    }
}
