//! `systemd`: units, and systemd itself.

use serde::{Deserialize, Serialize};

use super::unit::{Running, Unit};
use super::{Describe, Done, Module};
use crate::machine::mounts::MountsEffect;
use crate::machine::{Domain, Machine, Needs, Prediction};
use crate::plan::{Change, Failure, Plan, Refusal, Step};
use crate::tools::systemctl;
use crate::value::{Map, Value};

/// Starts, stops, enables and masks units of the system, and makes systemd read its files again.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Systemd {
    /// The unit; `.service` may be left out.
    pub name: Option<String>,
    /// What it does now.
    pub state: Option<Running>,
    /// Whether it starts with the host.
    pub enabled: Option<bool>,
    /// Whether it cannot be started at all.
    pub masked: Option<bool>,
    /// Makes systemd read its files again: for a unit when its file has changed, without a unit every time. `needed`:
    /// only when fstab or crypttab say something that it has not read yet.
    #[serde(default)]
    pub daemon_reload: Reload,
    /// Makes systemd start itself anew, every time.
    #[serde(default)]
    pub daemon_reexec: bool,
    /// Whose units: only `system` for now.
    #[serde(default)]
    pub scope: Scope,
}

/// When systemd reads its files again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum Reload {
    Always(bool),
    When(Stale),
}

/// What there is to read for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stale {
    Needed,
}

impl Default for Reload {
    fn default() -> Self {
        Self::Always(false)
    }
}

/// Whose units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    #[default]
    System,
}

impl Describe for Systemd {
    const NAME: &'static str = "systemd";
    const ALIASES: &'static [&'static str] = &["systemd_service"];
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] = &[
        ("service", "name"),
        ("unit", "name"),
        ("daemon-reload", "daemon_reload"),
        ("daemon-reexec", "daemon_reexec"),
    ];
    const EXAMPLE: &'static str = "\
- name: blocks that are no longer used are given back every week
  systemd:
    name: fstrim.timer
    state: started
    enabled: true
";
}

impl Systemd {
    fn reads_tables(&self) -> bool {
        self.daemon_reload == Reload::When(Stale::Needed)
    }

    fn unit(&self) -> Option<Unit<'_>> {
        Some(Unit {
            name: self.name.as_deref()?,
            state: self.state,
            enabled: self.enabled,
            masked: self.masked,
            daemon_reload: self.daemon_reload != Reload::Always(false),
        })
    }
}

impl Module for Systemd {
    fn needs(&self) -> Needs {
        match self.unit() {
            Some(unit) => unit.needs(),
            // What is mounted is known by the devices it comes from.
            None if self.reads_tables() => Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts]),
            None => Needs::nothing(),
        }
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let mut plan = Plan::empty();
        let mut run = |detail: &str, command| {
            let change = Change { detail: detail.to_owned(), ..Change::run("service manager", "systemd") };
            plan.push(change, [Step::run(command)], []);
        };
        if self.daemon_reexec {
            run("starts itself anew", systemctl::daemon_reexec());
        }
        match self.unit() {
            Some(unit) => plan.then(unit.plan(machine)?),
            None if self.state.is_some() || self.enabled.is_some() || self.masked.is_some() => {
                return Err(Refusal::new("`systemd` needs `name` for what it is to do"));
            }
            None if self.reads_tables() => {
                if machine.mounts.as_ref().is_some_and(|mounts| mounts.unread_by_systemd) {
                    let change =
                        Change::modify("service manager", "systemd", "reads fstab and crypttab again");
                    let read = Prediction::Mounts(MountsEffect::Systemd { unread: false });
                    plan.push(change, [Step::run(systemctl::daemon_reload())], [read]);
                }
            }
            None if self.daemon_reload == Reload::Always(true) => {
                run("reads its files again", systemctl::daemon_reload());
            }
            None if self.daemon_reexec => {}
            None => return Err(Refusal::new("`systemd` needs `name` or `daemon_reload`")),
        }
        Ok(plan)
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        Ok(self.unit().map(|unit| unit.result(done)).unwrap_or_default())
    }

    fn repeats(&self) -> bool {
        let repeats = || self.unit().map_or(!self.reads_tables(), |unit| unit.repeats());
        self.daemon_reexec || repeats()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::mounts::Mounts;

    #[test]
    fn a_reload_needs_no_unit() {
        let reload: Systemd = serde_json::from_str(r#"{"daemon_reload": true}"#).unwrap();
        let plan = reload.plan(&Machine::default()).unwrap();
        assert_eq!(plan.actions[0].steps[0].shown(), "systemctl daemon-reload");
        assert!(reload.repeats());
        let nothing: Systemd = serde_json::from_str(r#"{"enabled": true}"#).unwrap();
        assert!(nothing.plan(&Machine::default()).is_err());
    }

    #[test]
    fn tables_are_read_again_only_where_they_were_not_read() {
        let reload: Systemd = serde_json::from_str(r#"{"daemon_reload": "needed"}"#).unwrap();
        assert!(!reload.repeats());
        let mut machine = Machine { mounts: Some(Mounts::default()), ..Machine::default() };
        assert!(reload.plan(&machine).unwrap().is_empty());
        MountsEffect::Systemd { unread: true }.apply(machine.mounts.as_mut().unwrap(), None);
        let plan = reload.plan(&machine).unwrap();
        assert_eq!(plan.actions[0].steps[0].shown(), "systemctl daemon-reload");
        plan.actions[0].predicts[0].apply(&mut machine);
        assert!(reload.plan(&machine).unwrap().is_empty());
    }
}
