//! Paths: what is there, its owner and mode, and where asked for its content.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Needs;
use crate::exec::{Kind, Stat};
use crate::plan::same_but_for_late_names;

/// Content of larger files is not looked at.
pub const LARGEST_CONTENT: u64 = 16 << 20;

/// The paths that were looked at. A path with `None` was looked at and nothing is there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Files {
    pub seen: BTreeMap<String, Option<FileState>>,
    /// Everything below a folder, where that was asked for.
    pub trees: BTreeMap<String, Tree>,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileState {
    pub stat: Stat,
    /// The content of a regular file, where it was asked for and is no larger than [`LARGEST_CONTENT`].
    pub content: Option<Vec<u8>>,
}

/// Everything below a folder; links are not followed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tree {
    /// By whole path.
    pub entries: BTreeMap<String, Stat>,
    /// There was more than is worth looking at.
    pub cut: bool,
}

impl FileState {
    /// What a plan expects to be there. Inode, device and times are not predicted.
    pub fn expected(kind: Kind, mode: u32, uid: u32, gid: u32, content: Option<Vec<u8>>) -> Self {
        let stat = Stat {
            kind,
            mode,
            uid,
            gid,
            size: content.as_ref().map_or(0, |content| content.len() as u64),
            inode: 0,
            device: 0,
            links: 1,
            modified: 0.0,
            accessed: 0.0,
            changed: 0.0,
            target: None,
        };
        Self { stat, content }
    }

    /// A symbolic link as a plan expects it.
    pub fn expected_link(target: &str, uid: u32, gid: u32) -> Self {
        let mut state = Self::expected(Kind::Link, 0o777, uid, gid, None);
        state.stat.target = Some(target.into());
        state
    }
}

impl Files {
    /// What is at a path, without following a link there; `None` when nothing is, or when nobody looked.
    pub fn at(&self, path: &str) -> Option<&FileState> {
        self.seen.get(path)?.as_ref()
    }

    /// Where a path leads when links are followed, and what is there. A link that leads nowhere ends at `None`.
    pub fn follow(&self, path: &str) -> (String, Option<&FileState>) {
        let mut path = path.to_owned();
        // As many links as the kernel follows.
        for _ in 0..40 {
            match self.at(&path).map(|state| (state, &state.stat.target)) {
                Some((_, Some(target))) => path = pointed_at(&path, target),
                Some((state, None)) => return (path, Some(state)),
                None => break,
            }
        }
        (path, None)
    }

    /// Everything below a folder, as far as it was looked at and with what is predicted there.
    pub fn below(&self, folder: &str) -> Tree {
        let mut tree = self.trees.get(folder).cloned().unwrap_or_default();
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        for (path, state) in
            self.seen.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix))
        {
            match state {
                Some(state) => tree.entries.insert(path.clone(), state.stat.clone()),
                None => tree.entries.remove(path),
            };
        }
        tree
    }
}

/// Where a link at `path` points. `..` stays in it: only the kernel knows what is behind a link in between.
pub fn pointed_at(path: &str, target: &Path) -> String {
    let folder = Path::new(path).parent().unwrap_or(Path::new("/"));
    folder.join(target).to_string_lossy().into_owned()
}

/// What an action does to a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FilesEffect {
    /// The path becomes this. Inode, device and times are not predicted; content that is `None` stays what it is.
    Put { path: String, state: FileState },
    /// Nothing is at the path afterwards.
    Gone { path: String },
    /// A file system is mounted at the path: a folder, whose owner and mode are that file system's own.
    MountPoint { path: String },
    /// Lines of the file were edited with late names; whoever wants its content looks again.
    Touched { path: String },
}

