//! Where included templates and the files of `lookup('file', ...)` come from.
//!
//! Names are looked for beside the file that asks, then in each root, there first in the folder for their kind.

use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// A place files are read from: a disk, or what is embedded in the binary.
pub trait Files: Send + Sync + fmt::Debug {
    /// The text of a file; `None` where there is none.
    fn read(&self, path: &Path) -> io::Result<Option<String>>;
}

/// The file system of the controller.
#[derive(Debug)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Option<String>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::IsADirectory) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// Files, and the folders they are looked for in when a scope names none.
#[derive(Debug, Clone)]
pub struct FileRoots {
    pub files: Arc<dyn Files>,
    pub roots: Vec<PathBuf>,
}

impl FileRoots {
    /// The controller's disk, searched in `roots`.
    pub fn disk(roots: Vec<PathBuf>) -> Self {
        Self { files: Arc::new(Disk), roots }
    }

    /// The first of the places where `name` may stand that has a file.
    pub(super) fn find(
        &self,
        name: &str,
        folder: &str,
        beside: Option<&Path>,
        roots: &[PathBuf],
    ) -> io::Result<Option<(PathBuf, String)>> {
        for path in self.places(name, folder, beside, roots) {
            if let Some(text) = self.files.read(&path)? {
                return Ok(Some((path, text)));
            }
        }
        Ok(None)
    }

    fn places(&self, name: &str, folder: &str, beside: Option<&Path>, roots: &[PathBuf]) -> Vec<PathBuf> {
        let name = Path::new(name);
        if name.is_absolute() {
            return vec![name.to_owned()];
        }
        let mut places: Vec<PathBuf> = beside.map(|folder| folder.join(name)).into_iter().collect();
        for root in roots.iter().chain(&self.roots) {
            places.push(root.join(folder).join(name));
            places.push(root.join(name));
        }
        places.into_iter().map(|place| tidy(&place)).collect()
    }
}

/// The path without `.` and `a/..`.
pub(super) fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(tidy.components().next_back(), Some(Component::Normal(_))) => {
                tidy.pop();
            }
            other => tidy.push(other),
        }
    }
    tidy
}
