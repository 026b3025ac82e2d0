//! What fstab says, entry by entry, and which entries are about the same thing.

use serde::{Deserialize, Serialize};

use super::block::{Block, Device};

/// A line of fstab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FstabEntry {
    /// `UUID=...`, `/dev/...`, `host:/path`.
    pub spec: String,
    pub path: String,
    pub fstype: String,
    pub options: String,
    pub dump: u32,
    pub pass: u32,
    /// The line as it is written there.
    pub line: String,
}

/// What entries of fstab speak of. A path has one entry; swap has no path, so it is known by what is swapped to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    At(String),
    /// A device by its lasting name, or a file.
    Swap(String),
}

impl FstabEntry {
    /// The block device it speaks of, whatever it calls it.
    pub fn device<'a>(&self, block: &'a Block) -> Option<&'a Device> {
        let late = self.spec.strip_prefix("UUID=@{uuid:").and_then(|rest| rest.strip_suffix('}'));
        let found = match (late, self.spec.split_once('=')) {
            (Some(device), _) => block.find(device),
            // `UUID="..."` is written too.
            (None, Some((tag, value))) => block.find(&format!("{tag}={}", value.trim_matches('"'))),
            (None, None) => block.find(&self.spec),
        };
        found.map(|device| block.lead_device(device))
    }

    pub fn is_swap(&self) -> bool {
        self.fstype == "swap"
    }
}

impl Place {
    /// The name a change of it has.
    pub fn name(&self) -> &str {
        match self {
            Self::At(path) | Self::Swap(path) => path,
        }
    }

    /// Whether an entry is about this.
    pub fn has(&self, entry: &FstabEntry, block: Option<&Block>) -> bool {
        match self {
            Self::At(path) => !entry.is_swap() && entry.path == *path,
            Self::Swap(source) => {
                let device = || block.and_then(|block| entry.device(block));
                entry.is_swap()
                    && (entry.spec == *source || device().is_some_and(|device| device.path == *source))
            }
        }
    }
}
