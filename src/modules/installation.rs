//! Packages that are there or not: what `apt` and `package` have in common. No module itself.

use serde::{Deserialize, Serialize};

use super::Done;
use crate::machine::packages::{Manager, PackagesEffect};
use crate::machine::services::ServicesEffect;
use crate::machine::{Machine, Needs, Prediction};
use crate::plan::{Attribute, Change, Plan, Refusal, Risk, Step};
use crate::tools::apt;
use crate::value::{Map, Value};

/// Whether packages shall be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// In any version.
    #[default]
    #[serde(alias = "installed")]
    Present,
    /// Not at all.
    #[serde(alias = "removed")]
    Absent,
    /// In the version this host's package lists offer.
    Latest,
}

/// Packages as a task asks for them.
#[derive(Debug)]
pub(super) struct Installation<'a> {
    pub(super) names: &'a [String],
    pub(super) wanted: Wanted,
    pub(super) update_cache: Option<bool>,
    /// Lists that were fetched within these seconds are not fetched again.
    pub(super) cache_valid_time: u64,
    pub(super) recommends: Option<bool>,
    pub(super) purge: bool,
}

/// `name` or `name=version`.
fn split(written: &str) -> (&str, Option<&str>) {
    match written.split_once('=') {
        Some((name, version)) => (name.trim(), Some(version.trim())),
        None => (written.trim(), None),
    }
}

