//! Running what the user wrote: what `command` and `shell` have in common. No module itself.

use super::{Done, paths};
use crate::exec::{Command, Output, Status};
use crate::machine::{Machine, Needs};
use crate::plan::{Accept, Change, Plan, Refusal, Step};
use crate::value::{Map, Value};

/// A command with the conditions under which it is run.
pub(super) struct Invocation<'a> {
    pub(super) creates: Option<&'a str>,
    pub(super) removes: Option<&'a str>,
    pub(super) chdir: Option<&'a str>,
    pub(super) stdin: Option<&'a str>,
    pub(super) stdin_add_newline: bool,
    pub(super) strip_empty_ends: bool,
    /// How it is shown: the command as it was written.
    pub(super) shown: String,
}

impl Invocation<'_> {
    fn full(&self, path: &str) -> String {
        match self.chdir {
            Some(folder) if !path.starts_with('/') => paths::tidy(&format!("{folder}/{path}")),
            _ => paths::tidy(path),
        }
    }

    pub(super) fn needs(&self) -> Needs {
        let paths = self.creates.into_iter().chain(self.removes);
        paths.fold(Needs::nothing(), |needs, path| needs.path(self.full(path)))
    }

    /// Why it is not run, where that is so.
    fn idle(&self, machine: &Machine) -> Result<Option<String>, Refusal> {
        for path in self.creates.into_iter().chain(self.removes) {
            if path.contains(['*', '?', '[']) {
                return Err(Refusal::new(format!(
                    "not supported yet: patterns in `creates` and `removes` ({path})"
                )));
            }
        }
        let there = |path: &str| machine.files.at(&self.full(path)).is_some();
        Ok(match (self.creates, self.removes) {
            (Some(creates), _) if there(creates) => {
                Some(format!("Did not run command since '{creates}' exists"))
            }
            (_, Some(removes)) if !there(removes) => {
                Some(format!("Did not run command since '{removes}' does not exist"))
            }
            _ => None,
        })
    }

    pub(super) fn plan(&self, machine: &Machine, mut command: Command, kind: &str) -> Result<Plan, Refusal> {
        if self.idle(machine)?.is_some() {
            return Ok(Plan::empty());
        }
        command.cwd = self.chdir.map(str::to_owned);
        if let Some(stdin) = self.stdin {
            let end = if self.stdin_add_newline { "\n" } else { "" };
            command = command.stdin(format!("{stdin}{end}"));
        }
        let step = Step::Run { command, accept: Accept::Any };
        Ok(Plan::of(Change::run(kind, self.shown.as_str()), [step], []))
    }

    /// Ansible's result of a command.
    pub(super) fn result(&self, done: &Done<'_>) -> Map<String, Value> {
        let mut result = Map::new();
        result.insert("cmd".to_owned(), self.shown.as_str().into());
        if let Some(output) = done.outputs.last() {
            self.ended(output, &mut result);
        } else {
            let idle = self.idle(done.before).ok().flatten();
            let quiet = if idle.is_some() { 0.into() } else { Value::Null };
            result.insert("rc".to_owned(), quiet);
            for key in ["stdout", "stderr"] {
                result.insert(key.to_owned(), "".into());
                result.insert(format!("{key}_lines"), Value::Array(Vec::new()));
            }
            let withheld = "Command would have run if not in check mode";
            let message = idle.unwrap_or_else(|| withheld.to_owned());
            result.insert("msg".to_owned(), message.into());
            result.insert("skipped".to_owned(), done.dry.into());
        }
        result
    }

    fn ended(&self, output: &Output, result: &mut Map<String, Value>) {
        let (rc, message) = match output.status {
            Status::Code(0) => (0, None),
            Status::Code(code) => (code, Some("non-zero return code".to_owned())),
            Status::Signal(signal) => (-signal, Some(format!("ended by signal {signal}"))),
            Status::TimedOut => (-9, Some("ended at its deadline".to_owned())),
            Status::Missing => (2, Some(format!("no such program: {}", self.shown))),
        };
        result.insert("rc".to_owned(), rc.into());
        for (key, text) in [("stdout", output.text()), ("stderr", output.error_text())] {
            let text = if self.strip_empty_ends { text.trim_end_matches(['\r', '\n']) } else { &text };
            // Python's splitlines: no line after the last line feed.
            let lines: Value = text.lines().collect();
            result.insert(format!("{key}_lines"), lines);
            result.insert(key.to_owned(), text.into());
        }
        result.insert("msg".to_owned(), message.as_deref().unwrap_or("").into());
        if message.is_some() {
            result.insert("failed".to_owned(), true.into());
        }
    }
}
