//! Whether a volume is active.

use super::Lvol;
use crate::machine::block::BlockEffect;
use crate::machine::lvm::{Group, Kind, Logical, LvmEffect};
use crate::machine::{Domain, Machine, Prediction};
use crate::modules::devices::block;
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::lvm;

impl Lvol {
    pub(super) fn activate(
        &self,
        machine: &Machine,
        group: &Group,
        volume: &Logical,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let path = group.path_of(&volume.name);
        if !self.active {
            if let Some(device) = block(machine)?.find(&path) {
                machine.unused(device)?;
            }
            if let Kind::ThinPool { .. } = volume.kind
                && let Some(user) = group.of_pool(&volume.name).find(|user| user.active)
            {
                return Err(Refusal::new(format!("the pool {} is in use", self.full_name()))
                    .fact(format!("its volume {} is active", user.name)));
            }
        }
        let word = |active: bool| Some(if active { "active" } else { "inactive" }.to_owned());
        let change = Change::modify("logical volume", self.full_name(), "").attribute(
            "state",
            word(volume.active),
            word(self.active),
        );
        let mut predicts = vec![Prediction::Lvm(LvmEffect::Logical {
            group: group.name.clone(),
            volume: Logical { active: self.active, ..volume.clone() }.into(),
        })];
        predicts.push(if self.active {
            Prediction::Touches(Domain::Block)
        } else {
            Prediction::Block(BlockEffect::Gone { path })
        });
        let risk = if self.active { Risk::Reversible } else { Risk::Disruptive };
        plan.push(
            change.risk(risk),
            [Step::run(lvm::lvchange_active(&group.name, &volume.name, self.active))],
            predicts,
        );
        Ok(())
    }
}
