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
    /// Makes systemd read its files again: for a unit when its file has changed, without a unit every time.
    #[serde(default)]
    pub daemon_reload: bool,
    /// Makes systemd read its files again when fstab or crypttab say something that it has not read yet.
    #[serde(default)]
    pub read_tables: bool,
    /// Makes systemd start itself anew, every time.
    #[serde(default)]
    pub daemon_reexec: bool,
    /// Whose units: only `system` for now.
    #[serde(default)]
    pub scope: Scope,
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
    fn unit(&self) -> Option<Unit<'_>> {
        Some(Unit {
            name: self.name.as_deref()?,
            state: self.state,
            enabled: self.enabled,
            masked: self.masked,
            daemon_reload: self.daemon_reload,
        })
    }
}

impl Module for Systemd {
    fn needs(&self) -> Needs {
        let unit = self.unit().map_or_else(Needs::nothing, |unit| unit.needs());
        // What is mounted is known by the devices it comes from.
        let tables = Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts]);
        if self.read_tables { unit.and(tables) } else { unit }
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let mut plan = Plan::empty();
        let run = |plan: &mut Plan, detail: &str, command| {
            let change = Change { detail: detail.to_owned(), ..Change::run("service manager", "systemd") };
            plan.push(change, [Step::run(command)], []);
        };
        if self.daemon_reexec {
            run(&mut plan, "starts itself anew", systemctl::daemon_reexec());
        }
        if self.read_tables && machine.mounts.as_ref().is_some_and(|mounts| mounts.unread_by_systemd) {
            let change = Change::modify("service manager", "systemd", "reads fstab and crypttab again");
            let read = Prediction::Mounts(MountsEffect::Systemd { unread: false });
            plan.push(change, [Step::run(systemctl::daemon_reload())], [read]);
        }
        match self.unit() {
            Some(unit) => plan.then(unit.plan(machine)?),
            None if self.state.is_some() || self.enabled.is_some() || self.masked.is_some() => {
                return Err(Refusal::new("`systemd` needs `name` for what it is to do"));
            }
            None if self.daemon_reload => {
                run(&mut plan, "reads its files again", systemctl::daemon_reload());
            }
            None if self.daemon_reexec || self.read_tables => {}
            None => return Err(Refusal::new("`systemd` needs `name` or `daemon_reload`")),
        }
        Ok(plan)
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        Ok(self.unit().map(|unit| unit.result(done)).unwrap_or_default())
    }

    fn repeats(&self) -> bool {
        self.daemon_reexec || self.unit().map_or(self.daemon_reload, |unit| unit.repeats())
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
        let reload: Systemd = serde_json::from_str(r#"{"read_tables": true}"#).unwrap();
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
