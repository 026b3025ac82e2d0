//! The QEMU of one machine's folder: whether it runs, and its end.
//!
//! A process is gone when the kernel says so of all its threads. One that was killed has no memory any more, and so no
//! command line, some time before its files are closed: a thread that is waiting for a disk keeps all of them open, and
//! with them QEMU's locks on its pid file and its images. Whoever started QEMU again then would be refused.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The name of QEMU's process, of which the kernel keeps 15 characters, until its very end.
const COMM: &str = "qemu-system-x86";
/// However busy the disk is on which QEMU's last writes end.
const END_LIMIT: Duration = Duration::from_mins(2);
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
const A_SECOND: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };

/// Known by its pid file and its own command line. A process that merely has the same number is a stranger and is never
/// touched.
#[derive(Debug, Clone)]
pub struct Daemon {
    dir: PathBuf,
}

impl Daemon {
    pub const PID_FILE: &str = "pid";

    pub fn of(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// QEMU's `-name` for this folder, by which the process is recognised.
    pub fn mark(&self) -> String {
        format!("guest=holdfast-lab:{}", self.dir.display().to_string().replace(',', ",,"))
    }

    /// Also while it is ending.
    pub fn is_running(&self) -> bool {
        self.process().is_some()
    }

    /// Ends the process at once, as a power failure would, and waits until it is gone.
    pub fn end(&self) -> anyhow::Result<()> {
        let Some(process) = self.process() else { return Ok(()) };
        match pidfd_send_signal(&process, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot end the QEMU of {}", self.dir.display()));
            }
        }
        self.wait(&process)
    }

    /// Waits until the process, which has been asked to end, is gone.
    pub fn gone(&self) -> anyhow::Result<()> {
        self.process().map_or(Ok(()), |process| self.wait(&process))
    }

    fn wait(&self, process: &OwnedFd) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !has_ended(process, A_SECOND) {
            ensure!(begun.elapsed() < END_LIMIT, "the QEMU of {} does not end", self.dir.display());
        }
        Ok(())
    }

    fn process(&self) -> Option<OwnedFd> {
        let number: i32 = fs::read_to_string(self.dir.join(Self::PID_FILE)).ok()?.trim().parse().ok()?;
        // Before the looks below: what they see is then this process, or it has ended.
        let process = pidfd_open(Pid::from_raw(number)?, PidfdFlags::empty()).ok()?;
        let command = fs::read(format!("/proc/{number}/cmdline")).ok()?;
        let mark = self.mark();
        let ours = if command.is_empty() {
            fs::read_to_string(format!("/proc/{number}/comm")).ok()?.trim_end() == COMM
        } else {
            command.split(|byte| *byte == 0).any(|argument| argument == mark.as_bytes())
        };
        (ours && !has_ended(&process, AT_ONCE)).then_some(process)
    }
}

/// Waits for the end of all threads, at most for that time.
fn has_ended(process: &OwnedFd, limit: Timespec) -> bool {
    let mut ended = [PollFd::new(process, PollFlags::IN)];
    poll(&mut ended, Some(&limit)).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// A process as a killed QEMU that still waits for a disk: its first thread has ended, and with it the command line,
    /// and another one lives.
    const LAST_THREAD: &str = r#"
        use threads;
        open my $name, ">", "/proc/self/comm"; print $name "qemu-system-x86"; close $name;
        threads->create(sub { sleep 60 })->detach;
        syscall(60, 0);"#;

    #[test]
    fn a_process_is_gone_when_its_last_thread_is() {
        let dir = tempfile::tempdir().unwrap();
        let daemon = Daemon::of(dir.path());
        assert!(!daemon.is_running());
        let mut child = Command::new("perl").args(["-e", LAST_THREAD]).spawn().unwrap();
        let proc = PathBuf::from(format!("/proc/{}", child.id()));
        // In this order: there is a moment without a command line in the beginning too.
        while fs::read_to_string(proc.join("comm")).unwrap().trim_end() != COMM
            || !fs::read(proc.join("cmdline")).unwrap().is_empty()
        {
            assert!(child.try_wait().unwrap().is_none(), "perl has ended; does it have threads?");
            std::thread::sleep(Duration::from_millis(1));
        }
        fs::write(dir.path().join(Daemon::PID_FILE), child.id().to_string()).unwrap();
        assert!(daemon.is_running());
        daemon.end().unwrap();
        // Not reaped yet, as where nobody does it, and ended all the same.
        assert!(fs::read_dir(&proc).is_ok());
        assert!(!daemon.is_running());
        child.wait().unwrap();
        assert!(!daemon.is_running());
    }

    #[test]
    fn a_stranger_with_the_same_number_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let daemon = Daemon::of(dir.path());
        fs::write(dir.path().join(Daemon::PID_FILE), std::process::id().to_string()).unwrap();
        assert!(!daemon.is_running());
        daemon.end().unwrap();
        daemon.gone().unwrap();
    }
}
