//! The two kinds of no that come from a host: a person must decide, or the world said no.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Change;
use crate::exec::{Command, Output};

/// The plan says no and a person must decide. Names the object, its size and use, and what would change the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// First line: lower case, standing alone.
    pub title: String,
    /// What was seen, a line each.
    pub facts: Vec<String>,
    /// What would change the answer, a line each.
    pub help: Vec<String>,
    /// The consent that would allow it, where there is one.
    pub token: Option<String>,
}

impl Refusal {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), facts: Vec::new(), help: Vec::new(), token: None }
    }

    #[must_use]
    pub fn fact(mut self, fact: impl Into<String>) -> Self {
        self.facts.push(fact.into());
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// The refusal of a destructive change that nobody named.
    pub fn consent(change: &Change) -> Self {
        let mut refusal =
            Self::new(format!("{} {} would be destroyed, and nothing allows it", change.kind, change.name));
        refusal.facts.extend(change.loss.clone());
        if let Some(token) = &change.token {
            refusal.help.push(format!("to allow it for this object only: `--consent {token}`"));
            refusal.token = Some(token.clone());
        }
        refusal
    }

    /// The refusal of several destructive changes at once, each with what it costs and its token. `along` goes with them
    /// and holds nobody's bytes.
    pub fn consents<'a>(changes: &[&Change], along: impl Iterator<Item = &'a Change>) -> Self {
        let count = changes.len();
        let mut refusal = Self::new(format!("{count} objects would be destroyed, and nothing allows it"));
        let mut tokens: Vec<&str> = Vec::new();
        for change in changes {
            let loss = change.loss.as_deref().unwrap_or_default();
            let token = change.token.as_deref().unwrap_or("nothing can");
            refusal = refusal.fact(format!("{} {}: {loss} ({token})", change.kind, change.name));
            if !tokens.contains(&token) {
                tokens.push(token);
            }
        }
        let along: Vec<String> = along.map(|change| format!("{} {}", change.kind, change.name)).collect();
        if !along.is_empty() {
            refusal = refusal.fact(format!("with them go: {}", along.join(", ")));
        }
        let flags: Vec<String> = tokens.into_iter().map(|token| format!("--consent {token}")).collect();
        refusal.help(format!("to allow it for these objects only: `{}`", flags.join(" ")))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        self.facts.iter().try_for_each(|fact| write!(f, "\n  {fact}"))?;
        self.help.iter().try_for_each(|help| write!(f, "\n  help: {help}"))
    }
}

/// The world said no: a command failed, a file could not be written, a host was lost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Failure {
    /// First line: lower case, standing alone.
    pub title: String,
    /// The command that failed, as typed.
    pub command: Option<String>,
    /// How it ended: `exit status 5`.
    pub status: Option<String>,
    pub stdout: String,
    pub stderr: String,
    pub help: Vec<String>,
}

impl Failure {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// A program that ended badly.
    pub fn of(command: &Command, output: &Output) -> Self {
        Self {
            title: format!("`{}` failed: {}", command.program, output.status),
            command: Some(command.to_string()),
            status: Some(output.status.to_string()),
            stdout: output.text(),
            stderr: output.error_text(),
            help: Vec::new(),
        }
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.title)?;
        if let Some(command) = &self.command {
            write!(f, "\n  command: {command}")?;
        }
        for line in self.stderr.lines().take(20) {
            write!(f, "\n  stderr: {line}")?;
        }
        self.help.iter().try_for_each(|help| write!(f, "\n  help: {help}"))
    }
}
