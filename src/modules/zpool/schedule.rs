//! When a pool is scrubbed and trimmed: by the units that zfsutils-linux brings, and by the property that tells
//! Debian's own monthly job to leave the pool to them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::unit::{Running, Unit};
use super::Zpool;
use crate::machine::Machine;
use crate::plan::{Plan, Refusal};

/// How often a pool is scrubbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scrub {
    Weekly,
    Monthly,
    Never,
}

/// How often a pool is trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Trim {
    Monthly,
    Never,
}

impl Zpool {
    /// The timers that there can be of a pool.
    pub(super) fn timers(&self) -> [String; 2] {
        ["weekly", "monthly"].map(|often| format!("zfs-scrub-{often}@{}.timer", &*self.name))
    }

    /// What Debian's monthly jobs ask before they touch a pool (`/usr/lib/zfs-linux/scrub` and `trim`).
    pub(super) fn periodic(&self) -> impl Iterator<Item = (String, String)> {
        let property = |name: &str, value: &str| (format!("org.debian:periodic-{name}"), value.to_owned());
        let scrub = self.scrub.map(|_| property("scrub", "disable"));
        let trim = self.trim.map(|trim| match trim {
            Trim::Monthly => property("trim", "enable"),
            Trim::Never => property("trim", "disable"),
        });
        scrub.into_iter().chain(trim)
    }

    /// One timer runs, or none.
    pub(super) fn scheduled(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let Some(scrub) = self.scrub else { return Ok(Plan::empty()) };
        let [weekly, monthly] = self.timers();
        let mut plan = off(machine, &weekly, scrub != Scrub::Weekly)?;
        plan.then(off(machine, &monthly, scrub != Scrub::Monthly)?);
        let on = match scrub {
            Scrub::Weekly => weekly,
            Scrub::Monthly => monthly,
            Scrub::Never => return Ok(plan),
        };
        plan.then(unit(&on, true).plan(machine)?);
        Ok(plan)
    }

    /// No timer outlives its pool.
    pub(super) fn unscheduled(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let [weekly, monthly] = self.timers();
        let mut plan = off(machine, &weekly, true)?;
        plan.then(off(machine, &monthly, true)?);
        Ok(plan)
    }
}

fn unit(name: &str, on: bool) -> Unit<'_> {
    let state = Some(if on { Running::Started } else { Running::Stopped });
    Unit { name, state, enabled: Some(on), masked: None, daemon_reload: false }
}

fn off(machine: &Machine, timer: &str, wanted: bool) -> Result<Plan, Refusal> {
    let runs = machine.services.seen.get(timer).is_some_and(|found| found.enabled || found.active);
    if wanted && runs { unit(timer, false).plan(machine) } else { Ok(Plan::empty()) }
}
