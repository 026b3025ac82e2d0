//! What is on a device, and how one says it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Uuid;
use crate::machine::array::Stripe;

/// What is on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// Proven empty; with `table`, but for a partition table without partitions.
    Blank {
        table: bool,
    },
    FileSystem(FileSystem),
    /// A part of an array, assembled or not.
    Member {
        array: Uuid,
        name: String,
    },
    /// An LVM physical volume.
    Physical,
    /// A partition table with partitions.
    Partitions {
        table: String,
    },
    /// Another signature: LUKS, ZFS, ...
    Other {
        kind: String,
        uuid: Option<String>,
        label: Option<String>,
    },
    /// No signature is known, and still it is not empty or cannot be told.
    Unknown {
        why: String,
    },
}

/// A file system, or a swap area: bytes in a known form under a UUID and a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSystem {
    /// `xfs`, `ext4`, `swap`, ...
    pub kind: String,
    pub uuid: Uuid,
    pub label: Option<String>,
    /// Bytes it manages, where that is known.
    pub size: Option<u64>,
    /// Bytes in use, where that is known.
    pub used: Option<u64>,
    pub stripe: Option<Stripe>,
    /// What else its superblock says and somebody may want otherwise: `block_size`, `reflink`, `reserved`. Bytes,
    /// seconds and percent are numbers alone. Not held to a prediction: a module that sets one looks again.
    pub properties: BTreeMap<String, String>,
}

impl FileSystem {
    /// A file system of which nothing but its kind is known: one that is about to be made.
    pub fn new(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            uuid: Uuid::Late,
            label: None,
            size: None,
            used: None,
            stripe: None,
            properties: BTreeMap::new(),
        }
    }

    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    pub fn put(&mut self, name: &str, value: &impl ToString) {
        self.properties.insert(name.to_owned(), value.to_string());
    }
}

impl Content {
    /// In words: `an xfs file system labelled images`.
    pub fn describe(&self) -> String {
        let labelled = |label: &Option<String>| {
            label
                .as_ref()
                .filter(|label| !label.is_empty())
                .map(|label| format!(" labelled `{label}`"))
                .unwrap_or_default()
        };
        match self {
            Self::Blank { table: false } => "nothing".to_owned(),
            Self::Blank { table: true } => "an empty partition table".to_owned(),
            Self::FileSystem(found) if found.kind == "swap" => {
                format!("a swap area{}", labelled(&found.label))
            }
            Self::FileSystem(found) => format!("file system {}{}", found.kind, labelled(&found.label)),
            Self::Member { name, .. } if name.is_empty() => "a member of an array".to_owned(),
            Self::Member { name, .. } => format!("a member of the array `{name}`"),
            Self::Physical => "an LVM physical volume".to_owned(),
            Self::Partitions { table } => format!("a {table} partition table with partitions"),
            Self::Other { kind, label, .. } => format!("{kind}{}", labelled(label)),
            Self::Unknown { why } => format!("unknown content ({why})"),
        }
    }

    pub fn uuid(&self) -> Option<&str> {
        match self {
            Self::FileSystem(found) => found.uuid.known(),
            Self::Member { array, .. } => array.known(),
            Self::Other { uuid, .. } => uuid.as_deref(),
            _ => None,
        }
    }

    /// Whether an observed content is what was predicted.
    pub(super) fn agrees(&self, found: &Self) -> bool {
        match (self, found) {
            (Self::FileSystem(want), Self::FileSystem(found)) => {
                want.kind == found.kind && want.label == found.label && want.uuid.agrees(&found.uuid)
            }
            (Self::Member { array: want, .. }, Self::Member { array: found, .. }) => want.agrees(found),
            (Self::Other { uuid: None, .. }, Self::Other { kind, label, .. }) => {
                *self == Self::Other { kind: kind.clone(), uuid: None, label: label.clone() }
            }
            // A swap area is made under a new UUID, and seen as a signature that is no file system.
            (Self::FileSystem(want), Self::Other { kind, label, .. }) => {
                want.kind == *kind && want.label == *label
            }
            _ => self == found,
        }
    }
}
