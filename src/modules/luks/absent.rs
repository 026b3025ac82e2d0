//! The end of a container: with consent to exactly that one, and only once nobody uses it.

use super::super::devices::{blank_now, block, confirm, empty_ends};
use super::draft::{Draft, backup};
use super::{KIND, Luks};
use crate::machine::block::{BlockEffect, Content, Device};
use crate::machine::claim::{loss, token};
use crate::machine::luks::LuksEffect;
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::{cryptsetup, udevadm, wipefs};

impl Luks {
    pub(super) fn remove(&self, machine: &Machine, device: &Device) -> Result<Plan, Refusal> {
        let mut plan = Plan::empty();
        if !matches!(&device.content, Content::Other { kind, .. } if kind == KIND) {
            self.unregister(machine, None, &mut plan)?;
            return Ok(plan);
        }
        let mut lost = loss(device);
        // The key does not matter here: what would have to be right is the consent.
        let draft = Draft::known(self, machine, device)?;
        draft.is_as_described()?;
        let mut after = machine.clone();
        if let Some(mapper) = draft.mapper()? {
            lost = format!("{lost}; open as {}", loss(mapper));
            let unused = machine.unused(mapper)?;
            let gone = Prediction::Block(BlockEffect::Gone { path: mapper.path.clone() });
            let mut container = draft.now.clone();
            container.mapping = None;
            let closed =
                LuksEffect::Container { device: device.path.clone(), container: Box::new(container) };
            let predicts = [gone, Prediction::Luks(closed)];
            for one in &predicts {
                one.apply(&mut after);
            }
            let change = Change::remove("mapping", &mapper.path, format!("of {}", device.path));
            let steps = [Step::run(cryptsetup::close(unused)), Step::run(udevadm::settle())];
            plan.push(change.risk(Risk::Disruptive), steps, predicts);
        }
        let Some(idle) = block(&after)?.devices.get(&device.path) else { return Ok(plan) };
        let unused = after.unused(idle)?;
        let mut steps = vec![confirm(device, false)];
        steps.extend(backup(&device.path, draft.now.version));
        steps.extend([Step::run(cryptsetup::erase(unused)), Step::run(wipefs::all(unused))]);
        steps.push(empty_ends(&device.path, device.size));
        steps.push(Step::run(udevadm::settle()));
        let change = Change::destroy("encrypted container", &device.path, token("remove", device), lost);
        let gone = Prediction::Luks(LuksEffect::Gone { device: device.path.clone() });
        let mut whole = Plan::empty();
        self.unregister(machine, Some(device), &mut whole)?;
        whole.then(plan);
        whole.push(change, steps, [blank_now(&device.path), gone]);
        Ok(whole)
    }
}
