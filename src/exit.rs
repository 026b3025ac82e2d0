//! Every exit code and its meaning. Of several that apply, the highest of 3, 4 and 5 is taken.

use std::process::ExitCode;

/// How a program run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Exit {
    /// Done; also when there was nothing to do.
    Done = 0,
    /// A bug or a broken environment of this program.
    Internal = 1,
    /// Usage or invalid input: YAML, arguments, an unknown host pattern, no hosts matched.
    Invalid = 2,
    /// A task failed.
    Failed = 3,
    /// A host was unreachable.
    Unreachable = 4,
    /// Refused: consent missing, plan is stale, locked by another run.
    Refused = 5,
    /// Changes are pending; only with `--detailed-exitcode`.
    Pending = 6,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
