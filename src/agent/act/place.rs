//! Whole files, put in place so that a reader sees the old content or the new one and nothing between: written beside
//! the path, synced, renamed. `SELinux` labels are what the folder gives.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::plan::Metadata;

/// A file of this process beside `path`, readable by nobody else, gone when dropped.
pub(super) struct Beside {
    path: PathBuf,
    file: File,
    renamed: bool,
}

impl Beside {
    pub(super) fn new(path: &Path, content: &[u8]) -> io::Result<Self> {
        let (own, mut file) = loop {
            let own = beside(path);
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&own) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => break (own, opened?),
            }
        };
        let written = file.write_all(content);
        let whole = Self { path: own, file, renamed: false };
        written.map(|()| whole)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn rename(mut self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.path, path)?;
        self.renamed = true;
        File::open(folder(path))?.sync_all()
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.renamed {
            // Nobody can be told here, and the step has failed already.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A free name in the folder of `path`.
pub(super) fn beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    folder(path).join(format!(".holdfast-{}-{count}", std::process::id()))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes the file; answers where the old content was kept, if that was asked for. What `metadata` leaves open stays,
/// or is 0644 and this process's own for a new file.
pub(in crate::agent) fn write(
    path: &Path,
    content: &[u8],
    metadata: &Metadata,
    backup: bool,
) -> io::Result<Option<PathBuf>> {
    let before = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => None,
        found => Some(found?),
    };
    let new = Beside::new(path, content)?;
    let uid = metadata.uid.or(before.as_ref().map(MetadataExt::uid));
    let gid = metadata.gid.or(before.as_ref().map(MetadataExt::gid));
    own(&new.file, uid, gid)?;
    let mode = metadata.mode.or(before.as_ref().map(|before| before.mode() & 0o7777)).unwrap_or(0o644);
    new.file.set_permissions(fs::Permissions::from_mode(mode))?;
    let kept = match &before {
        Some(before) if backup => Some(keep(path, before)?),
        _ => None,
    };
    new.rename(path)?;
    Ok(kept)
}

/// Gives the file to somebody, where it is not theirs already: only root may do that.
fn own(file: &File, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
    let now = file.metadata()?;
    let uid = uid.filter(|uid| *uid != now.uid());
    let gid = gid.filter(|gid| *gid != now.gid());
    if uid.is_none() && gid.is_none() { Ok(()) } else { std::os::unix::fs::fchown(file, uid, gid) }
}

fn keep(path: &Path, before: &fs::Metadata) -> io::Result<PathBuf> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}~", stamp(seconds)));
    let kept = PathBuf::from(name);
    let copy = Beside::new(&kept, &fs::read(path)?)?;
    own(&copy.file, Some(before.uid()), Some(before.gid()))?;
    copy.file.set_permissions(fs::Permissions::from_mode(before.mode() & 0o7777))?;
    copy.rename(&kept)?;
    Ok(kept)
}

/// Seconds since the epoch as `2024-05-01T12:33:44Z`.
pub(super) fn stamp(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Civil from days, with years that begin in March (Howard Hinnant).
    let z = days + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_mode_and_the_old_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let kept = write(&path, b"new", &Metadata::default(), true).unwrap().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
        assert_eq!(fs::read(&kept).unwrap(), b"old");
        assert_eq!(fs::metadata(&kept).unwrap().mode() & 0o7777, 0o640);
        assert!(kept.to_string_lossy().ends_with("Z~"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_new_file_has_the_mode_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write(&path, b"x", &Metadata { mode: Some(0o4750), ..Metadata::default() }, true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o4750);
        let other = folder.path().join("other");
        write(&other, b"x", &Metadata::default(), false).unwrap();
        assert_eq!(fs::metadata(&other).unwrap().mode() & 0o7777, 0o644);
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("folder");
        fs::create_dir(&path).unwrap();
        assert!(write(&path, b"x", &Metadata::default(), false).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn stamps_are_calendar_dates() {
        assert_eq!(stamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(stamp(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(stamp(1_714_566_824), "2024-05-01T12:33:44Z");
    }
}
