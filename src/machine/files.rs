//! Paths: what is there, its owner and mode, and where asked for its content.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Needs;
use crate::exec::Stat;

/// The paths that were looked at. A path with `None` was looked at and nothing is there.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Files {
    pub seen: BTreeMap<String, Option<FileState>>,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileState {
    pub stat: Stat,
    /// The content of a regular file, where it was asked for.
    pub content: Option<Vec<u8>>,
}

/// What an action does to a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FilesEffect {
    /// The path becomes this. Inode, device and times are not predicted.
    Put { path: String, state: FileState },
    /// Nothing is at the path afterwards.
    Gone { path: String },
}

impl FilesEffect {
    fn path(&self) -> &str {
        match self {
            Self::Put { path, .. } | Self::Gone { path } => path,
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same path.
    pub fn replaces(&self, earlier: &Self) -> bool {
        self.path() == earlier.path()
    }

    pub fn apply(&self, files: &mut Files) {
        match self {
            Self::Put { path, state } => files.seen.insert(path.clone(), Some(state.clone())),
            Self::Gone { path } => {
                let below = format!("{path}/");
                files
                    .seen
                    .iter_mut()
                    .filter(|(seen, _)| seen.starts_with(&below))
                    .for_each(|(_, state)| *state = None);
                files.seen.insert(path.clone(), None)
            }
        };
    }

    pub fn holds(&self, files: &Files) -> Result<(), String> {
        let found = files.seen.get(self.path()).ok_or("it could not be observed again")?;
        match (self, found) {
            (Self::Gone { .. }, None) => Ok(()),
            (Self::Gone { path }, Some(_)) => Err(format!("{path} is still there")),
            (Self::Put { path, .. }, None) => Err(format!("{path} is not there")),
            (Self::Put { path, state }, Some(found)) => {
                let (want, got) = (&state.stat, &found.stat);
                if want.kind != got.kind {
                    return Err(format!("{path} is {} and not {}", got.kind.name(), want.kind.name()));
                }
                if (want.mode, want.uid, want.gid) != (got.mode, got.uid, got.gid) && want.target.is_none() {
                    return Err(format!(
                        "{path} has mode {:04o} and owner {}:{}, not {:04o} and {}:{}",
                        got.mode, got.uid, got.gid, want.mode, want.uid, want.gid
                    ));
                }
                if state.content.is_some() && found.content.is_some() && state.content != found.content {
                    return Err(format!("{path} has other content than was written"));
                }
                Ok(())
            }
        }
    }

    pub fn needs(&self) -> Needs {
        match self {
            Self::Put { path, state } if state.content.is_some() => Needs::nothing().content(path.as_str()),
            Self::Put { path, .. } | Self::Gone { path } => Needs::nothing().path(path.as_str()),
        }
    }

    pub fn forget(&self, files: &mut Files) {
        files.seen.remove(self.path());
    }
}
