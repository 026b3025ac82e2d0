//! One run of the program on a lab's machines, and what it told.

use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast::lab::Lab;
use serde_json::Value;

/// What a run printed as JSON lines, and its exit code.
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) events: Vec<Value>,
    pub(crate) err: String,
}

/// The program without its symbols: half as much for an emulated machine to receive. `HOLDFAST_PROGRAM` is another
/// one, such as a release.
fn program() -> PathBuf {
    if let Some(given) = std::env::var_os("HOLDFAST_PROGRAM") {
        return given.into();
    }
    let built = Path::new(env!("CARGO_BIN_EXE_holdfast"));
    let lean = Path::new(env!("CARGO_TARGET_TMPDIR")).join("holdfast");
    let made = |path: &Path| path.metadata().and_then(|found| found.modified()).ok();
    if made(&lean) < made(built) {
        let own = lean.with_extension(std::process::id().to_string());
        let stripped = Command::new("strip").arg("-o").args([own.as_path(), built]).status().unwrap();
        assert!(stripped.success(), "`strip` failed; it comes with the compiler, in binutils");
        // Several tests may do this at once: each puts a whole file in place.
        std::fs::rename(own, &lean).unwrap();
    }
    lean
}

/// The program on the lab's inventory, as a user of that home.
pub(crate) fn command(lab: &Lab, home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(args).arg("-i").arg(lab.inventory()).env("HOME", home).env("XDG_RUNTIME_DIR", home);
    command
}

/// Runs the program with JSON output.
pub(crate) fn holdfast(lab: &Lab, home: &Path, args: &[&str]) -> Told {
    let output = command(lab, home, args).args(["--output", "json"]).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    Told {
        code: output.status.code().unwrap_or(-1),
        events: out.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

impl Told {
    /// The changes and their steps, task by task: what a dry run shows and what a run does.
    pub(crate) fn plans(&self) -> Vec<Value> {
        let done = self.events.iter().filter(|event| event["event"] == "host_done");
        let plan = |event: &Value| {
            let outcome = &event["outcome"];
            let plan = outcome.get("changed").or_else(|| outcome.get("withheld"))?;
            let actions = plan["actions"].as_array()?.iter();
            Some(
                actions
                    .map(|action| serde_json::json!([action["change"], action["steps"]]))
                    .collect::<Vec<_>>(),
            )
        };
        done.filter_map(plan).flatten().collect()
    }

    /// How many tasks changed something, over all hosts.
    pub(crate) fn changed(&self) -> u64 {
        let recap = &self.events.last().unwrap()["recap"];
        recap.as_array().unwrap().iter().map(|host| host["changed"].as_u64().unwrap()).sum()
    }

    /// It has to end with that exit code.
    pub(crate) fn must(self, code: i32) -> Self {
        let troubles: Vec<&Value> = self
            .events
            .iter()
            .filter(|event| {
                event["outcome"].get("failed").or_else(|| event["outcome"].get("refused")).is_some()
                    || event["event"] == "unreachable"
            })
            .collect();
        assert_eq!(self.code, code, "{}\n{troubles:#?}", self.err);
        self
    }

    pub(crate) fn failures(&self) -> String {
        let failed = self.events.iter().filter_map(|event| event["outcome"].get("failed"));
        failed.map(|failed| failed["failure"].to_string()).collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn refusals(&self) -> String {
        let refused = self.events.iter().filter_map(|event| event["outcome"].get("refused"));
        refused.map(|refused| refused["refusal"].to_string()).collect::<Vec<_>>().join("\n")
    }
}