impl Installation<'_> {
    pub(super) fn needs(&self) -> Needs {
        Needs {
            packages: self.names.iter().map(|name| split(name).0.to_owned()).collect(),
            candidates: self.wanted == Wanted::Latest || self.update_cache.is_some(),
            ..Needs::nothing()
        }
        .path(apt::POLICY)
    }

    /// Only the package lists are asked for: those are fetched whenever they are too old.
    pub(super) fn only_updates(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        self.check(machine)?;
        match self.wanted {
            Wanted::Absent => Ok(self.removal(machine)),
            _ => Ok(self.installation(machine)),
        }
    }

    fn check(&self, machine: &Machine) -> Result<(), Refusal> {
        if self.names.is_empty() && self.update_cache != Some(true) {
            return Err(Refusal::new("no package is named, and `update_cache` is not asked for"));
        }
        for name in self.names {
            let (plain, version) = split(name);
            let odd = |text: &str| text.is_empty() || text.contains(['*', '?', '[', '/', ' ', '<', '>']);
            if odd(plain) || plain.starts_with('-') || version.is_some_and(odd) {
                return Err(Refusal::new(format!("`{name}` is no package name")).help(
                    "not supported yet: patterns, releases and files of packages; write NAME or NAME=VERSION",
                ));
            }
        }
        match &machine.packages.manager {
            Some(Manager::Apt) => Ok(()),
            Some(Manager::Other(program)) => {
                Err(Refusal::new(format!("not supported yet: packages by `{program}`, which this host has"))
                    .help("install them by `command`, with `creates` for what they bring"))
            }
            Some(Manager::Unknown) | None => Err(Refusal::new(
                "nothing on this host installs packages that is known here (looked for apt-get)",
            )),
        }
    }

    fn removal(&self, machine: &Machine) -> Plan {
        let there = |name: &str| machine.packages.seen.get(name).cloned().flatten();
        let (mut names, mut attributes, mut predicts) = (Vec::new(), Vec::new(), Vec::new());
        for name in self.names.iter().map(|name| split(name).0) {
            if let Some(version) = there(name) {
                attributes.push(Attribute { name: name.to_owned(), before: Some(version), after: None });
                let effect = PackagesEffect::Put { name: name.to_owned(), state: None };
                predicts.push(Prediction::Packages(effect));
                names.push(name);
            }
        }
        if names.is_empty() {
            return Plan::empty();
        }
        let mut change = Change::remove(kind(&names), names.join(" "), "").risk(Risk::Disruptive);
        change.attributes = attributes;
        Plan::of(change, [Step::run(apt::remove(&names, self.purge))], predicts)
    }

    fn installation(&self, machine: &Machine) -> Plan {
        let packages = &machine.packages;
        let (mut words, mut attributes, mut predicts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut unknown, mut upgrades) = (false, false);
        for written in self.names {
            let (name, version) = split(written);
            let installed = packages.seen.get(name).cloned().flatten();
            let candidate = packages.candidates.get(name).cloned().flatten();
            let wanted = match (&installed, version) {
                (Some(installed), Some(version)) if installed == version => continue,
                (_, Some(version)) => version.to_owned(),
                (Some(installed), None) if self.wanted == Wanted::Latest => match &candidate {
                    Some(candidate) if !candidate.is_empty() && candidate != installed => candidate.clone(),
                    _ => continue,
                },
                (Some(_), None) => continue,
                (None, None) => candidate.clone().unwrap_or_default(),
            };
            unknown |= candidate.is_none();
            upgrades |= installed.is_some();
            let shown = if wanted.is_empty() { "installed".to_owned() } else { wanted.clone() };
            attributes.push(Attribute { name: name.to_owned(), before: installed, after: Some(shown) });
            words.push((name, written.as_str(), wanted));
        }
        let old = packages.lists_age_s.is_none_or(|age| age >= self.cache_valid_time);
        // A second run has nothing to install, and so no reason to fetch lists.
        let asked = self.update_cache == Some(true) && old && (self.only_updates() || !words.is_empty());
        let update = asked || (unknown && self.update_cache != Some(false));
        let mut plan = Plan::empty();
        if update {
            let mut change = Change::run("package lists", "apt");
            change.detail = match packages.lists_age_s {
                _ if !asked => "they do not know all of these packages".to_owned(),
                Some(age) => format!("fetched {age} s ago"),
                None => "never fetched".to_owned(),
            };
            plan.push(change, [Step::run(apt::update())], []);
        }
        if words.is_empty() {
            return plan;
        }
        for (name, written, wanted) in &words {
            // After an update the lists may offer something newer.
            let known = !update || written.contains('=');
            let state = Some(if known { wanted.clone() } else { String::new() });
            predicts.push(Prediction::Packages(PackagesEffect::Put { name: (*name).to_owned(), state }));
        }
        let names: Vec<&str> = words.iter().map(|(name, ..)| *name).collect();
        let orders: Vec<&str> = words.iter().map(|(_, written, _)| *written).collect();
        let mut change = if upgrades {
            Change::modify(kind(&names), names.join(" "), "").risk(Risk::Disruptive)
        } else {
            Change::create(kind(&names), names.join(" "), "")
        };
        change.attributes = attributes;
        let policy = machine.files.seen.get(apt::POLICY).is_some_and(Option::is_some);
        for units in names.iter().filter(|_| !policy).filter_map(|name| apt::started_by(name)) {
            let names =
                units.iter().flat_map(|unit| [(*unit).to_owned(), format!("{unit}.service")]).collect();
            predicts.push(Prediction::Services(ServicesEffect::Brought { names }));
            change = change.attribute("service", None, Some(format!("{} is started", units[0])));
        }
        plan.push(change, [Step::run(apt::install(&orders, self.recommends))], predicts);
        plan
    }

    pub(super) fn result(&self, done: &Done<'_>) -> Map<String, Value> {
        let mut result = Map::new();
        let updated = done.plan.actions.iter().any(|action| action.change.kind == "package lists");
        result.insert("cache_updated".to_owned(), (updated && !done.dry).into());
        let installs = done.plan.actions.len() > usize::from(updated);
        if let Some(output) = done.outputs.last().filter(|_| installs) {
            let text = output.text();
            result.insert("stdout_lines".to_owned(), text.lines().collect());
            result.insert("stdout".to_owned(), text.into());
            result.insert("stderr".to_owned(), output.error_text().into());
        }
        let versions: Map<String, Value> = self
            .names
            .iter()
            .map(|name| split(name).0)
            .map(|name| (name.to_owned(), done.after.packages.seen.get(name).cloned().flatten().into()))
            .collect();
        result.insert("versions".to_owned(), versions.into());
        result
    }
}

