//! A program with its arguments, and what came of it. Plain data: nothing is run here.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Private;
use crate::secret::Secret;

/// A program and its argument list; never shell text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub program: String,
    pub args: Vec<String>,
    /// Given on standard input. Secrets travel here and never in `args`.
    pub stdin: Stdin,
    /// Added to the environment, which always has `LC_ALL=C.UTF-8` for tools whose words are parsed.
    pub env: Vec<(String, String)>,
    pub cwd: Option<String>,
    /// After this long the whole process group is ended.
    pub deadline: Duration,
    pub when_cut: WhenCut,
    /// What is mounted at [`PRIVATE`](super::PRIVATE) while it runs, and seen by nobody else.
    pub private: Option<Private>,
}

/// What a program finds on its standard input.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Stdin {
    #[default]
    Empty,
    Bytes(Vec<u8>),
    /// Written down nowhere, so that a command can be shown and reported whole.
    Secret(Secret),
}

impl Stdin {
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Empty => None,
            Self::Bytes(bytes) => Some(bytes),
            Self::Secret(secret) => Some(secret.reveal().as_bytes()),
        }
    }
}

/// What becomes of a running program when the controller is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WhenCut {
    /// It is ended: nothing half done is worse than something forgotten.
    Kill,
    /// It runs to its end (a reshape, a package installation, a mkfs).
    Finish,
}

impl Command {
    /// A program that changes something: it may take an hour, and is never cut short by a lost connection.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            stdin: Stdin::Empty,
            env: Vec::new(),
            cwd: None,
            deadline: Duration::from_hours(1),
            when_cut: WhenCut::Finish,
            private: None,
        }
    }

    /// A program that only looks: 30 seconds, ended when nobody listens any more.
    pub fn probe(program: impl Into<String>) -> Self {
        Self { deadline: Duration::from_secs(30), when_cut: WhenCut::Kill, ..Self::new(program) }
    }

    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    #[must_use]
    pub fn args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Stdin::Bytes(bytes.into());
        self
    }

    #[must_use]
    pub fn secret(mut self, secret: Secret) -> Self {
        self.stdin = Stdin::Secret(secret);
        self
    }

    #[must_use]
    pub fn private(mut self, mount: Option<Private>) -> Self {
        self.private = mount;
        self
    }

    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }
}

/// As one would type it into a shell.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = std::iter::once(quoted(&self.program)).chain(self.args.iter().map(|arg| argument(arg)));
        let plain = plain.collect::<Vec<_>>().join(" ");
        match &self.private {
            None => f.write_str(&plain),
            Some(mount) => {
                write!(f, "unshare -m sh -c {}", quoted(&format!("{} && {plain}", mount.shown())))
            }
        }
    }
}

fn quoted(word: &str) -> Cow<'_, str> {
    // A word with a NUL cannot be quoted, nor passed to a program; it is shown as it is.
    shlex::try_quote(word).unwrap_or(Cow::Borrowed(word))
}

/// Behind the program's name `=` means nothing to a shell, and nobody types `'--level=10'`.
fn argument(word: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) { Cow::Borrowed(word) } else { quoted(word) }
}

/// What came of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    pub status: Status,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Code(i32),
    Signal(i32),
    /// It was ended at its deadline.
    TimedOut,
    /// There is no such program.
    Missing,
}

impl Output {
    pub fn success(&self) -> bool {
        self.status == Status::Code(0)
    }

    /// Standard output as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn error_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal(signal) => write!(f, "ended by signal {signal}"),
            Self::TimedOut => f.write_str("ended at its deadline"),
            Self::Missing => f.write_str("no such program"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_given_and_not_told() {
        let command = Command::new("cryptsetup").secret(Secret::new("hunter2"));
        assert_eq!(command.stdin.bytes(), Some(&b"hunter2"[..]));
        let told = serde_json::to_string(&command).unwrap();
        assert!(told.contains(r#""stdin":{"Secret":"***"}"#) && !told.contains("hunter2"), "{told}");
        assert!(!format!("{command} {command:?}").contains("hunter2"));
    }

    #[test]
    fn shows_what_one_would_type() {
        let command = Command::new("lvcreate").args(["--name", "two words", "vg"]);
        assert_eq!(command.to_string(), "lvcreate --name 'two words' vg");
    }
}
