//! Pools that grow by themselves: a profile that the pool's metadata names, and dmeventd watches by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Lvol;
use crate::machine::lvm::{Group, Logical, LvmEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::text_file;
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::lvm;

/// When a thin pool grows by itself, and by how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Autoextend {
    /// From how many percent of use on.
    threshold: u64,
    /// By how many percent of its size.
    percent: u64,
}

impl Autoextend {
    fn name(&self) -> String {
        format!("holdfast-{}-{}", self.threshold, self.percent)
    }

    pub(super) fn path(&self) -> String {
        format!("/etc/lvm/profile/{}.profile", self.name())
    }

    fn content(&self) -> String {
        format!(
            "# Written by Holdfast: for thin pools that name this profile.\nactivation {{\n\
             \tthin_pool_autoextend_threshold={}\n\tthin_pool_autoextend_percent={}\n}}\n",
            self.threshold, self.percent
        )
    }
}

impl Lvol {
    pub(super) fn keep_autoextend(
        &self,
        machine: &Machine,
        group: &Group,
        pool: &Logical,
    ) -> Result<Plan, Refusal> {
        let Some(wanted) = &self.autoextend else { return Ok(Plan::empty()) };
        if !(50..100).contains(&wanted.threshold) || !(1..=100).contains(&wanted.percent) {
            return Err(Refusal::new(format!("the pool {} cannot be extended like that", self.full_name()))
                .fact("LVM takes a threshold of 50 to 99 percent, and 1 to 100 percent to grow by"));
        }
        let mut plan = text_file::whole(machine, &wanted.path(), wanted.content());
        let name = wanted.name();
        if pool.profile.as_deref() != Some(name.as_str()) {
            let change = Change::modify("thin pool", self.full_name(), "").attribute(
                "profile",
                pool.profile.clone(),
                Some(name.clone()),
            );
            let after = Logical { profile: Some(name.clone()), ..pool.clone() };
            let step = Step::run(lvm::lvchange_profile(&group.name, &pool.name, Some(&name)));
            let effect = LvmEffect::Logical { group: group.name.clone(), volume: after.into() };
            plan.push(change, [step], [Prediction::Lvm(effect)]);
        }
        Ok(plan)
    }
}
