//! The programs a lab runs on this machine. Together with `exec/` the only place that spawns processes: the lab's
//! programs are QEMU and its helpers, never anything on a managed host.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// Complains about the first program that is not installed.
pub fn require(programs: &[&str]) -> anyhow::Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    for program in programs {
        let found = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
        ensure!(
            found.into_iter().any(|dir| dir.join(program).is_file()),
            "`{program}` is not installed; on Debian and Ubuntu `./dev` installs all that labs need"
        );
    }
    Ok(())
}

/// Runs a program to its end; a status other than 0 is an error with what it said.
pub fn run<S: AsRef<OsStr>>(program: &str, args: &[S], dir: &Path) -> anyhow::Result<Output> {
    let output = output(program, args, Some(dir), b"")?;
    if !output.status.success() {
        bail!("`{program}` failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output)
}

/// Runs a program to its end, whatever its status.
pub fn output<S: AsRef<OsStr>>(
    program: &str,
    args: &[S],
    dir: Option<&Path>,
    stdin: &[u8],
) -> anyhow::Result<Output> {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    let mut child = command.spawn().with_context(|| format!("cannot run `{program}`"))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that ends without reading everything says why itself.
        let _ = pipe.write_all(stdin);
    }
    child.wait_with_output().with_context(|| format!("cannot wait for `{program}`"))
}

/// Runs a program to its end with its output in a file, which the error names.
pub fn run_logged<S: AsRef<OsStr>>(program: &str, args: &[S], dir: &Path, log: &Path) -> anyhow::Result<()> {
    let file = File::create(log).with_context(|| format!("cannot create {}", log.display()))?;
    let status = Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .status()
        .with_context(|| format!("cannot run `{program}`"))?;
    ensure!(status.success(), "`{program}` failed ({status}); its output is in {}", log.display());
    Ok(())
}

/// Starts a program that has nothing to say.
pub fn spawn_quiet(program: &str, args: &[&str], dir: &Path) -> anyhow::Result<Child> {
    Command::new(program)
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot run `{program}`"))
}

/// Runs a program on this terminal.
pub fn attached(program: &str, args: &[OsString]) -> anyhow::Result<std::process::ExitStatus> {
    Command::new(program).args(args).status().with_context(|| format!("cannot run `{program}`"))
}

/// The QEMU of one machine's folder, known by its pid file and its own command line. A process that merely has the
/// same number is a stranger and is never touched.
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

    /// The process, while it lives.
    pub fn pid(&self) -> Option<Pid> {
        let pid: i32 = fs::read_to_string(self.dir.join(Self::PID_FILE)).ok()?.trim().parse().ok()?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let mark = self.mark();
        let ours = command.split(|byte| *byte == 0).any(|argument| argument == mark.as_bytes());
        ours.then(|| Pid::from_raw(pid)).flatten()
    }

    /// Ends the process at once, as a power failure would, and waits until it is gone.
    pub fn end(&self) -> anyhow::Result<()> {
        if let Some(pid) = self.pid() {
            match kill_process(pid, Signal::KILL) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error).with_context(|| format!("cannot end process {pid:?}")),
            }
        }
        self.gone(Duration::from_secs(30))
    }

    /// Waits until the process has ended.
    pub fn gone(&self, limit: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        while self.pid().is_some() {
            ensure!(begun.elapsed() < limit, "the QEMU of {} does not end", self.dir.display());
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}