impl FilesEffect {
    pub fn path(&self) -> &str {
        match self {
            Self::Put { path, .. }
            | Self::Gone { path }
            | Self::MountPoint { path }
            | Self::Touched { path } => path,
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same path.
    pub fn replaces(&self, earlier: &Self) -> bool {
        self.path() == earlier.path()
    }

    pub fn apply(&self, files: &mut Files) {
        match self {
            Self::Put { path, state } => {
                let mut state = state.clone();
                if state.stat.kind == Kind::File
                    && state.content.is_none()
                    && let Some(Some(now)) = files.seen.get_mut(path)
                    && now.stat.kind == Kind::File
                {
                    state.content = now.content.take();
                    state.stat.size = now.stat.size;
                }
                files.seen.insert(path.clone(), Some(state));
            }
            Self::Gone { path } => {
                let below = format!("{path}/");
                files
                    .seen
                    .iter_mut()
                    .filter(|(seen, _)| seen.starts_with(&below))
                    .for_each(|(_, state)| *state = None);
                files.trees.retain(|tree, _| tree != path && !tree.starts_with(&below));
                files.trees.values_mut().for_each(|tree| {
                    tree.entries.retain(|entry, _| entry != path && !entry.starts_with(&below));
                });
                files.seen.insert(path.clone(), None);
            }
            Self::MountPoint { path } => {
                if !matches!(files.seen.get(path), Some(Some(found)) if found.stat.kind == Kind::Directory) {
                    files
                        .seen
                        .insert(path.clone(), Some(FileState::expected(Kind::Directory, 0o755, 0, 0, None)));
                }
            }
            Self::Touched { .. } => {}
        }
    }

    pub fn holds(&self, files: &Files) -> Result<(), String> {
        if matches!(self, Self::Touched { .. }) {
            return Ok(());
        }
        let found = files.seen.get(self.path()).ok_or("it could not be observed again")?;
        match (self, found) {
            (Self::Gone { path }, Some(_)) => Err(format!("{path} is still there")),
            (Self::Put { path, .. } | Self::MountPoint { path }, None) => Err(format!("{path} is not there")),
            (Self::MountPoint { path }, Some(found)) if found.stat.kind != Kind::Directory => {
                Err(format!("{path} is {} and no mount point", found.stat.kind.name()))
            }
            (Self::Gone { .. }, None) | (Self::MountPoint { .. } | Self::Touched { .. }, _) => Ok(()),
            (Self::Put { path, state }, Some(found)) => {
                let (want, got) = (&state.stat, &found.stat);
                if want.kind != got.kind {
                    return Err(format!("{path} is {} and not {}", got.kind.name(), want.kind.name()));
                }
                if want.target != got.target {
                    return Err(format!("{path} leads to {:?} and not to {:?}", got.target, want.target));
                }
                if (want.mode, want.uid, want.gid) != (got.mode, got.uid, got.gid) && want.target.is_none() {
                    return Err(format!(
                        "{path} has mode {:04o} and owner {}:{}, not {:04o} and {}:{}",
                        got.mode, got.uid, got.gid, want.mode, want.uid, want.gid
                    ));
                }
                match (&state.content, &found.content) {
                    (Some(want), Some(got)) if !same_but_for_late_names(want, got) => {
                        Err(format!("{path} has other content than was written"))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    pub fn needs(&self) -> Needs {
        match self {
            Self::Put { path, state } if state.content.is_some() => Needs::nothing().content(path.as_str()),
            Self::Put { path, .. } | Self::Gone { path } | Self::MountPoint { path } => {
                Needs::nothing().path(path.as_str())
            }
            Self::Touched { .. } => Needs::nothing(),
        }
    }

    pub fn forget(&self, files: &mut Files) {
        if let Self::MountPoint { path } = self {
            let below = format!("{path}/");
            files.seen.retain(|seen, _| !seen.starts_with(&below));
        }
        files.seen.remove(self.path());
        files.trees.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_links_as_far_as_they_lead() {
        let mut files = Files::default();
        files.seen.insert("/a/link".into(), Some(FileState::expected_link("../b", 0, 0)));
        let file = FileState::expected(Kind::File, 0o644, 0, 0, Some(b"x".to_vec()));
        files.seen.insert("/a/../b".into(), Some(file));
        assert_eq!(files.follow("/a/link").0, "/a/../b");
        files.seen.insert("/loop".into(), Some(FileState::expected_link("/loop", 0, 0)));
        assert!(files.follow("/loop").1.is_none());
    }

    #[test]
    fn a_change_of_mode_keeps_the_content_in_the_model() {
        let mut files = Files::default();
        let old = FileState::expected(Kind::File, 0o644, 0, 0, Some(b"text".to_vec()));
        files.seen.insert("/f".into(), Some(old));
        let state = FileState::expected(Kind::File, 0o600, 0, 0, None);
        FilesEffect::Put { path: "/f".into(), state }.apply(&mut files);
        let now = files.at("/f").unwrap();
        assert_eq!((now.stat.mode, now.content.as_deref()), (0o600, Some(&b"text"[..])));
    }
}
