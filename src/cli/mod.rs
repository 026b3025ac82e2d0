//! The command line: one file per subcommand.

pub mod completions;
pub mod doc;

use std::process::ExitCode;

/// Parses the command line and runs it.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
