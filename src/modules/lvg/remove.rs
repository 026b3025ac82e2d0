//! The end of a group, with its volumes where that was asked for and consented to, one by one.

use super::Lvg;
use crate::machine::block::Device;
use crate::machine::lvm::{Group, LvmEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{blank_now, confirm, device, empty_ends};
use crate::modules::lvol;
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::lvm;
use crate::units::Size;

impl Lvg {
    pub(super) fn remove(&self, machine: &Machine, group: &Group) -> Result<Plan, Refusal> {
        let name = &group.name;
        if !group.logical.is_empty() && !self.force {
            let mut refusal = Refusal::new(format!("the volume group {name} still has volumes"));
            for volume in group.logical.values() {
                refusal =
                    refusal.fact(format!("{name}/{}, {}", volume.name, Size(volume.extents * group.extent)));
            }
            return Err(refusal.help(
                "remove its volumes first, each with `lvol` and `state: absent`; `force: true` asks for all of them",
            ));
        }
        if !group.moving.is_empty() {
            return Err(Refusal::new(format!("the volume group {name} is moving what is on its devices"))
                .help("`pvmove` without arguments goes on with that, `pvmove --abort` takes it back"));
        }
        let mut plan = Plan::empty();
        for volume in lvol::leaves_first(group) {
            plan.then(lvol::removal(machine, group, volume)?);
        }
        let devices: Vec<&Device> = group
            .physical
            .keys()
            .map(|path| device(machine, path, &format!("the end of the volume group {name}")))
            .collect::<Result<_, _>>()?;
        let token = format!("remove:{}", group.uuid.known().unwrap_or(name));
        let loss =
            format!("the volume group {name} of {}, without volumes", Size(group.extents() * group.extent));
        let mut steps: Vec<Step> = devices.iter().map(|device| confirm(device, false)).collect();
        steps.push(Step::run(lvm::vgremove(name)));
        steps.push(Step::run(lvm::pvremove(devices.iter().map(|device| device.path.as_str()))));
        let mut predicts = vec![Prediction::Lvm(LvmEffect::GroupGone { name: name.clone() })];
        for device in devices {
            steps.push(empty_ends(&device.path, device.size));
            predicts.push(blank_now(&device.path));
        }
        plan.push(Change::destroy("volume group", name, token, loss), steps, predicts);
        Ok(plan)
    }
}
