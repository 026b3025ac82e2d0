//! What a partition is for, in the words of its table: types of a GPT, of a dos table, and the flags of parted.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::machine::table::Label;
use crate::modules::devices::checked_text;
use crate::plan::Refusal;

/// Name, GUID, and type of a dos table (0 where there is none).
///
/// Sources: the UEFI specification, the Discoverable Partitions Specification, `sfdisk --list-types` of util-linux 2.38.
const KINDS: [(&str, &str, &str); 10] = [
    ("linux", "0FC63DAF-8483-4772-8E79-3D69D8477DE4", "83"),
    ("swap", "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "82"),
    ("lvm", "E6D6D379-F507-44C2-A23C-238F2A3DF928", "8e"),
    ("raid", "A19D880F-05FC-4D3B-A006-743F0F84911E", "fd"),
    ("esp", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "ef"),
    ("bios_grub", "21686148-6449-6E6F-744E-656564454649", "0"),
    ("home", "933AC7E1-2EB4-4F13-B844-0E14E2AEF915", "0"),
    ("srv", "3B8F8425-20E0-4F3B-907F-1A25A76F98E8", "0"),
    ("xbootldr", "BC13C2FF-59E6-4262-A352-B275FD6F7172", "ea"),
    ("msdata", "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7", "7"),
];

checked_text!(
    /// A type of partition.
    Kind,
    |text| {
        let guid = text.len() == 36
            && text.char_indices().all(|(at, letter)| match at {
                8 | 13 | 18 | 23 => letter == '-',
                _ => letter.is_ascii_hexdigit(),
            });
        let digits = matches!(text.len(), 1 | 2) && u8::from_str_radix(text, 16).is_ok_and(|kind| kind != 0);
        if guid || digits || KINDS.iter().any(|(name, ..)| *name == text) {
            return Ok(());
        }
        let names: Vec<&str> = KINDS.iter().map(|(name, ..)| *name).collect();
        Err(format!(
            "`{text}` is no type of a partition: {}, a GUID, or two hexadecimal digits",
            names.join(", ")
        ))
    }
);

/// A flag, as parted names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Flag {
    Boot,
    Esp,
    Lvm,
    Raid,
    Swap,
    BiosGrub,
    LegacyBoot,
}

/// A file system a partition may be meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) enum FsType {
    #[serde(rename = "ext2")]
    Ext2,
    #[serde(rename = "ext3")]
    Ext3,
    #[serde(rename = "ext4")]
    Ext4,
    #[serde(rename = "xfs")]
    Xfs,
    #[serde(rename = "btrfs")]
    Btrfs,
    #[serde(rename = "linux-swap")]
    LinuxSwap,
    #[serde(rename = "fat32")]
    Fat32,
    #[serde(rename = "ntfs")]
    Ntfs,
}

/// `LegacyBIOSBootable`: what parted calls `legacy_boot`.
pub(super) const LEGACY_BOOT: &str = "LegacyBIOSBootable";

impl FsType {
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Ext2 | Self::Ext3 | Self::Ext4 | Self::Xfs | Self::Btrfs => "linux",
            Self::LinuxSwap => "swap",
            Self::Fat32 | Self::Ntfs => "msdata",
        }
    }
}

/// The type as the table writes it.
pub(super) fn written(kind: &str, label: Label) -> Result<String, Refusal> {
    let known = KINDS.iter().find(|(name, ..)| *name == kind);
    let text = match (known, label) {
        (Some((_, guid, _)), Label::Gpt) => (*guid).to_owned(),
        (Some((_, _, digits)), Label::Dos) => (*digits).to_owned(),
        (None, Label::Gpt) => kind.to_ascii_uppercase(),
        (None, Label::Dos) => kind.trim_start_matches('0').to_ascii_lowercase(),
    };
    let fits = match label {
        Label::Gpt => text.len() == 36,
        Label::Dos => matches!(text.len(), 1 | 2) && text != "0",
    };
    if !fits {
        return Err(Refusal::new(format!("a {} table has no type `{kind}`", label.name())));
    }
    if label == Label::Dos && matches!(text.as_str(), "5" | "f" | "85") {
        return Err(Refusal::new("extended partitions are not supported yet").help("use `label: gpt`"));
    }
    Ok(text)
}

/// The name of a type, where it has one.
pub(super) fn named(kind: &str) -> &str {
    KINDS.iter().find(|(_, guid, digits)| *guid == kind || *digits == kind).map_or(kind, |(name, ..)| name)
}

/// What flags make of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flagged {
    pub(super) kind: &'static str,
    /// `legacy_boot` of a GPT.
    pub(super) legacy_boot: bool,
    /// `boot` of a dos table.
    pub(super) bootable: bool,
}

pub(super) fn flagged(flags: &[Flag], label: Label) -> Result<Flagged, Refusal> {
    let mut made = Flagged { kind: "linux", legacy_boot: false, bootable: false };
    for flag in flags {
        let kind = match (flag, label) {
            (Flag::Boot, Label::Dos) => {
                made.bootable = true;
                continue;
            }
            (Flag::LegacyBoot, Label::Gpt) => {
                made.legacy_boot = true;
                continue;
            }
            (Flag::Boot | Flag::Esp, _) => "esp",
            (Flag::Lvm, _) => "lvm",
            (Flag::Raid, _) => "raid",
            (Flag::Swap, _) => "swap",
            (Flag::BiosGrub, Label::Gpt) => "bios_grub",
            (Flag::BiosGrub | Flag::LegacyBoot, Label::Dos) => {
                return Err(Refusal::new(format!("a dos table has no flag like {flag:?}")));
            }
        };
        if made.kind != "linux" && made.kind != kind {
            let title =
                format!("a partition cannot be both {} and {kind}: `flags` contradict each other", made.kind);
            return Err(Refusal::new(title));
        }
        made.kind = kind;
    }
    Ok(made)
}
