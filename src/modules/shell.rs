//! `shell`: text for a shell.

use serde::{Deserialize, Serialize};

use super::invocation::Invocation;
use super::{Describe, Done, Module};
use crate::exec::Command;
use crate::machine::{Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::{Map, Value};

/// Runs text in a shell, every time the task is reached and `creates` or `removes` do not say otherwise.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shell {
    /// The text for the shell.
    pub cmd: String,
    /// It is not run when this path exists.
    pub creates: Option<String>,
    /// It is not run when this path does not exist.
    pub removes: Option<String>,
    /// The folder it is run in.
    pub chdir: Option<String>,
    /// The shell. Default: `/bin/sh`.
    pub executable: Option<String>,
    /// What it reads.
    pub stdin: Option<String>,
    /// Whether `stdin` ends with a line feed. Default: true.
    pub stdin_add_newline: Option<bool>,
    /// Whether empty lines at the end of what it says are left out. Default: true.
    pub strip_empty_ends: Option<bool>,
}

impl Describe for Shell {
    const NAME: &'static str = "shell";
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] = &[("_raw_params", "cmd")];
    const FREE_FORM: Option<&'static str> = Some("cmd");
    const EXAMPLE: &'static str = "\
- name: how many processors work for guests
  shell: virsh list --name | wc -l
  args:
    executable: /bin/bash
  register: guests
  changed_when: false
";
}

impl Shell {
    fn invocation(&self) -> Invocation<'_> {
        Invocation {
            creates: self.creates.as_deref(),
            removes: self.removes.as_deref(),
            chdir: self.chdir.as_deref(),
            stdin: self.stdin.as_deref(),
            stdin_add_newline: self.stdin_add_newline.unwrap_or(true),
            strip_empty_ends: self.strip_empty_ends.unwrap_or(true),
            shown: self.cmd.trim().to_owned(),
        }
    }
}

impl Module for Shell {
    fn needs(&self) -> Needs {
        self.invocation().needs()
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        if self.cmd.trim().is_empty() {
            return Err(Refusal::new("no command is given to `shell`"));
        }
        let shell = self.executable.as_deref().unwrap_or("/bin/sh");
        self.invocation().plan(machine, Command::new(shell).args(["-c", self.cmd.as_str()]), "shell")
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        Ok(self.invocation().result(done))
    }

    fn repeats(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Step;

    #[test]
    fn hands_the_text_to_the_shell_that_was_asked_for() {
        let args = r#"{"cmd": "echo $HOME", "executable": "/bin/bash", "stdin": "x", "chdir": "/tmp"}"#;
        let shell: Shell = serde_json::from_str(args).unwrap();
        let plan = shell.plan(&Machine::default()).unwrap();
        let [Step::Run { command, .. }] = plan.actions[0].steps.as_slice() else { panic!("{plan:?}") };
        assert_eq!(command.to_string(), "/bin/bash -c 'echo $HOME'");
        assert_eq!((command.stdin.bytes(), command.cwd.as_deref()), (Some(&b"x\n"[..]), Some("/tmp")));
    }
}
