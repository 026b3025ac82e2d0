//! Running the real binary in a folder of its own, with an environment of its own.

use std::path::Path;
use std::process::{Command, Output};

/// The binary, ready to be given arguments. It finds nothing of the person who runs the tests.
pub(crate) fn holdfast(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdfast"));
    command.current_dir(folder).env_clear();
    command.env("PATH", std::env::var("PATH").unwrap_or_default());
    command.env("HOME", folder).env("USER", "tester").env("XDG_RUNTIME_DIR", folder);
    command
}

/// What a run printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Told {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs it to its end.
pub(crate) fn run(folder: &Path, args: &[&str]) -> Told {
    holdfast(folder).args(args).output().expect("the binary starts").into()
}
