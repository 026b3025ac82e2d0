//! Asking for a password on the terminal without showing it.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};

use anyhow::Context;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// Asks on the controlling terminal, whatever standard input and output are.
pub(super) fn ask(prompt: &str) -> anyhow::Result<String> {
    let mut terminal =
        File::options().read(true).write(true).open("/dev/tty").context("there is no terminal to ask on")?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    terminal.write_all(prompt.as_bytes())?;
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    let mut line = String::new();
    let read = BufReader::new(&terminal).read_line(&mut line);
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    read.context("cannot read the password")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
