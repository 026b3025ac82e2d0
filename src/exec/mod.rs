//! Running programs and looking at files: the only place that spawns processes on a host.
//!
//! [`System`] is the one door to the outside. [`Native`] is this machine; [`Transcript`] replays recorded answers
//! and fails on anything that was not recorded, so that a test proves what was asked.

mod command;
mod native;
mod private;
mod process;
mod transcript;
mod zeroes;

pub use command::{Command, Output, Status, Stdin, WhenCut};
pub use native::{Ledger, Native};
pub use private::{AT as PRIVATE, Private, Seen};
pub use transcript::Transcript;
pub use zeroes::all_zero;

use std::io;
use std::path::{Path, PathBuf};

/// What a machine can be asked without changing it, and the running of programs.
pub trait System: Send + Sync {
    /// Runs a program to its end or its deadline. A program that does not exist is a [`Status::Missing`].
    fn run(&self, command: &Command) -> Output;

    /// The whole content of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// `/proc/self/mounts`, which may be asked for at every look at a path.
    fn mounts(&self) -> io::Result<Vec<u8>> {
        self.read(Path::new("/proc/self/mounts"))
    }

    /// `length` bytes of a file or device from `offset` on; fewer only at its end.
    fn read_at(&self, path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>>;

    /// Whether a block device opens for nobody else: it is not mounted, held or swapped to.
    fn open_exclusive(&self, path: &Path) -> io::Result<bool>;

    /// The names in a folder, sorted; empty when there is no such folder.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// The path with all symbolic links followed; `NotFound` when it leads nowhere.
    fn resolve(&self, path: &Path) -> io::Result<PathBuf>;

    /// What is at a path, without following a link there; `None` when nothing is.
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>>;

    /// How large the file system is that is mounted there.
    fn usage(&self, _mount_point: &Path) -> io::Result<Usage> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// What is at each path below a folder, without following a link. With `mount`, that is mounted at [`PRIVATE`]
    /// meanwhile, and nobody else sees it.
    fn look(&self, mount: Option<&Private>, folder: &Path, paths: &[String])
    -> io::Result<Vec<Option<Seen>>>;

    /// The user and group that what is made here belongs to.
    fn identity(&self) -> (u32, u32) {
        (0, 0)
    }
}

/// What `statvfs` says of a file system, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub size: u64,
    pub used: u64,
}

/// What `lstat` says of a path.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Stat {
    pub kind: Kind,
    /// Permission bits, without the file type.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    pub inode: u64,
    pub device: u64,
    pub links: u64,
    /// Seconds since the epoch, with fractions.
    pub modified: f64,
    pub accessed: f64,
    pub changed: f64,
    /// Where a symbolic link points, as it is written there.
    pub target: Option<PathBuf>,
}

/// The kinds of things a path can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    File,
    Directory,
    Link,
    BlockDevice,
    Other,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Directory => "a directory",
            Self::Link => "a symbolic link",
            Self::BlockDevice => "a block device",
            Self::Other => "a special file",
        }
    }
}
