//! What is mounted, what swaps, and what fstab says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::block::{Block, Device};
use crate::plan::same_but_for_late_names;

/// The mounts of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mounts {
    /// In the order of mounting: a later one hides an earlier one at the same path.
    pub live: Vec<Live>,
    pub fstab: Vec<FstabEntry>,
    /// Devices (by lasting name) and files that are swapped to.
    pub swaps: Vec<String>,
    /// Folders that were looked into, as asked for in `Needs::mount_points`, and whether anything is in them.
    pub occupied: BTreeMap<String, bool>,
    /// Whether systemd makes units of fstab.
    pub systemd: bool,
}

/// Something that is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    pub target: String,
    /// A block device by its lasting name, or what the kernel says: `host:/path`, `tmpfs`.
    pub source: String,
    pub fstype: String,
    pub options: Vec<String>,
    /// The folder of the file system that is seen there: `/` but for bind mounts and subvolumes.
    pub root: String,
}

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

impl FstabEntry {
    /// The block device it speaks of, whatever it calls it.
    pub fn device<'a>(&self, block: &'a Block) -> Option<&'a Device> {
        let late = self.spec.strip_prefix("UUID=@{uuid:").and_then(|rest| rest.strip_suffix('}'));
        block.find(late.unwrap_or(&self.spec)).map(|device| block.lead_device(device))
    }
}

impl Mounts {
    /// A device got another name.
    pub fn rename_device(&mut self, from: &str, to: &str) {
        let sources = self.live.iter_mut().map(|live| &mut live.source).chain(&mut self.swaps);
        sources.filter(|name| *name == from).for_each(|name| to.clone_into(name));
    }

    /// What is seen at a path.
    pub fn at(&self, path: &str) -> Option<&Live> {
        self.live.iter().rev().find(|live| live.target == path)
    }

    /// Where a source is mounted.
    pub fn of<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a Live> {
        self.live.iter().filter(move |live| live.source == source)
    }

    /// The file system a path lies in.
    pub fn around(&self, path: &str) -> Option<&Live> {
        let inside = |live: &&Live| {
            live.target == "/" || path == live.target || path.starts_with(&format!("{}/", live.target))
        };
        self.live.iter().rev().filter(inside).max_by_key(|live| live.target.len())
    }
}

/// What an action does to mounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountsEffect {
    /// What is seen at a path; the options are those that can be seen there.
    Live { target: String, mount: Option<Live> },
    /// What fstab says of a path: one entry, or none.
    Fstab { path: String, entry: Option<FstabEntry> },
}

impl MountsEffect {
    pub fn apply(&self, mounts: &mut Mounts) {
        match self {
            Self::Live { target, mount } => {
                mounts.live.retain(|live| live.target != *target);
                mounts.live.extend(mount.clone());
            }
            Self::Fstab { path, entry } => {
                let at = mounts.fstab.iter().position(|old| old.path == *path);
                mounts.fstab.retain(|old| old.path != *path);
                if let Some(entry) = entry {
                    mounts.fstab.insert(at.unwrap_or(mounts.fstab.len()), entry.clone());
                }
            }
        }
    }

    pub fn holds(&self, mounts: &Mounts) -> Result<(), String> {
        match self {
            Self::Live { target, mount } => match (mount, mounts.at(target)) {
                (None, Some(found)) => Err(format!("{} is still mounted at {target}", found.source)),
                (Some(_), None) => Err(format!("nothing is mounted at {target}")),
                (Some(want), Some(found)) if want.source != found.source => {
                    Err(format!("{} is mounted at {target}, not {}", found.source, want.source))
                }
                (None, None) | (Some(_), Some(_)) => Ok(()),
            },
            Self::Fstab { path, entry } => {
                let found: Vec<&FstabEntry> =
                    mounts.fstab.iter().filter(|found| found.path == *path).collect();
                match (entry, found.as_slice()) {
                    (None, []) => Ok(()),
                    (Some(want), [found])
                        if want.line == found.line
                            || same_but_for_late_names(want.line.as_bytes(), found.line.as_bytes()) =>
                    {
                        Ok(())
                    }
                    _ => Err(format!("fstab has {} entries of {path}, not the planned one", found.len())),
                }
            }
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Live { target, .. }, Self::Live { target: other, .. }) => target == other,
            (Self::Fstab { path, .. }, Self::Fstab { path: other, .. }) => path == other,
            _ => false,
        }
    }
}
