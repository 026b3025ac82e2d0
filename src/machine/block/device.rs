//! One block device: what it is, and what it is called.

use serde::{Deserialize, Serialize};

use super::Content;
use crate::machine::array::Array;

/// A block device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    pub path: String,
    pub kind: DeviceKind,
    /// Bytes.
    pub size: u64,
    /// Bytes of a logical sector.
    pub sector: u64,
    pub serial: Option<String>,
    pub wwn: Option<String>,
    pub model: Option<String>,
    pub read_only: bool,
    /// Whether its medium, or the disk itself, is meant to be taken out.
    pub removable: bool,
    /// Whether it turns, as far as the kernel knows.
    pub rotational: Option<bool>,
    /// Which partition it is, where it is one.
    pub slot: Option<Slot>,
    /// What it is made of: the disk of a partition, the members of an array, the devices of a volume group.
    pub sits_on: Vec<String>,
    pub content: Content,
    pub array: Option<Array>,
}

impl Device {
    /// A device with nothing on it and nothing below it.
    pub fn new(path: impl Into<String>, kind: DeviceKind, size: u64) -> Self {
        Self {
            path: path.into(),
            kind,
            size,
            sector: 512,
            serial: None,
            wwn: None,
            model: None,
            read_only: false,
            removable: false,
            rotational: None,
            slot: None,
            sits_on: Vec::new(),
            content: Content::Blank { table: false },
            array: None,
        }
    }

    /// Whether that is its WWN, however it is written: `0x5000...`, `naa.5000...`, `eui.0025...`.
    pub fn has_wwn(&self, wanted: &str) -> bool {
        let plain = |wwn: &str| {
            let lower = wwn.trim().to_ascii_lowercase();
            let short = ["0x", "naa.", "wwn-0x", "wwn-"].iter().find_map(|prefix| lower.strip_prefix(prefix));
            short.map_or(lower.clone(), str::to_owned)
        };
        self.wwn.as_deref().is_some_and(|wwn| plain(wwn) == plain(wanted))
    }
}

/// Where a partition lies on its disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    pub number: u64,
    /// Bytes from the beginning of the disk.
    pub start: u64,
    /// The serial of the disk.
    pub serial: Option<String>,
}

/// The kinds of block devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    Disk,
    Partition,
    Array,
    /// A logical volume.
    Logical,
    /// Anything else: encrypted, multipath, loop.
    Other,
}

impl DeviceKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Partition => "partition",
            Self::Array => "array",
            Self::Logical => "logical volume",
            Self::Other => "device",
        }
    }
}

/// The kernel's path of a disk's partition: `/dev/vdb1`, `/dev/nvme0n1p1`.
pub fn partition_path(disk: &str, number: u64) -> String {
    let between = if disk.ends_with(|last: char| last.is_ascii_digit()) { "p" } else { "" };
    format!("{disk}{between}{number}")
}

/// `/dev/vg/lv` of a device-mapper name: `vg_kvm-iso--x` is `/dev/vg_kvm/iso-x`. What LVM layers below a volume has a
/// third part, `vg-lv-real`, and no path of its own.
pub fn logical_path(mapped: &str) -> Option<String> {
    // A hyphen within a name is doubled; U+0000 is in no name.
    let parts = mapped.replace("--", "\0");
    let (group, volume) = parts.split_once('-')?;
    let plain = |text: &str| text.replace('\0', "-");
    (!group.is_empty() && !volume.is_empty() && !volume.contains('-'))
        .then(|| format!("/dev/{}/{}", plain(group), plain(volume)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_mapper_names_are_read_back() {
        assert_eq!(logical_path("vg_kvm-iso--x").as_deref(), Some("/dev/vg_kvm/iso-x"));
        assert_eq!(logical_path("a--b-c").as_deref(), Some("/dev/a-b/c"));
        assert_eq!(logical_path("vg-lin-real"), None);
        assert_eq!(logical_path("vg-lin--real").as_deref(), Some("/dev/vg/lin-real"));
        assert_eq!((logical_path("luks"), logical_path("-x"), logical_path("x-")), (None, None, None));
    }
}
