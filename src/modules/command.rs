//! `command`: a program with its arguments, without a shell.

use serde::{Deserialize, Serialize};

use super::invocation::Invocation;
use super::{Describe, Done, Module};
use crate::exec;
use crate::machine::{Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::{Map, Value};

/// Runs a program, every time the task is reached and `creates` or `removes` do not say otherwise. Variables of the
/// environment (`$HOME`) and wildcards are left as they are: that is what `shell` is for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// The command as one line, quoted as for a shell.
    pub cmd: Option<String>,
    /// The command as a list, instead of `cmd`.
    pub argv: Option<Vec<String>>,
    /// It is not run when this path exists.
    pub creates: Option<String>,
    /// It is not run when this path does not exist.
    pub removes: Option<String>,
    /// The folder it is run in.
    pub chdir: Option<String>,
    /// What it reads.
    pub stdin: Option<String>,
    /// Whether `stdin` ends with a line feed. Default: true.
    pub stdin_add_newline: Option<bool>,
    /// Whether empty lines at the end of what it says are left out. Default: true.
    pub strip_empty_ends: Option<bool>,
}

impl Describe for Command {
    const NAME: &'static str = "command";
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] = &[("_raw_params", "cmd")];
    const FREE_FORM: Option<&'static str> = Some("cmd");
    const EXAMPLE: &'static str = "\
- name: which kernel is running
  command: uname -r
  register: kernel
  changed_when: false
";
}

impl Command {
    fn invocation(&self) -> Invocation<'_> {
        let shown = match (&self.cmd, &self.argv) {
            (Some(cmd), _) => cmd.trim().to_owned(),
            (None, Some(argv)) => {
                let mut words = argv.iter();
                let program = words.next().cloned().unwrap_or_default();
                exec::Command::new(program).args(words.cloned()).to_string()
            }
            (None, None) => String::new(),
        };
        Invocation {
            creates: self.creates.as_deref(),
            removes: self.removes.as_deref(),
            chdir: self.chdir.as_deref(),
            stdin: self.stdin.as_deref(),
            stdin_add_newline: self.stdin_add_newline.unwrap_or(true),
            strip_empty_ends: self.strip_empty_ends.unwrap_or(true),
            shown,
        }
    }

    fn words(&self) -> Result<Vec<String>, Refusal> {
        match (&self.cmd, &self.argv) {
            (Some(_), Some(_)) => Err(Refusal::new("`cmd` and `argv` are both given")),
            (None, Some(argv)) => Ok(argv.clone()),
            (Some(cmd), None) => shlex::split(cmd)
                .ok_or_else(|| Refusal::new(format!("the quotes in this command do not match: {cmd}"))),
            (None, None) => Ok(Vec::new()),
        }
    }
}

impl Module for Command {
    fn needs(&self) -> Needs {
        self.invocation().needs()
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let mut words = self.words()?.into_iter();
        let program = words.next().ok_or_else(|| Refusal::new("no command is given to `command`"))?;
        self.invocation().plan(machine, exec::Command::new(program).args(words), "command")
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        let mut result = self.invocation().result(done);
        if let Ok(words) = self.words() {
            result.insert("cmd".to_owned(), words.into());
        }
        Ok(result)
    }

    fn repeats(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Kind, Output, Status};
    use crate::machine::files::FileState;
    use serde_json::json;

    fn command(args: &Value) -> Command {
        serde_json::from_value(args.clone()).unwrap()
    }

    #[test]
    fn splits_words_as_a_shell_would_and_runs_no_shell() {
        let plan = command(&json!({"cmd": "echo 'a b' $HOME | cat"})).plan(&Machine::default()).unwrap();
        assert_eq!(plan.actions[0].steps[0].shown(), "echo 'a b' '$HOME' '|' cat");
        assert!(command(&json!({"cmd": "echo 'a"})).plan(&Machine::default()).is_err());
        assert!(command(&json!({})).plan(&Machine::default()).is_err());
    }

    #[test]
    fn what_exists_already_is_not_created() {
        let creates = command(&json!({"argv": ["make"], "chdir": "/src", "creates": "out/a"}));
        assert_eq!(creates.needs().paths[0].path, "/src/out/a");
        let mut machine = Machine::default();
        assert!(!creates.plan(&machine).unwrap().is_empty());
        let file = FileState::expected(Kind::File, 0o644, 0, 0, None);
        machine.files.seen.insert("/src/out/a".into(), Some(file));
        let plan = creates.plan(&machine).unwrap();
        assert!(plan.is_empty());
        let done = Done { before: &machine, after: &machine, plan: &plan, outputs: &[], dry: false };
        let result = creates.result(&done).unwrap();
        assert_eq!(result["msg"], "Did not run command since 'out/a' exists");
        assert_eq!(result["rc"], 0);
    }

    #[test]
    fn a_bad_end_keeps_all_that_was_said() {
        let machine = Machine::default();
        let plan = Plan::empty();
        let output =
            Output { status: Status::Code(3), stdout: b"one\ntwo\n\n".to_vec(), stderr: b"no\n".to_vec() };
        let outputs = [output];
        let done = Done { before: &machine, after: &machine, plan: &plan, outputs: &outputs, dry: false };
        let result = command(&json!({"cmd": "x"})).result(&done).unwrap();
        assert_eq!((&result["rc"], &result["failed"]), (&json!(3), &json!(true)));
        assert_eq!(result["msg"], "non-zero return code");
        assert_eq!(
            (&result["stdout"], &result["stdout_lines"]),
            (&json!("one\ntwo"), &json!(["one", "two"]))
        );
    }
}
