//! The programs a lab runs on this machine. Together with `exec/` the only place that spawns processes: the lab's
//! programs are QEMU and its helpers, never anything on a managed host.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, bail, ensure};

use crate::report::tail;

const LAST_LINES: usize = 10;

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

/// Runs a program to its end with its output in a file, whose last lines are in the error: the file may be gone when
/// somebody reads it.
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
    if !status.success() {
        let said = fs::read(log).unwrap_or_default();
        let (_, last) = tail(&String::from_utf8_lossy(&said), LAST_LINES);
        let last = last.join("\n");
        bail!("`{program}` failed ({status}); its output is in {}, and ends with:\n{last}", log.display());
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_last_lines_of_what_was_said() {
        let dir = tempfile::tempdir().unwrap();
        let run = |script| run_logged("sh", &["-c", script], dir.path(), &dir.path().join("log"));
        run("echo fine").unwrap();
        let said = run("seq 12; echo 'cannot lock pid file' >&2; exit 3").unwrap_err().to_string();
        assert!(said.starts_with("`sh` failed (exit status: 3); its output is in /"), "{said}");
        assert!(
            said.ends_with("log, and ends with:\n4\n5\n6\n7\n8\n9\n10\n11\n12\ncannot lock pid file"),
            "{said}"
        );
    }
}
