//! What was there before a change, kept on the host itself. Nothing is ever overwritten, and nothing is cleaned up here.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::place::stamp;

/// Where evidence is kept.
pub(super) const FOLDER: &str = "/var/lib/holdfast/evidence";

/// Writes a new file below `folder` and says where it is.
pub(super) fn keep(folder: &Path, name: &str, content: &[u8]) -> io::Result<PathBuf> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let named = folder.join(name);
    if let Some(parent) = named.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    for count in 0..1000 {
        let more = if count == 0 { String::new() } else { format!("-{count}") };
        let path = PathBuf::from(format!("{}.{}{more}", named.display(), stamp(seconds)));
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => {
                let mut file = opened?;
                file.write_all(content)?;
                // What comes next may destroy what this tells of.
                file.sync_all()?;
                if let Some(parent) = path.parent() {
                    fs::File::open(parent)?.sync_all()?;
                }
                return Ok(path);
            }
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("evidence");
        let first = keep(&root, "partition-table/HF-1", b"old").unwrap();
        let second = keep(&root, "partition-table/HF-1", b"new").unwrap();
        assert_ne!(first, second);
        assert_eq!(fs::read(&first).unwrap(), b"old");
        assert!(first.starts_with(root.join("partition-table")));
        assert_eq!(fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