fn kind(names: &[&str]) -> &'static str {
    if names.len() == 1 { "package" } else { "packages" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(seen: &[(&str, Option<&str>)], candidates: &[(&str, Option<&str>)]) -> Machine {
        let owned = |pairs: &[(&str, Option<&str>)]| {
            pairs.iter().map(|(name, version)| ((*name).to_owned(), version.map(str::to_owned))).collect()
        };
        let mut machine = Machine::default();
        machine.packages.manager = Some(Manager::Apt);
        machine.packages.seen = owned(seen);
        machine.packages.candidates = owned(candidates);
        machine.packages.lists_age_s = Some(100);
        machine
    }

    fn present(names: &[String]) -> Installation<'_> {
        Installation {
            names,
            wanted: Wanted::Present,
            update_cache: None,
            cache_valid_time: 0,
            recommends: None,
            purge: false,
        }
    }

    fn commands(names: &[&str], wanted: Wanted, update: Option<bool>, machine: &Machine) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let installation =
            Installation { wanted, update_cache: update, cache_valid_time: 60, ..present(&names) };
        let plan = installation.plan(machine).unwrap();
        let mut after = machine.clone();
        plan.actions.iter().flat_map(|action| &action.predicts).for_each(|one| one.apply(&mut after));
        let settled = wanted == Wanted::Latest || installation.only_updates();
        assert!(settled || installation.plan(&after).unwrap().is_empty());
        let line = |step: &Step| step.shown().split(" -o ").last().map(str::to_owned).unwrap_or_default();
        plan.actions.iter().flat_map(|action| &action.steps).map(line).collect()
    }

    #[test]
    fn installs_exactly_what_is_missing() {
        let machine = machine(&[("mdadm", Some("4.2")), ("lvm2", None)], &[("lvm2", Some("2.03"))]);
        let install = "Dpkg::Options::=--force-confold install lvm2";
        assert_eq!(commands(&["mdadm", "lvm2"], Wanted::Present, None, &machine), [install]);
        assert!(commands(&["mdadm"], Wanted::Present, Some(true), &machine).is_empty());
        let update = "DPkg::Lock::Timeout=300 update";
        assert_eq!(commands(&["lvm2"], Wanted::Present, Some(true), &machine), [update, install]);
        assert_eq!(commands(&[], Wanted::Present, Some(true), &machine), [update]);
    }

    #[test]
    fn fetches_lists_that_do_not_know_a_package() {
        let machine = machine(&[("new", None)], &[("new", None)]);
        let steps = commands(&["new"], Wanted::Present, None, &machine);
        assert_eq!(steps.len(), 2);
        assert_eq!(commands(&["new"], Wanted::Present, Some(false), &machine).len(), 1);
    }

    /// Debian starts what it installs: the task that wants it running has nothing left to do, in a dry run too.
    #[test]
    fn foresees_the_services_that_are_started() {
        let names = ["nfs-kernel-server".to_owned()];
        let installation = present(&names);
        let started = |machine: &Machine| {
            let plan = installation.plan(machine).unwrap();
            let mut after = machine.clone();
            plan.actions.iter().flat_map(|action| &action.predicts).for_each(|one| one.apply(&mut after));
            after.services.seen.get("nfs-server").is_some_and(|unit| unit.active && unit.enabled)
        };
        let mut machine = machine(&[("nfs-kernel-server", None)], &[("nfs-kernel-server", Some("1"))]);
        assert!(started(&machine));
        let policy = crate::machine::files::FileState::expected(crate::exec::Kind::File, 0o755, 0, 0, None);
        machine.files.seen.insert(apt::POLICY.into(), Some(policy));
        assert!(!started(&machine));
    }

    #[test]
    fn upgrades_and_removes() {
        let machine = machine(&[("a", Some("1")), ("b", None)], &[("a", Some("2"))]);
        assert_eq!(commands(&["a"], Wanted::Latest, None, &machine).len(), 1);
        assert_eq!(commands(&["a=1"], Wanted::Present, None, &machine).len(), 0);
        let remove = "DPkg::Lock::Timeout=300 remove a";
        assert_eq!(commands(&["a", "b"], Wanted::Absent, None, &machine), [remove]);
    }

    #[test]
    fn another_manager_is_named() {
        let mut machine = machine(&[], &[]);
        machine.packages.manager = Some(Manager::Other("dnf".into()));
        let names = ["a".to_owned()];
        let installation = present(&names);
        let refusal = installation.plan(&machine).unwrap_err();
        assert_eq!(refusal.title, "not supported yet: packages by `dnf`, which this host has");
    }
}
