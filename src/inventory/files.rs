//! How the inventory sees files: a small window, so that tests and embedded inventories can stand behind it.

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source, Span};

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub name: String,
    pub directory: bool,
}

/// What the inventory asks of the place its files are in.
pub trait Files: Debug + Send + Sync {
    /// The content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// The names in a directory, sorted by their bytes; an error where `path` is no directory.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;
    /// Whether there is a directory (`Some(true)`), something else (`Some(false)`), or nothing.
    fn directory(&self, path: &Path) -> Option<bool>;
}

/// The file system of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = std::fs::read_dir(path)?
            .map(|entry| {
                let entry = entry?;
                let name = entry.file_name().into_string().map_err(|name| {
                    io::Error::other(format!("the name `{}` is not UTF-8", name.to_string_lossy()))
                })?;
                // Through symbolic links, like everything that opens the file later.
                Ok(Entry { name, directory: entry.path().is_dir() })
            })
            .collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        Ok(entries)
    }

    fn directory(&self, path: &Path) -> Option<bool> {
        std::fs::metadata(path).ok().map(|metadata| metadata.is_dir())
    }
}

/// A file as text, known by the path a person typed.
pub(super) fn text(files: &dyn Files, path: &Path) -> Result<Arc<Source>, Diagnostic> {
    let name = path.display();
    let bytes =
        files.read(path).map_err(|error| Diagnostic::new(format!("cannot read `{name}`: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].split(|byte| *byte == b'\n').count();
        Diagnostic::new(format!("`{name}` is not UTF-8 text (line {line})"))
    })?;
    let source = Source::new(name.to_string(), text);
    if source.text.starts_with("$ANSIBLE_VAULT;") {
        let at = Span::new(&source, 0..source.text.lines().next().unwrap_or_default().len());
        return Err(Diagnostic::new(format!("vault is not supported yet: `{name}` is encrypted"))
            .at(&at, "an encrypted file"));
    }
    Ok(source)
}

/// The names in a directory.
pub(super) fn names(files: &dyn Files, path: &Path) -> Result<Vec<Entry>, Diagnostic> {
    files
        .list(path)
        .map_err(|error| Diagnostic::new(format!("cannot list the directory `{}`: {error}", path.display())))
}
