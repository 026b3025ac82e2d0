//! This machine. Programs run in their own process group, so that a deadline ends their children too.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{PidfdFlags, pidfd_open};

use super::{Command, Kind, Output, Private, Seen, Stat, Status, System, WhenCut, private};

/// Told the process group and the name of a program that has to run to its end, and `None` once it has.
pub type Ledger = dyn Fn(Option<(u32, &str)>) + Send + Sync;

/// This machine, as the process that runs here may see it.
#[derive(Default)]
pub struct Native {
    cut: Arc<AtomicBool>,
    ledger: Option<Box<Ledger>>,
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

    fn spawn(command: &Command) -> io::Result<Child> {
        let mut native = std::process::Command::new(&command.program);
        native
            .args(&command.args)
            .env("LC_ALL", "C.UTF-8")
            .envs(command.env.iter().map(|(name, value)| (name, value)))
            .stdin(if command.stdin.bytes().is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        // sudo and non-login ssh leave the administrator's folders out; storage tools live there.
        let path = std::env::var("PATH").unwrap_or_default();
        native.env("PATH", format!("{path}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"));
        if let Some(cwd) = &command.cwd {
            native.current_dir(cwd);
        }
        native.spawn()
    }

    fn wait(&self, child: &mut Child, command: &Command) -> io::Result<Status> {
        let start = Instant::now();
        let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        // Kernels before 5.3 have no pidfd: there we look again every few milliseconds.
        let ended = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        loop {
            if let Some(status) = child.try_wait()? {
                let signal = Status::Signal(status.signal().unwrap_or(0));
                return Ok(status.code().map_or(signal, Status::Code));
            }
            let late = start.elapsed() > command.deadline;
            if late || (self.is_cut() && command.when_cut == WhenCut::Kill) {
                end_group(child);
                child.wait()?;
                return Ok(if late { Status::TimedOut } else { Status::Signal(9) });
            }
            match &ended {
                Some(ended) => {
                    let slice = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
                    // Interrupted or not: the loop looks again.
                    let _ = poll(&mut [PollFd::new(ended, PollFlags::IN)], Some(&slice));
                }
                None => thread::sleep(Duration::from_millis(5)),
            }
        }
    }
}

fn end_group(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        // The group may have ended by itself in the meantime: nothing is lost then.
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

/// What a stream has said so far, read by a thread of its own.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: mpsc::Receiver<()>,
}

impl Collected {
    fn of(mut stream: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (send, ended) = mpsc::channel::<()>();
        let shared = Arc::clone(&bytes);
        thread::spawn(move || {
            let _ended = send;
            let mut buffer = vec![0; 64 * 1024];
            // A stream that breaks ends here; what came before it still counts.
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                shared.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..count]);
            }
        });
        Self { bytes, ended }
    }

    /// All of it; or, where a daemon left behind still holds the pipe, what came until a moment later.
    fn finish(self) -> Vec<u8> {
        let _ = self.ended.recv_timeout(Duration::from_millis(500));
        std::mem::take(&mut self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
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
        let mut child = match Self::spawn(command) {
            Ok(child) => child,
            Err(error) => return missing(&error),
        };
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            unreachable!("both were asked to be pipes")
        };
        let (stdout, stderr) = (Collected::of(stdout), Collected::of(stderr));
        if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), command.stdin.bytes().map(<[u8]>::to_vec))
        {
            thread::spawn(move || {
                // A program that does not read its input is free to do so.
                let _ = pipe.write_all(&bytes);
            });
        }
        let ledger = self.ledger.as_deref().filter(|_| command.when_cut == WhenCut::Finish);
        if let Some(ledger) = ledger {
            // Not its arguments: they may say what others on this host must not read.
            ledger(Some((child.id(), &command.program)));
        }
        let status = self.wait(&mut child, command);
        if let Some(ledger) = ledger {
            ledger(None);
        }
        let status = match status {
            Ok(status) => status,
            Err(error) => return missing(&error),
        };
        Output { status, stdout: stdout.finish(), stderr: stderr.finish() }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn read_at(&self, path: &Path, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(path)?;
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
