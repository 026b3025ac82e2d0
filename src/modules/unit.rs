//! systemd units: what `service` and `systemd` have in common. No module itself.

use serde::{Deserialize, Serialize};

use super::Done;
use crate::machine::services::{ServiceState, ServicesEffect};
use crate::machine::{Machine, Needs, Prediction};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::systemctl;
use crate::value::{Map, Value};

/// What a unit does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Running {
    /// It runs.
    Started,
    /// It does not run.
    Stopped,
    /// It is stopped and started, every time; a unit that does not run is started.
    Restarted,
    /// It reads its configuration again, every time; a unit that does not run is started.
    Reloaded,
}

/// A unit as a task asks for it.
#[derive(Debug)]
pub(super) struct Unit<'a> {
    pub(super) name: &'a str,
    pub(super) state: Option<Running>,
    pub(super) enabled: Option<bool>,
    pub(super) masked: Option<bool>,
    pub(super) daemon_reload: bool,
}

/// Its own file, where an administrator puts one.
fn file(name: &str) -> String {
    const KINDS: [&str; 8] =
        [".service", ".socket", ".timer", ".mount", ".target", ".path", ".automount", ".swap"];
    let suffix = if KINDS.iter().any(|kind| name.ends_with(kind)) { "" } else { ".service" };
    format!("/etc/systemd/system/{name}{suffix}")
}

