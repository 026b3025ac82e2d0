//! A program from its start to its end. What it says is collected while it runs, without a thread per stream.
//!
//! It has a process group of its own, so that a deadline ends its children too.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Access, access};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::{Command, Output, Status, WhenCut};

/// sudo and non-login ssh leave the administrator's folders out; storage tools live there.
const FOLDERS: &str = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";

/// How long a daemon left behind may hold a pipe before what it still says is nobody's.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A running program.
pub(super) struct Process {
    child: Child,
    started: Instant,
    stdout: Stream,
    stderr: Stream,
}

impl Process {
    pub(super) fn start(command: &Command) -> io::Result<Self> {
        let started = Instant::now();
        let path = search_path(command);
        let stdin = command.stdin.bytes().map(<[u8]>::to_vec);
        // With the program's whole path known, the standard library starts it without copying our own page tables.
        let program = look_up(&command.program, &path).unwrap_or_else(|| PathBuf::from(&command.program));
        let mut native = std::process::Command::new(program);
        native
            .arg0(&command.program)
            .args(&command.args)
            .env("LC_ALL", "C.UTF-8")
            .envs(command.env.iter().map(|(name, value)| (name, value)))
            .env("PATH", path)
            .stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(cwd) = &command.cwd {
            native.current_dir(cwd);
        }
        let mut child = native.spawn()?;
        if let (Some(mut pipe), Some(bytes)) = (child.stdin.take(), stdin) {
            thread::spawn(move || {
                // A program that does not read its input is free to do so.
                let _ = pipe.write_all(&bytes);
            });
        }
        let stdout = Stream::of(child.stdout.take().map(OwnedFd::from));
        let stderr = Stream::of(child.stderr.take().map(OwnedFd::from));
        Ok(Self { child, started, stdout, stderr })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end, or ends it: after its deadline, or when nobody listens any more and it may be killed.
    pub(super) fn finish(mut self, command: &Command, is_cut: impl Fn() -> bool) -> io::Result<Output> {
        // Kernels before 5.3 have no pidfd: there we look again every few milliseconds.
        let pid = Pid::from_child(&self.child);
        let ended = pidfd_open(pid, PidfdFlags::empty()).ok();
        let slice = Duration::from_millis(if ended.is_some() { 100 } else { 5 });
        let status = loop {
            if let Some(status) = self.child.try_wait()? {
                break status.code().map_or(Status::Signal(status.signal().unwrap_or(0)), Status::Code);
            }
            let late = self.started.elapsed() > command.deadline;
            if late || (is_cut() && command.when_cut == WhenCut::Kill) {
                // The group may have ended by itself in the meantime: nothing is lost then.
                let _ = kill_process_group(pid, Signal::KILL);
                self.child.wait()?;
                break if late { Status::TimedOut } else { Status::Signal(9) };
            }
            self.listen(ended.as_ref(), slice);
        };
        let end = Instant::now();
        while self.is_speaking() && end.elapsed() < LAST_WORDS {
            self.listen(None, LAST_WORDS.saturating_sub(end.elapsed()));
        }
        Ok(Output { status, stdout: self.stdout.said, stderr: self.stderr.said })
    }

    fn is_speaking(&self) -> bool {
        self.stdout.from.is_some() || self.stderr.from.is_some()
    }

    /// Until it says something, it ends, or the time is over. Interrupted or not: whoever calls looks again.
    fn listen(&mut self, ended: Option<&OwnedFd>, time: Duration) {
        let time = Timespec { tv_sec: 0, tv_nsec: time.subsec_nanos().into() };
        let mut ready = Vec::with_capacity(3);
        ready.extend(ended.map(|ended| PollFd::new(ended, PollFlags::IN)));
        let streams = [&self.stdout, &self.stderr];
        ready.extend(streams.iter().filter_map(|s| s.from.as_ref()).map(|s| PollFd::new(s, PollFlags::IN)));
        if poll(&mut ready, Some(&time)).is_err() {
            return;
        }
        let skip = usize::from(ended.is_some());
        let mut spoke =
            ready[skip..].iter().map(|fd| !fd.revents().is_empty()).collect::<Vec<_>>().into_iter();
        for stream in [&mut self.stdout, &mut self.stderr] {
            if stream.from.is_some() && spoke.next() == Some(true) {
                stream.take();
            }
        }
    }
}

/// One of its streams, until it is closed.
struct Stream {
    from: Option<File>,
    said: Vec<u8>,
}

impl Stream {
    fn of(pipe: Option<OwnedFd>) -> Self {
        Self { from: pipe.map(File::from), said: Vec::new() }
    }

