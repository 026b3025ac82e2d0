//! Devices that a step of ours had begun to fill when it was cut short. The agent notes a device once it is proven
//! blank, right before anything is written to it, and strikes it out when the order has been proven. What a note is
//! worth is decided here: bytes that no signature explains are then ours, and may be written over again.
//!
//! A note never covers anything somebody could use: a whole file system, a partition table, a foreign signature, a
//! device in use. Those are somebody's, whatever was begun before.

use serde::{Deserialize, Serialize};

use super::block::{Content, Device};

/// One device, as it was when it was proven blank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    pub path: String,
    pub serial: Option<String>,
    /// Bytes.
    pub size: u64,
    /// What was to be made: `file system /dev/vg/images`.
    pub making: String,
}

/// Where the notes are kept, a JSON object a line.
pub const NOTES: &str = "/var/lib/holdfast/unfinished";

impl Unfinished {
    /// Reads the notes. A line that was cut short while it was written is no note: nothing had been begun then.
    pub fn parse(text: &str) -> Vec<Self> {
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    fn is_about(&self, device: &Device) -> bool {
        let same = match (&self.serial, &device.serial) {
            (Some(noted), Some(found)) => noted == found,
            (None, None) => self.path == device.path,
            _ => false,
        };
        same && self.size == device.size
    }

    /// What was being made on this device, when its content can be nothing but the rest of that.
    pub fn explains<'a>(notes: &'a [Self], device: &Device) -> Option<&'a str> {
        // No signature: mkfs writes it last, and the steps before it only empty things. Or a physical volume, and of no
        // group: of a group it would be in use.
        let ours = matches!(device.content, Content::Unknown { .. } | Content::Physical);
        notes.iter().rev().find(|note| ours && note.is_about(device)).map(|note| note.making.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::block::{DeviceKind, FileSystem};

    fn disk(content: Content) -> Device {
        Device { serial: Some("S".into()), content, ..Device::new("/dev/vdb", DeviceKind::Disk, 10) }
    }

    #[test]
    fn a_note_covers_what_no_signature_explains_and_nothing_else() {
        let notes = Unfinished::parse(
            "{\"path\":\"/dev/vdz\",\"serial\":\"S\",\"size\":10,\"making\":\"file system /dev/vdz\"}\n{\"path\":\"/dev/v",
        );
        let unknown = || Content::Unknown { why: "not zero".into() };
        assert_eq!(Unfinished::explains(&notes, &disk(unknown())), Some("file system /dev/vdz"));
        assert!(Unfinished::explains(&notes, &disk(Content::FileSystem(FileSystem::new("ext4")))).is_none());
        assert!(Unfinished::explains(&notes, &Device { size: 11, ..disk(unknown()) }).is_none());
        assert!(Unfinished::explains(&notes, &Device { serial: None, ..disk(unknown()) }).is_none());
        assert!(
            Unfinished::explains(&notes, &Device { serial: Some("T".into()), ..disk(unknown()) }).is_none()
        );
        assert!(Unfinished::explains(&[], &disk(unknown())).is_none());
    }
}
