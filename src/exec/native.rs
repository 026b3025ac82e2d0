//! This machine.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::process::Process;
use super::{Command, Kind, Output, Private, Seen, Stat, Status, System, Usage, WhenCut, private};

/// Told the process group and the name of a program that has to run to its end, and `None` once it has.
pub type Ledger = dyn Fn(Option<(u32, &str)>) + Send + Sync;

/// This machine, as the process that runs here may see it.
#[derive(Default)]
pub struct Native {
    cut: Arc<AtomicBool>,
    ledger: Option<Box<Ledger>>,
    mounts: Mutex<Option<Mounts>>,
}

/// The kernel's list of mounts, and what it said when it was last asked.
struct Mounts {
    file: File,
    text: Vec<u8>,
}

impl Mounts {
    fn open() -> io::Result<Self> {
        let mut mounts = Self { file: File::open("/proc/self/mounts")?, text: Vec::with_capacity(4096) };
        mounts.file.read_to_end(&mut mounts.text)?;
        Ok(mounts)
    }

    /// `proc_pid_mounts(5)`: since Linux 2.6.15 a poll tells that the list has changed since it was opened.
    fn has_changed(&self) -> bool {
        let mut list = [PollFd::new(&self.file, PollFlags::PRI)];
        poll(&mut list, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) != Ok(0)
    }
}

impl std::fmt::Debug for Native {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Native").field("cut", &self.cut).finish_non_exhaustive()
    }
}

impl Native {
    pub fn new() -> Self {
        Self::default()
    }

    /// A flag that says the controller is gone; programs that may be killed then are.
    pub fn cut_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cut)
    }

    /// Writes down from now on what has to run to its end, for whoever comes after a killed agent.
    pub fn keep_ledger(&mut self, ledger: Box<Ledger>) {
        self.ledger = Some(ledger);
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Relaxed)
    }
}

impl System for Native {
    fn run(&self, command: &Command) -> Output {
        if let Some(mount) = &command.private {
            let plain = Command { private: None, ..command.clone() };
            return mount.during(|| self.run(&plain)).unwrap_or_else(|error| Output {
                status: Status::Code(32),
                stdout: Vec::new(),
                stderr: format!("`{}`: {error}\n", mount.shown()).into_bytes(),
            });
        }
        let missing = |error: &io::Error| {
            let status =
                if error.kind() == io::ErrorKind::NotFound { Status::Missing } else { Status::Code(126) };
            Output { status, stdout: Vec::new(), stderr: error.to_string().into_bytes() }
        };
        let process = match Process::start(command) {
            Ok(process) => process,
            Err(error) => return missing(&error),
        };
        let ledger = self.ledger.as_deref().filter(|_| command.when_cut == WhenCut::Finish);
        if let Some(ledger) = ledger {
            // Not its arguments: they may say what others on this host must not read.
            ledger(Some((process.id(), &command.program)));
        }
        let output = process.finish(command, || self.is_cut());
        if let Some(ledger) = ledger {
            ledger(None);
        }
        output.unwrap_or_else(|error| missing(&error))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn mounts(&self) -> io::Result<Vec<u8>> {
        let mut known = self.mounts.lock().unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some(mounts) if !mounts.has_changed() => Ok(mounts.text.clone()),
            _ => Ok(known.insert(Mounts::open()?).text.clone()),
        }
    }

    fn read_at(&self, path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(length);
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn open_exclusive(&self, path: &Path) -> io::Result<bool> {
        use rustix::fs::{Mode, OFlags, open};
        // Not for writing: closing that would make udev look at the device again.
        match open(path, OFlags::RDONLY | OFlags::EXCL | OFlags::CLOEXEC, Mode::empty()) {
            Ok(_) => Ok(true),
            Err(rustix::io::Errno::BUSY) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        std::fs::canonicalize(path)
    }

    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        let meta = match std::fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let kind = match meta.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_symlink() => Kind::Link,
            kind if kind.is_block_device() => Kind::BlockDevice,
            _ => Kind::Other,
        };
        let target = if kind == Kind::Link { Some(std::fs::read_link(path)?) } else { None };
        #[expect(clippy::cast_precision_loss, reason = "Ansible reports times as floats")]
        let time = |seconds: i64, nanos: i64| seconds as f64 + nanos as f64 / 1e9;
        Ok(Some(Stat {
            kind,
            mode: meta.mode() & 0o7777,
            uid: meta.uid(),
            gid: meta.gid(),
            size: meta.size(),
            inode: meta.ino(),
            device: meta.dev(),
            links: meta.nlink(),
            modified: time(meta.mtime(), meta.mtime_nsec()),
            accessed: time(meta.atime(), meta.atime_nsec()),
            changed: time(meta.ctime(), meta.ctime_nsec()),
            target,
        }))
    }

    fn usage(&self, mount_point: &Path) -> io::Result<Usage> {
        let found = rustix::fs::statvfs(mount_point)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Usage { size: bytes(found.f_blocks), used: bytes(found.f_blocks.saturating_sub(found.f_bfree)) })
    }

    fn look(
        &self,
        mount: Option<&Private>,
        folder: &Path,
        paths: &[String],
    ) -> io::Result<Vec<Option<Seen>>> {
        match mount {
            Some(mount) => mount.during(|| private::look(folder, paths))?,
            None => private::look(folder, paths),
        }
    }

    fn identity(&self) -> (u32, u32) {
        (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
    }
}
