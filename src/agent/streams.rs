//! The agent's private streams. Frames go over copies of standard input and output; what the process itself or a
//! child still calls standard output is standard error, so that nobody can write into the frames.

use std::fs::File;
use std::io;

/// Where asks come from and where answers go.
pub(super) struct Streams {
    pub(super) asks: File,
    pub(super) answers: File,
}

/// Takes standard input and output away from everybody else.
pub(super) fn take() -> io::Result<Streams> {
    let asks = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let answers = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdout(), 3)?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    Ok(Streams { asks: asks.into(), answers: answers.into() })
}
