//! Folders, links, owners and modes.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};

use super::place;
use crate::plan::Metadata;

pub(super) fn remove(path: &Path, recursive: bool) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    match (found.is_dir(), recursive) {
        (true, true) => fs::remove_dir_all(path),
        (true, false) => fs::remove_dir(path),
        (false, _) => fs::remove_file(path),
    }
}

pub(super) fn directory(path: &Path, metadata: &Metadata) -> io::Result<()> {
    // Closed until it has its owner: nobody slips something in before.
    fs::DirBuilder::new().mode(0o700).create(path)?;
    let metadata = Metadata { mode: Some(metadata.mode.unwrap_or(0o755)), ..metadata.clone() };
    attributes(path, &metadata, false)
}

pub(super) fn link(path: &Path, target: &Path) -> io::Result<()> {
    let beside = place::beside(path);
    symlink(target, &beside)?;
    take_place(&beside, path)
}

pub(super) fn hard_link(path: &Path, target: &Path) -> io::Result<()> {
    let beside = place::beside(path);
    fs::hard_link(target, &beside)?;
    take_place(&beside, path)
}

fn take_place(beside: &Path, path: &Path) -> io::Result<()> {
    let renamed = fs::rename(beside, path);
    // Renaming one name of a file over another name of it does nothing, and a failed rename leaves it too.
    if let Err(error) = fs::remove_file(beside)
        && error.kind() != io::ErrorKind::NotFound
    {
        return renamed.and(Err(error));
    }
    renamed
}

pub(super) fn touch(path: &Path, metadata: &Metadata) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            let mode = metadata.mode.unwrap_or(0o644);
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
            utimensat(CWD, path, &Timestamps { last_access: now, last_modification: now }, AtFlags::empty())?;
        }
        Err(error) => return Err(error),
    }
    attributes(path, metadata, false)
}

/// Sets what is given. Symbolic links have an owner of their own and no mode; below a folder they are not followed.
pub(super) fn attributes(path: &Path, metadata: &Metadata, recursive: bool) -> io::Result<()> {
    let now = fs::symlink_metadata(path)?;
    let uid = metadata.uid.filter(|uid| *uid != now.uid());
    let gid = metadata.gid.filter(|gid| *gid != now.gid());
    let given = uid.is_some() || gid.is_some();
    if given {
        lchown(path, uid, gid)?;
    }
    // A change of owner drops the set-user-id bit, so the mode is set again.
    let mode = metadata.mode.unwrap_or(now.mode() & 0o7777);
    if !now.is_symlink() && (given || mode != now.mode() & 0o7777) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    if recursive && now.is_dir() {
        for entry in fs::read_dir(path)? {
            attributes(&entry?.path(), metadata, true)?;
        }
    }
    if now.is_dir() { File::open(path).and_then(|folder| folder.sync_all()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn makes_and_removes_folders() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a");
        directory(&folder, &Metadata::default()).unwrap();
        assert_eq!(mode(&folder), 0o755);
        fs::write(folder.join("file"), "").unwrap();
        symlink("file", folder.join("link")).unwrap();
        attributes(&folder, &Metadata { mode: Some(0o750), ..Metadata::default() }, true).unwrap();
        assert_eq!((mode(&folder), mode(&folder.join("file"))), (0o750, 0o750));
        assert!(remove(&folder, false).is_err());
        remove(&folder, true).unwrap();
        assert!(!folder.exists());
    }

    #[test]
    fn links_replace_links() {
        let root = tempfile::tempdir().unwrap();
        let (file, path) = (root.path().join("file"), root.path().join("link"));
        fs::write(&file, "x").unwrap();
        link(&path, Path::new("nowhere")).unwrap();
        link(&path, &file).unwrap();
        assert_eq!(fs::read_link(&path).unwrap(), file);
        hard_link(&path, &file).unwrap();
        hard_link(&path, &file).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().nlink(), 2);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }

    #[test]
    fn touch_makes_and_renews() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        touch(&path, &Metadata { mode: Some(0o600), ..Metadata::default() }).unwrap();
        assert_eq!(mode(&path), 0o600);
        File::options().write(true).open(&path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
        touch(&path, &Metadata::default()).unwrap();
        assert!(fs::metadata(&path).unwrap().mtime() > 0);
    }
}