impl Unit<'_> {
    pub(super) fn needs(&self) -> Needs {
        Needs { services: vec![self.name.to_owned()], ..Needs::nothing() }.path(file(self.name))
    }

    pub(super) fn repeats(&self) -> bool {
        matches!(self.state, Some(Running::Restarted | Running::Reloaded))
    }

    fn now(&self, machine: &Machine) -> Result<ServiceState, Refusal> {
        if machine.services.no_systemd {
            return Err(Refusal::new(
                "systemd does not run this host, and other service managers are not supported yet",
            ));
        }
        let found = machine.services.seen.get(self.name).cloned().unwrap_or_default();
        // What a dry run would have installed or written brings units that systemd cannot know yet.
        let coming = machine.packages.expected || machine.files.at(&file(self.name)).is_some();
        if found.exists || coming {
            return Ok(ServiceState { exists: true, ..found });
        }
        Err(Refusal::new(format!("there is no unit `{}` on this host", self.name)).help(
            "its package may be missing, or its name may be another one: see `systemctl list-unit-files`",
        ))
    }

    pub(super) fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let mut now = self.now(machine)?;
        let mut plan = Plan::empty();
        let then = |plan: &mut Plan, change: Change, verbs: &[&str], now: &mut ServiceState, stale: bool| {
            let reload = stale.then(|| Step::run(systemctl::daemon_reload()));
            let verbs = verbs.iter().map(|verb| Step::run(systemctl::unit(verb, self.name)));
            let steps: Vec<Step> = reload.into_iter().chain(verbs).collect();
            let effect = ServicesEffect::Put { name: self.name.to_owned(), state: now.clone() };
            plan.push(change, steps, [Prediction::Services(effect)]);
        };
        let word = |truth: bool| Some(if truth { "yes" } else { "no" }.to_owned());
        let modify = |name: &str, before: bool, after: bool| {
            Change::modify("service", self.name, "").attribute(name, word(before), word(after))
        };
        if let Some(masked) = self.masked
            && masked != now.masked
        {
            let change = modify("masked", now.masked, masked);
            now.masked = masked;
            then(&mut plan, change, &[if masked { "mask" } else { "unmask" }], &mut now, false);
        }
        let starts = !matches!(self.state, None | Some(Running::Stopped));
        if now.masked && (starts || self.enabled == Some(true)) {
            return Err(Refusal::new(format!("the unit `{}` is masked", self.name))
                .help("`systemd` takes `masked: false`"));
        }
        if let Some(enabled) = self.enabled
            && enabled != now.enabled
            && !now.fixed
        {
            let change = modify("enabled", now.enabled, enabled);
            now.enabled = enabled;
            then(&mut plan, change, &[if enabled { "enable" } else { "disable" }], &mut now, false);
        }
        // A changed unit file counts only once systemd has read it again.
        let reread = now.stale || (self.daemon_reload && self.repeats());
        let state = |after: &str| {
            let before = if now.sub.is_empty() { None } else { Some(now.sub.clone()) };
            Change::modify("service", self.name, "").attribute("state", before, Some(after.to_owned()))
        };
        match self.state {
            Some(Running::Started) if now.passing => {
                return Err(Refusal::new(format!(
                    "the unit `{}` does its work and ends, so it is never found running",
                    self.name
                ))
                .help("`state: restarted` runs it once"));
            }
            Some(Running::Started) if !now.active => {
                let change = state("started");
                now.active = true;
                then(&mut plan, change, &["start"], &mut now, reread);
            }
            Some(Running::Stopped) if now.active => {
                let change = state("stopped").risk(Risk::Disruptive);
                now.active = false;
                then(&mut plan, change, &["stop"], &mut now, reread);
            }
            Some(Running::Restarted | Running::Reloaded) => {
                let (verb, after) = match self.state {
                    _ if !now.active => ("start", "started"),
                    Some(Running::Reloaded) => ("reload", "reloaded"),
                    _ => ("restart", "restarted"),
                };
                let change = Change { op: crate::plan::Op::Run, ..state(after) }.risk(Risk::Disruptive);
                now.active = true;
                then(&mut plan, change, &[verb], &mut now, reread);
            }
            _ if now.stale && self.daemon_reload => {
                let change = Change::modify("service", self.name, "its file is read again");
                now.stale = false;
                then(&mut plan, change, &[], &mut now, true);
            }
            _ => {}
        }
        Ok(plan)
    }

    pub(super) fn result(&self, done: &Done<'_>) -> Map<String, Value> {
        let mut result = Map::new();
        result.insert("name".to_owned(), self.name.into());
        if let Some(enabled) = self.enabled {
            result.insert("enabled".to_owned(), enabled.into());
        }
        if let Some(found) = done.after.services.seen.get(self.name) {
            let state = if found.active { "started" } else { "stopped" };
            result.insert("state".to_owned(), state.into());
            let status = [
                ("ActiveState", if found.active { "active" } else { "inactive" }),
                ("SubState", found.sub.as_str()),
                ("UnitFileState", if found.enabled { "enabled" } else { "disabled" }),
            ];
            let status: Map<String, Value> =
                status.into_iter().map(|(key, word)| (key.to_owned(), word.into())).collect();
            result.insert("status".to_owned(), status.into());
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(state: ServiceState) -> Machine {
        let mut machine = Machine::default();
        machine.services.seen.insert("nfs".into(), state);
        machine
    }

    fn unit(state: Option<Running>, enabled: Option<bool>) -> Unit<'static> {
        Unit { name: "nfs", state, enabled, masked: None, daemon_reload: false }
    }

    fn commands(unit: &Unit<'_>, machine: &Machine) -> Vec<String> {
        let plan = unit.plan(machine).unwrap();
        let mut after = machine.clone();
        plan.actions.iter().flat_map(|action| &action.predicts).for_each(|one| one.apply(&mut after));
        assert!(unit.repeats() || unit.plan(&after).unwrap().is_empty());
        plan.actions.iter().flat_map(|action| &action.steps).map(Step::shown).collect()
    }

    fn exists() -> ServiceState {
        ServiceState { exists: true, ..ServiceState::default() }
    }

    #[test]
    fn does_only_what_is_missing() {
        let started = unit(Some(Running::Started), Some(true));
        let steps = ["systemctl enable -- nfs", "systemctl start -- nfs"];
        assert_eq!(commands(&started, &machine(exists())), steps);
        let running = ServiceState { active: true, enabled: true, ..exists() };
        assert!(commands(&started, &machine(running.clone())).is_empty());
        let stopped = unit(Some(Running::Stopped), Some(false));
        let steps = ["systemctl disable -- nfs", "systemctl stop -- nfs"];
        assert_eq!(commands(&stopped, &machine(running)), steps);
        let fixed = ServiceState { active: true, fixed: true, ..exists() };
        assert!(commands(&started, &machine(fixed)).is_empty());
    }

    #[test]
    fn restarts_every_time_and_reads_a_changed_file_first() {
        let restarted = unit(Some(Running::Restarted), None);
        let stale = ServiceState { active: true, stale: true, ..exists() };
        let steps = ["systemctl daemon-reload", "systemctl restart -- nfs"];
        assert_eq!(commands(&restarted, &machine(stale)), steps);
        assert_eq!(commands(&restarted, &machine(exists())), ["systemctl start -- nfs"]);
    }

    #[test]
    fn a_unit_that_a_package_will_bring_is_no_error() {
        let started = unit(Some(Running::Started), None);
        let mut machine = machine(ServiceState::default());
        let refusal = started.plan(&machine).unwrap_err();
        assert_eq!(refusal.title, "there is no unit `nfs` on this host");
        machine.packages.expected = true;
        assert_eq!(commands(&started, &machine), ["systemctl start -- nfs"]);
    }

    #[test]
    fn masked_and_passing_units_are_refused() {
        let started = unit(Some(Running::Started), None);
        let masked = ServiceState { masked: true, ..exists() };
        assert!(started.plan(&machine(masked.clone())).unwrap_err().title.contains("is masked"));
        let unmask = Unit { masked: Some(false), ..unit(Some(Running::Started), None) };
        let steps = ["systemctl unmask -- nfs", "systemctl start -- nfs"];
        assert_eq!(commands(&unmask, &machine(masked)), steps);
        let passing = ServiceState { passing: true, ..exists() };
        assert!(started.plan(&machine(passing)).is_err());
    }
}
