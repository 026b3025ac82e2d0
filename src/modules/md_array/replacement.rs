//! A working member gives its place to another device. The array is whole all the time: the old member leaves only when
//! the new one holds everything, and what it then holds is a copy nobody needs.

use super::MdArray;
use super::settled::settled;
use crate::machine::array::{Array, Member};
use crate::machine::block::{BlockEffect, Content, Device};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{blank_now, device, empty_ends, holds_now, shown};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::mdadm;

impl MdArray {
    pub(super) fn replace_working(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let (found, array) = self.array(machine)?;
        let leaving = self.leaving(machine, array)?;
        let new = self.joining(machine, array)?;
        let mut plan = Plan::empty();
        let (Some(old), Some(first)) = (leaving.first(), new.first()) else { return Ok(plan) };
        if !self.replace {
            let members: Vec<&str> = array.members.iter().map(|member| member.device.as_str()).collect();
            return Err(Refusal::new(format!("{} is no member of the array {}", shown(first), &*self.name))
                .fact(format!("its members are {}", members.join(", ")))
                .fact(format!("{} works in it, and is not in `members`", old.device))
                .help("to let the one take the place of the other, write `replace: true`"));
        }
        self.at_rest(array, "no member is replaced")?;
        let mut after = found.clone();
        for (old, new) in leaving.iter().zip(&new) {
            let gone = array.copy(old)?;
            let mut steps = match array.member(&new.path) {
                Some(_) => Vec::new(),
                None => self.additions(machine, &mut plan, found, array, new)?,
            };
            let leaver = device(machine, &old.device, &format!("the array {}", &*self.name))?;
            steps.push(Step::run(mdadm::replace(&found.path, &old.device, &new.path)));
            steps.extend(settled(&found.path, &array.level, array.slots));
            steps.push(Step::run(mdadm::remove(&found.path, &old.device)));
            steps.push(Step::run(mdadm::forget([gone])));
            steps.push(empty_ends(&leaver.path, leaver.size));
            replace_in(&mut after, old, new);
            let content = Content::Member { array: array.uuid.clone(), name: array.name.clone() };
            let change = Change::modify(
                "array",
                &found.path,
                format!(
                    "{} takes the place of {}, which is cleared: the array is whole all the time",
                    shown(new),
                    shown(leaver)
                ),
            );
            let predicts = [
                Prediction::Block(BlockEffect::Put(after.clone().into())),
                holds_now(&new.path, content),
                blank_now(&leaver.path),
            ];
            plan.push(change, steps, predicts);
        }
        Ok(plan)
    }

    /// Working members that are not described any more.
    pub(super) fn leaving<'a>(
        &self,
        machine: &Machine,
        array: &'a Array,
    ) -> Result<Vec<&'a Member>, Refusal> {
        let (members, spares) = self.described(machine)?;
        let described =
            |member: &&Member| members.iter().chain(&spares).any(|device| device.path == member.device);
        Ok(array.active().filter(|member| !described(member)).collect())
    }

    /// Described members that do not work in the array: new ones, and spares in it.
    pub(super) fn joining<'a>(
        &self,
        machine: &'a Machine,
        array: &Array,
    ) -> Result<Vec<&'a Device>, Refusal> {
        let (members, _) = self.described(machine)?;
        let mut found: Vec<&Device> = members
            .into_iter()
            .filter(|device| array.member(&device.path).is_none_or(|member| member.spare))
            .collect();
        // Spares that are about to fill a slot are not free to fill another.
        let filling = usize::try_from(array.degraded).unwrap_or(usize::MAX);
        let spares: Vec<&Device> = found
            .iter()
            .copied()
            .filter(|device| array.member(&device.path).is_some())
            .take(filling)
            .collect();
        found.retain(|device| !spares.iter().any(|spare| spare.path == device.path));
        Ok(found)
    }

    /// Refused while the kernel works in the array, with how far it is.
    pub(super) fn at_rest(&self, array: &Array, what: &str) -> Result<(), Refusal> {
        let Some(activity) = array.activity() else { return Ok(()) };
        Err(Refusal::new(format!("{activity} in the array {}, and {what} meanwhile", &*self.name)).help(
            format!("wait until it has ended: `mdadm --wait {}`, or look at /proc/mdstat", self.path()),
        ))
    }
}

fn replace_in(after: &mut Device, old: &Member, new: &Device) {
    after.sits_on.retain(|below| *below != old.device && *below != new.path);
    after.sits_on.push(new.path.clone());
    let Some(array) = &mut after.array else { return };
    let there = array.members.iter().position(|member| member.device == new.path);
    let mut member = there.map_or_else(|| Member::of(&new.path, false), |at| array.members.remove(at));
    member.spare = false;
    member.offset = old.offset;
    if let Some(slot) = array.members.iter_mut().find(|member| member.device == old.device) {
        *slot = member;
    }
}
