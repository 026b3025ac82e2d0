//! `wait_for`: waits for a port, a path, a line in a file, or for time to pass. Changes nothing.

use serde::{Deserialize, Serialize};

use super::{Describe, Done, Module, paths};
use crate::machine::{Machine, Needs};
use crate::plan::{Change, Condition, Failure, Plan, Refusal, Step};
use crate::value::{Map, Value};

/// Waits until something is so. In a dry run that would have changed something before, it does not wait.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitFor {
    /// Where the port is. Default: `127.0.0.1`, the host itself.
    pub host: Option<String>,
    /// The TCP port that is waited for.
    pub port: Option<u16>,
    /// The path that is waited for.
    pub path: Option<String>,
    /// What is waited for. Default: started.
    #[serde(default)]
    pub state: Awaited,
    /// A line in the file at `path` that matches this regular expression is waited for.
    pub search_regex: Option<String>,
    /// For so many seconds. Default: 300.
    pub timeout: Option<u64>,
    /// Seconds before the first look. Default: 0.
    #[serde(default)]
    pub delay: u64,
    /// Seconds between two looks. Default: 1.
    pub sleep: Option<u64>,
    /// What is said when it was in vain.
    pub msg: Option<String>,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Awaited {
    /// The port accepts connections, or the path is there.
    #[default]
    Started,
    /// The same.
    Present,
    /// The port accepts no connections, or the path is gone.
    Stopped,
    /// The same.
    Absent,
}

impl Describe for WaitFor {
    const NAME: &'static str = "wait_for";
    const EXAMPLE: &'static str = "\
- name: the NFS server answers
  wait_for:
    port: 2049
    timeout: 30
";
}

impl WaitFor {
    fn there(&self) -> bool {
        matches!(self.state, Awaited::Started | Awaited::Present)
    }

    fn condition(&self) -> Result<(String, Condition), Refusal> {
        match (self.port, &self.path, &self.search_regex) {
            (Some(_), Some(_), _) => Err(Refusal::new("`port` and `path` are both given")),
            (Some(_), None, Some(_)) => Err(Refusal::new(
                "not supported yet: `search_regex` on what a port says; it goes with `path`",
            )),
            (Some(port), None, None) => {
                let host = self.host.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
                Ok((format!("{host}:{port}"), Condition::Port { host, port, open: self.there() }))
            }
            (None, Some(path), pattern) => {
                paths::absolute("path", path)?;
                let condition = match pattern {
                    Some(_) if !self.there() => {
                        return Err(Refusal::new("not supported yet: waiting for a line to go away"));
                    }
                    Some(pattern) => Condition::Content { path: path.clone(), pattern: pattern.clone() },
                    None => Condition::Path { path: path.clone(), present: self.there() },
                };
                Ok((path.clone(), condition))
            }
            (None, None, Some(_)) => Err(Refusal::new("`search_regex` needs `path`")),
            (None, None, None) => Ok(("time".to_owned(), Condition::Time)),
        }
    }
}

impl Module for WaitFor {
    fn needs(&self) -> Needs {
        Needs::nothing()
    }

    fn plan(&self, _machine: &Machine) -> Result<Plan, Refusal> {
        let (name, condition) = self.condition()?;
        let kind = match condition {
            Condition::Port { .. } => "port",
            Condition::Path { .. } => "path",
            Condition::Content { .. } => "file",
            Condition::Array { .. } => "array",
            Condition::Released { .. } => "device",
            Condition::Time => "wait",
        };
        let step = Step::Wait {
            condition,
            timeout_ms: self.timeout.unwrap_or(300).saturating_mul(1000),
            delay_ms: self.delay.saturating_mul(1000),
            poll_ms: self.sleep.unwrap_or(1).saturating_mul(1000),
            or_else: self.msg.clone(),
        };
        Ok(Plan::of(Change::wait(kind, name), [step], []))
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        let mut result = Map::new();
        let elapsed = done.outputs.last().and_then(|output| output.text().trim().parse::<u64>().ok());
        result.insert("elapsed".to_owned(), elapsed.unwrap_or(0).into());
        result.insert("port".to_owned(), self.port.into());
        result.insert("path".to_owned(), self.path.clone().into());
        result.insert("search_regex".to_owned(), self.search_regex.clone().into());
        let state = if self.there() { "started" } else { "stopped" };
        result.insert("state".to_owned(), state.into());
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(args: &str) -> Result<Plan, Refusal> {
        serde_json::from_str::<WaitFor>(args).unwrap().plan(&Machine::default())
    }

    #[test]
    fn waiting_is_no_change() {
        let waits = plan(r#"{"port": 2049, "timeout": 5}"#).unwrap();
        assert!(waits.is_empty());
        assert_eq!(waits.actions[0].steps[0].shown(), "wait until 127.0.0.1:2049 accepts connections");
        let gone = plan(r#"{"path": "/run/lock", "state": "absent"}"#).unwrap();
        assert_eq!(gone.actions[0].steps[0].shown(), "wait until /run/lock is gone");
        assert!(plan(r#"{"port": 1, "search_regex": "x"}"#).is_err());
    }
}
