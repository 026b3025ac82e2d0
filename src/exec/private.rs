//! A file system that is mounted for one program alone, in a mount namespace of its own.
//!
//! Nobody else sees the mount, and it ends with whoever asked for it, however that ends: nothing can be left behind.
//! The namespace belongs to one thread; the rest of this process stays where it is.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::thread;

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, openat2, statx};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_change, unmount};
use rustix::thread::UnshareFlags;
use serde::{Deserialize, Serialize};

use super::Kind;

/// Where it is mounted, for whoever may see it.
pub const AT: &str = "/run/holdfast/private";

/// What is mounted, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Private {
    pub source: String,
    pub fstype: String,
    /// For the file system: `subvolid=5`.
    pub options: String,
    pub read_only: bool,
}

/// What is at a path of a file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    pub kind: Kind,
    pub inode: u64,
    /// `chattr`'s `C`: new files are written in place.
    pub nodatacow: bool,
    /// What btrfs is asked to compress with: `zstd`, `none`, ...
    pub compression: Option<String>,
}

impl Private {
    /// The command line that mounts it like this.
    pub(super) fn shown(&self) -> String {
        let read_only = if self.read_only { "ro," } else { "" };
        format!("mount -t {} -o {read_only}{} {} {AT}", self.fstype, self.options, self.source)
    }

    /// Does something while it is mounted, and ends the mount.
    pub(super) fn during<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.enter()?;
                let done = work();
                // A program that was ended may hold it for another moment; it goes with the namespace then.
                let _ = unmount(AT, UnmountFlags::empty()).or_else(|_| unmount(AT, UnmountFlags::DETACH));
                Ok(done)
            });
            inside.join().unwrap_or_else(|_| Err(io::Error::other("what was done there broke down")))
        })
    }

    fn enter(&self) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(AT)?;
        #[expect(deprecated, reason = "what makes it unsafe is FILES, which is not unshared here")]
        rustix::thread::unshare(UnshareFlags::NEWNS)?;
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        let options = CString::new(self.options.as_str())?;
        let mut flags = MountFlags::NODEV | MountFlags::NOSUID | MountFlags::NOEXEC;
        flags.set(MountFlags::RDONLY, self.read_only);
        mount(&self.source, AT, &self.fstype, flags, options.as_c_str())?;
        Ok(())
    }
}

/// What is at each path below a folder; links are not followed, not even on the way.
pub(super) fn look(folder: &Path, paths: &[String]) -> io::Result<Vec<Option<Seen>>> {
    let root = rustix::fs::open(folder, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    paths.iter().map(|path| one(&root, path)).collect()
}

fn one(root: &OwnedFd, path: &str) -> io::Result<Option<Seen>> {
    let relative = path.trim_start_matches('/');
    let relative = if relative.is_empty() { "." } else { relative };
    let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let open = |flags| openat2(root, relative, flags | OFlags::CLOEXEC, Mode::empty(), within);
    let found = match open(OFlags::PATH | OFlags::NOFOLLOW) {
        Ok(found) => found,
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => return Ok(None),
        Err(rustix::io::Errno::LOOP) => {
            return Ok(Some(Seen { kind: Kind::Link, inode: 0, nodatacow: false, compression: None }));
        }
        Err(error) => return Err(error.into()),
    };
    let stat = statx(&found, "", AtFlags::EMPTY_PATH, rustix::fs::StatxFlags::BASIC_STATS)?;
    let kind = match rustix::fs::FileType::from_raw_mode(u32::from(stat.stx_mode)) {
        rustix::fs::FileType::Directory => Kind::Directory,
        rustix::fs::FileType::RegularFile => Kind::File,
        rustix::fs::FileType::Symlink => Kind::Link,
        rustix::fs::FileType::BlockDevice => Kind::BlockDevice,
        _ => Kind::Other,
    };
    let mut seen = Seen { kind, inode: stat.stx_ino, nodatacow: false, compression: None };
    if kind == Kind::Directory {
        let folder = open(OFlags::RDONLY | OFlags::DIRECTORY)?;
        let flags = rustix::fs::ioctl_getflags(folder.as_fd());
        seen.nodatacow = flags.is_ok_and(|flags| flags.contains(rustix::fs::IFlags::NOCOW));
        let mut text = [0; 64];
        if let Ok(length) = rustix::fs::fgetxattr(&folder, "btrfs.compression", &mut text) {
            seen.compression = Some(String::from_utf8_lossy(&text[..length]).into_owned());
        }
    }
    Ok(Some(seen))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("a/link")).unwrap();
        let paths = ["/", "a/b", "/a/link", "/a/link/passwd", "a/none"].map(str::to_owned);
        let seen = look(folder.path(), &paths).unwrap();
        let kinds: Vec<_> = seen.iter().map(|seen| seen.as_ref().map(|seen| seen.kind)).collect();
        let (folder, link) = (Some(Kind::Directory), Some(Kind::Link));
        assert_eq!(kinds, [folder, folder, link, link, None]);
    }
}
