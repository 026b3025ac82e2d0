//! What is mounted, what swaps, and what fstab says.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::block::Block;
pub use super::fstab::FstabEntry;
use super::fstab::Place;
use super::swap::Area;
use crate::plan::same_but_for_late_names;

/// The mounts of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mounts {
    /// In the order of mounting: a later one hides an earlier one at the same path.
    pub live: Vec<Live>,
    pub fstab: Vec<FstabEntry>,
    /// Lines of fstab that say nothing `mount` understands; it skips them.
    pub unread: Vec<String>,
    /// What is swapped to.
    pub swaps: Vec<Area>,
    /// Files that were looked at, as asked for in `Needs::swap_files`, and whether they are made for swapping.
    pub swap_files: BTreeMap<String, bool>,
    /// Folders that were looked into, as asked for in `Needs::mount_points`, and whether anything is in them.
    pub occupied: BTreeMap<String, bool>,
    /// Whether systemd makes units of fstab.
    pub systemd: bool,
    /// Whether fstab or crypttab say something that systemd has not read yet.
    pub unread_by_systemd: bool,
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

impl Live {
    /// Whether nothing is mounted yet: somebody has to look first.
    fn waits(&self) -> bool {
        self.fstype == "autofs"
    }
}

impl Mounts {
    /// A device got another name.
    pub fn rename_device(&mut self, from: &str, to: &str) {
        let sources = self
            .live
            .iter_mut()
            .map(|live| &mut live.source)
            .chain(self.swaps.iter_mut().map(|area| &mut area.path));
        sources.filter(|name| *name == from).for_each(|name| to.clone_into(name));
    }

    /// What is seen at a path.
    pub fn at(&self, path: &str) -> Option<&Live> {
        self.live.iter().rev().find(|live| live.target == path && !live.waits())
    }

    /// How many are mounted at a path, one hiding the other.
    pub fn layers(&self, path: &str) -> usize {
        self.live.iter().filter(|live| live.target == path && !live.waits()).count()
    }

    /// Whether something is mounted at a path as soon as somebody looks there.
    pub fn waits_at(&self, path: &str) -> bool {
        self.live.iter().any(|live| live.target == path && live.waits())
    }

    /// Where a source is mounted.
    pub fn of<'a>(&'a self, source: &'a str) -> impl Iterator<Item = &'a Live> {
        self.live.iter().filter(move |live| live.source == source)
    }

    /// What is mounted below a path.
    pub fn below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Live> {
        self.live.iter().filter(move |live| live.target != path && is_below(&live.target, path))
    }

    /// The file system a path lies in.
    pub fn around(&self, path: &str) -> Option<&Live> {
        let inside = |live: &&Live| path == live.target || is_below(path, &live.target);
        self.live.iter().rev().filter(inside).max_by_key(|live| live.target.len())
    }

    /// What is swapped to, by device or file.
    pub fn swapping(&self, path: &str) -> Option<&Area> {
        self.swaps.iter().find(|area| area.path == path)
    }
}

/// Whether a path lies in a folder.
pub fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    path.len() > folder.len() + 1 && path.starts_with(folder) && path.as_bytes()[folder.len()] == b'/'
}

/// What an action does to mounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountsEffect {
    /// What is seen at a path; the options are those that can be seen there.
    Live { target: String, mount: Option<Live> },
    /// What fstab says of something: one entry, or none.
    Fstab { place: Place, entry: Option<FstabEntry> },
    /// Whether something is swapped to.
    Swap { path: String, area: Option<Area> },
    /// Whether a file is made for swapping.
    SwapFile { path: String, made: bool },
    /// systemd makes units of fstab as it is now, or it has not read yet what was added.
    Systemd { unread: bool },
}

impl MountsEffect {
    pub fn apply(&self, mounts: &mut Mounts, block: Option<&Block>) {
        match self {
            Self::Live { target, mount } => {
                mounts.live.retain(|live| live.target != *target || live.waits());
                mounts.live.extend(mount.clone());
                if mount.is_none() {
                    // Nobody can look below a mount; nothing was below it when it was mounted by us.
                    mounts.occupied.insert(target.clone(), false);
                }
            }
            Self::Fstab { place, entry } => {
                let at = mounts.fstab.iter().position(|old| place.has(old, block));
                mounts.fstab.retain(|old| !place.has(old, block));
                if let Some(entry) = entry {
                    mounts.fstab.insert(at.unwrap_or(mounts.fstab.len()), entry.clone());
                }
            }
            Self::Swap { path, area } => {
                mounts.swaps.retain(|old| old.path != *path);
                mounts.swaps.extend(area.clone());
            }
            Self::SwapFile { path, made } => {
                mounts.swap_files.insert(path.clone(), *made);
            }
            Self::Systemd { unread } => mounts.unread_by_systemd = *unread,
        }
    }

    pub fn holds(&self, mounts: &Mounts, block: Option<&Block>) -> Result<(), String> {
        match self {
            Self::Live { target, mount } => match (mount, mounts.at(target)) {
                (None, Some(found)) => Err(format!("{} is still mounted at {target}", found.source)),
                (Some(_), None) => Err(format!("nothing is mounted at {target}")),
                (Some(want), Some(found)) if want.source != found.source => {
                    Err(format!("{} is mounted at {target}, not {}", found.source, want.source))
                }
                (None, None) | (Some(_), Some(_)) => Ok(()),
            },
            Self::Fstab { place, entry } => {
                let found: Vec<&FstabEntry> =
                    mounts.fstab.iter().filter(|found| place.has(found, block)).collect();
                match (entry, found.as_slice()) {
                    (None, []) => Ok(()),
                    (Some(want), [found])
                        if want.line == found.line
                            || same_but_for_late_names(want.line.as_bytes(), found.line.as_bytes()) =>
                    {
                        Ok(())
                    }
                    _ => Err(format!(
                        "fstab has {} entries of {}, not the planned one",
                        found.len(),
                        place.name()
                    )),
                }
            }
            Self::Swap { path, area } => match (area, mounts.swapping(path)) {
                (None, Some(_)) => Err(format!("{path} is still swapped to")),
                (Some(_), None) => Err(format!("{path} is not swapped to")),
                (Some(want), Some(found)) if want.priority.is_some() && want.priority != found.priority => {
                    Err(format!("{path} is swapped to with another priority than was asked for"))
                }
                (None, None) | (Some(_), Some(_)) => Ok(()),
            },
            Self::Systemd { unread: false } if mounts.unread_by_systemd => {
                Err("systemd has not read fstab again".to_owned())
            }
            // The files say whether it is there, the next plan whether it is made for swapping. What systemd may not
            // have read yet it may have read since.
            Self::SwapFile { .. } | Self::Systemd { .. } => Ok(()),
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Live { target, .. }, Self::Live { target: other, .. }) => target == other,
            (Self::Fstab { place, .. }, Self::Fstab { place: other, .. }) => place == other,
            (Self::Swap { path, .. }, Self::Swap { path: other, .. })
            | (Self::SwapFile { path, .. }, Self::SwapFile { path: other, .. }) => path == other,
            (Self::Systemd { .. }, Self::Systemd { .. }) => true,
            _ => false,
        }
    }
}