    /// What is there now. A stream that breaks ends here; what came before it still counts.
    fn take(&mut self) {
        let mut buffer = [0; 16 * 1024];
        match self.from.as_mut().map(|from| from.read(&mut buffer)) {
            Some(Ok(count @ 1..)) => self.said.extend_from_slice(&buffer[..count]),
            Some(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            _ => self.from = None,
        }
    }
}

/// The folders that its environment or ours has, and those of the administrator. An empty name among them would be the
/// folder one happens to be in.
fn search_path(command: &Command) -> String {
    let given = command.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, path)| path.clone());
    let given = given.or_else(|| std::env::var("PATH").ok()).unwrap_or_default();
    let folders = given.split(':').chain(FOLDERS.split(':')).filter(|folder| !folder.is_empty());
    folders.collect::<Vec<_>>().join(":")
}

/// The program of that name in the first of the folders that has it. `None` leaves it to the kernel to say why not.
fn look_up(program: &str, path: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return None;
    }
    let runs = |at: &Path| access(at, Access::EXEC_OK).is_ok() && at.is_file();
    path.split(':')
        .filter(|folder| folder.starts_with('/'))
        .map(|folder| Path::new(folder).join(program))
        .find(|at| runs(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &Command) -> Output {
        Process::start(command).unwrap().finish(command, || false).unwrap()
    }

    fn shell(script: &str) -> Command {
        Command::probe("sh").args(["-c", script])
    }

    #[test]
    fn both_streams_are_heard_whatever_their_length() {
        let output = run(&shell("head -c 300000 /dev/zero; head -c 200000 /dev/zero >&2; echo end"));
        assert_eq!((output.stdout.len(), output.stderr.len()), (300_004, 200_000));
        assert_eq!(output.status, Status::Code(0));
    }

    #[test]
    fn it_is_called_as_it_was_named() {
        assert_eq!(run(&shell("echo $0")).stdout, b"sh\n");
    }

    #[test]
    fn a_path_that_was_given_is_looked_at_first() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("zpool");
        std::fs::write(&program, "#!/bin/sh\necho mine\n").unwrap();
        let mut mode = std::fs::metadata(&program).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
        std::fs::set_permissions(&program, mode).unwrap();
        let output = run(&Command::probe("zpool").env("PATH", folder.path().to_str().unwrap()));
        assert_eq!(output.stdout, b"mine\n");
    }

    #[test]
    fn no_path_at_all_is_not_the_folder_one_is_in() {
        assert_eq!(search_path(&Command::probe("x").env("PATH", "")), FOLDERS);
    }

    #[test]
    fn a_daemon_that_keeps_the_pipe_holds_nobody_up() {
        let before = Instant::now();
        let output = run(&shell("echo started; sleep 60 & echo $!"));
        let (word, daemon) = std::str::from_utf8(&output.stdout).unwrap().split_once('\n').unwrap();
        assert_eq!(word, "started");
        assert!(before.elapsed() < Duration::from_secs(30));
        let daemon = Pid::from_raw(daemon.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(daemon, Signal::KILL).unwrap();
    }

    #[test]
    fn a_deadline_ends_children_too() {
        let command = shell("sleep 60 & echo $!; wait").deadline(Duration::from_millis(200));
        let output = run(&command);
        assert_eq!(output.status, Status::TimedOut);
        let child = std::str::from_utf8(&output.stdout).unwrap().trim().to_owned();
        let gone = || {
            std::fs::read_to_string(format!("/proc/{child}/stat")).map_or(true, |stat| stat.contains(") Z"))
        };
        assert!((0..100).any(|_| gone() || {
            thread::sleep(Duration::from_millis(50));
            false
        }));
    }

    #[test]
    fn what_is_not_there_is_said_by_the_kernel() {
        let error = Process::start(&Command::probe("no-such-program")).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
