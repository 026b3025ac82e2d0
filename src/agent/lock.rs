//! One run at a time on a host. The lock is the kernel's (it goes when the process goes); the file says who has it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;

/// A lock that lasts as long as this value.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Why a lock was not had.
#[derive(Debug)]
pub(super) enum NoLock {
    /// Somebody else has it, and left this about themselves.
    Held(String),
    Io(io::Error),
}

/// Takes the lock at `path`, leaving `holder` there for whoever comes second.
pub(super) fn take(path: &Path, holder: &str) -> Result<Lock, NoLock> {
    let mut file = open(path).map_err(NoLock::Io)?;
    match file.try_lock() {
        Ok(()) => {
            // Another user's file can be locked but not written: then the lock holds without a name.
            if file.set_len(0).is_ok() {
                let _ = file.write_all(holder.as_bytes());
            }
            Ok(Lock { _file: file })
        }
        Err(TryLockError::WouldBlock) => {
            let holder = std::fs::read_to_string(path).unwrap_or_default();
            Err(NoLock::Held(if holder.is_empty() { "somebody who left no name".to_owned() } else { holder }))
        }
        Err(TryLockError::Error(error)) => Err(NoLock::Io(error)),
    }
}

/// Opens without creating first: in a sticky folder the kernel forbids creating over another user's file.
fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let writable = OpenOptions::new().read(true).write(true).open(path);
    match writable {
        Ok(file) => Ok(file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(path),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_hears_who_was_first() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/lock");
        let first = take(&path, "ann on laptop").unwrap();
        assert!(matches!(take(&path, "bob"), Err(NoLock::Held(holder)) if holder == "ann on laptop"));
        drop(first);
        assert!(take(&path, "bob").is_ok());
    }
}
