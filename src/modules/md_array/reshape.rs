//! Another level or more members, one reshape after the other, each waited for before the next begins.

use super::MdArray;
use super::arguments::{Policy, describe};
use super::levels::{Leg, survives, way};
use super::settled::settled;
use crate::machine::array::{Array, Layout, Level, Member, Shape};
use crate::machine::block::{BlockEffect, Content, Device};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{blank_now, clear, confirm, device, empty_ends, holds_now, shown};
use crate::modules::stages::Stages;
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::mdadm::{self, Growth};
use crate::units::{KIB, Size};

impl MdArray {
    pub(super) fn reshape(&self, stages: &mut Stages) -> Result<(), Refusal> {
        let (_, array) = self.array(stages.machine())?;
        if self.is_shaped(array)? {
            return Ok(());
        }
        let (from, to) = (self.shape_of(array)?, self.shape()?);
        let legs = way(&from, &to).map_err(|why| {
            Refusal::new(format!(
                "the array {} is {}, and does not become {} of {}",
                &*self.name,
                describe(&from),
                to.level.name(),
                to.slots
            ))
            .fact(why)
        })?;
        self.can_be_reshaped(array)?;
        for leg in legs {
            stages.then(|machine| self.go(machine, leg))?;
        }
        stages.then(|machine| self.release(machine))
    }

    /// Whether level and number of members are as described.
    pub(super) fn is_shaped(&self, array: &Array) -> Result<bool, Refusal> {
        Ok(array.level == self.level()?.name() && array.slots == self.members.len())
    }

    pub(super) fn shape_of(&self, array: &Array) -> Result<Shape, Refusal> {
        let level = array.level.parse().map_err(|_| {
            Refusal::new(format!("the array {} is {}, which is left as it is", &*self.name, array.level))
        })?;
        let layout = array.layout.unwrap_or(Layout::NEAR_2);
        Ok(Shape { level, layout, chunk: array.chunk, slots: array.slots })
    }

    fn can_be_reshaped(&self, array: &Array) -> Result<(), Refusal> {
        self.at_rest(array, "no reshape is begun")?;
        let title = || format!("the array {} is not reshaped", &*self.name);
        if array.degraded > 0 {
            return Err(Refusal::new(title())
                .fact(format!("{} of its {} members are missing", array.degraded, array.slots))
                .help("complete it first, and wait until it is whole again"));
        }
        if matches!(array.policy.as_str(), "ppl" | "journal") {
            return Err(Refusal::new(title())
                .fact(format!("the kernel does not reshape while a {} is written", array.policy))
                .help("write `consistency_policy: resync` first, and `ppl` again when it is done"));
        }
        Ok(())
    }

    /// One reshape, with the devices it takes in.
    fn go(&self, machine: &Machine, leg: Leg) -> Result<Plan, Refusal> {
        let (found, array) = self.array(machine)?;
        let from = self.shape_of(array)?;
        let joining = self.joining(machine, array)?;
        let more = usize::try_from(leg.slots.saturating_sub(array.slots)).unwrap_or(0);
        let standing = array.members.iter().filter(|member| member.spare).count();
        if joining.len() < more {
            return Err(Refusal::new(format!(
                "the array {} needs {more} more members to become {} of {}, and {} are named",
                &*self.name,
                leg.level.name(),
                leg.slots,
                joining.len()
            ))
            .fact(format!("it has {} members and {standing} spares", array.slots)));
        }
        let joining = &joining[..more];
        if from.level == Level::Raid0 {
            self.leave_raid0(machine, found, array, leg, joining)
        } else {
            self.spread(machine, found, array, leg, joining)
        }
    }

    /// A redundant array takes new devices in as spares, and spreads over them then.
    fn spread(
        &self,
        machine: &Machine,
        found: &Device,
        array: &Array,
        leg: Leg,
        joining: &[&Device],
    ) -> Result<Plan, Refusal> {
        let from = self.shape_of(array)?;
        let new: Vec<&Device> =
            joining.iter().copied().filter(|device| array.member(&device.path).is_none()).collect();
        let mut plan = self.take_in(machine, found, array, &new, "new member", false)?;
        let mut after = added(found, &plan);
        let chunk = if from.level == Level::Raid1 && leg.level != Level::Raid1 {
            taken_over_chunk(found.size)
        } else {
            from.chunk
        };
        let to = Shape { level: leg.level, slots: leg.slots, chunk, ..from };
        after.size = to.size(array.used);
        if let Some(array) = &mut after.array {
            leg.level.name().clone_into(&mut array.level);
            array.chunk = chunk;
            let active: Vec<String> = joining.iter().map(|device| device.path.clone()).collect();
            let joined = array.members.iter_mut().filter(|member| active.contains(&member.device));
            joined.for_each(|member| member.spare = false);
            // The members of the last slots are left over.
            for _ in leg.slots..array.slots {
                if let Some(last) = array.members.iter_mut().rev().find(|member| !member.spare) {
                    last.spare = true;
                }
            }
            array.slots = leg.slots;
        }
        let backup = self.backup_file.as_deref();
        let growth = Growth {
            level: (leg.level != from.level).then_some(leg.level),
            devices: (leg.slots != from.slots).then_some(leg.slots),
            used: None,
            backup: backup.filter(|_| from.level != Level::Raid1),
        };
        let mut steps = vec![confirm(found, false), Step::run(mdadm::grow(&found.path, growth))];
        steps.extend(settled(&found.path, leg.level.name(), leg.slots));
        let size = after.size;
        let change = transition(found, &from, &to, size);
        plan.push(change, steps, [Prediction::Block(BlockEffect::Put(after.into()))]);
        Ok(plan)
    }

    /// A raid0 has no spares: it takes new devices in with the change of its level.
    fn leave_raid0(
        &self,
        machine: &Machine,
        found: &Device,
        array: &Array,
        leg: Leg,
        joining: &[&Device],
    ) -> Result<Plan, Refusal> {
        let from = self.shape_of(array)?;
        if self.bitmap == Some(true) || self.consistency_policy == Some(Policy::Bitmap) {
            return Err(Refusal::new(format!("the array {} cannot have a bitmap", &*self.name))
                .fact("it is a raid0, whose superblocks have no room for one, also when its level is another")
                .help("leave `bitmap` out"));
        }
        let used = found.size / from.slots;
        let block = machine.block.as_ref();
        let mut rooms = array.members.iter().map(|member| {
            let device = block.and_then(|block| block.devices.get(&member.device));
            device.map_or(0, |device| from.member_size(device.size, member.offset))
        });
        if used * from.slots != found.size || rooms.any(|room| room < used) {
            return Err(Refusal::new(format!("the raid0 {} is left as it is", &*self.name)).fact(
                "its members differ in size: the kernel changes the level only where all give the same",
            ));
        }
        let as_redundant = Array { used, ..array.clone() };
        let mut plan = Plan::empty();
        let mut blanks = Vec::new();
        for device in joining {
            self.fits(&as_redundant, device)?;
            blanks.push(clear(&mut plan, machine.claim(device)?));
        }
        let to = Shape { level: leg.level, slots: leg.slots, layout: Layout::NEAR_2, ..from };
        let size = to.size(used);
        let mut steps = vec![confirm(found, false)];
        steps.extend(joining.iter().map(|device| confirm(device, true)));
        steps.push(Step::run(mdadm::leave_raid0(&found.path, leg.level, leg.slots, &blanks)));
        steps.extend(settled(&found.path, leg.level.name(), leg.slots));
        let mut after = Device { size, ..found.clone() };
        after.sits_on.extend(joining.iter().map(|device| device.path.clone()));
        let offset = array.members.iter().map(|member| member.offset).max().unwrap_or(0);
        let members = array.members.iter().cloned();
        let joined = joining.iter().map(|device| Member { offset, ..Member::of(&device.path, false) });
        after.array = Some(Array {
            level: leg.level.name().to_owned(),
            layout: (leg.level == Level::Raid10).then_some(to.layout),
            slots: leg.slots,
            members: members.chain(joined).collect(),
            policy: "resync".to_owned(),
            ..as_redundant
        });
        let content = Content::Member { array: array.uuid.clone(), name: array.name.clone() };
        let mut predicts = vec![Prediction::Block(BlockEffect::Put(after.into()))];
        predicts.extend(joining.iter().map(|device| holds_now(&device.path, content.clone())));
        let list: Vec<String> = joining.iter().map(|device| shown(device)).collect();
        let change =
            transition(found, &from, &to, size).attribute("new members", None, Some(list.join(", ")));
        plan.push(change, steps, predicts);
        Ok(plan)
    }

    /// A member that a reshape left over, and that is not to stand by, is taken out and cleared.
    fn release(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let (found, array) = self.array(machine)?;
        let (members, spares) = self.described(machine)?;
        let mut plan = Plan::empty();
        let mut after = found.clone();
        for member in array.members.iter().filter(|member| member.spare) {
            if members.iter().chain(&spares).any(|device| device.path == member.device) {
                continue;
            }
            let left = device(machine, &member.device, &format!("the array {}", &*self.name))?;
            after.sits_on.retain(|below| *below != member.device);
            if let Some(array) = &mut after.array {
                array.members.retain(|other| other.device != member.device);
            }
            let mut steps = vec![
                Step::run(mdadm::remove(&found.path, &member.device)),
                Step::run(mdadm::forget([array.copy(member)?])),
            ];
            steps.push(empty_ends(&left.path, left.size));
            let detail = format!("without {}, which is not needed any more and is cleared", shown(left));
            plan.push(
                Change::modify("array", &found.path, detail),
                steps,
                [Prediction::Block(BlockEffect::Put(after.clone().into())), blank_now(&left.path)],
            );
        }
        Ok(plan)
    }
}

/// The array as it is when what was planned before is done.
fn added(found: &Device, plan: &Plan) -> Device {
    let last =
        plan.actions.iter().rev().flat_map(|action| &action.predicts).find_map(
            |prediction| match prediction {
                Prediction::Block(BlockEffect::Put(device)) if device.path == found.path => {
                    Some((**device).clone())
                }
                _ => None,
            },
        );
    last.unwrap_or_else(|| found.clone())
}

fn transition(found: &Device, from: &Shape, to: &Shape, size: u64) -> Change {
    let lowest = survives(from).min(survives(to));
    let members = |count| if count == 1 { "1 member".to_owned() } else { format!("{count} members") };
    let detail = format!(
        "reshaped; survives the loss of {} meanwhile, of {} afterwards",
        members(lowest),
        members(survives(to))
    );
    let change = Change::modify("array", &found.path, detail).attribute(
        "shape",
        Some(describe(from)),
        Some(describe(to)),
    );
    if size == found.size {
        return change;
    }
    change.attribute("size", Some(Size(found.size).to_string()), Some(Size(size).to_string()))
}

/// The chunk a raid5 has that was a raid1: the kernel's `raid5_takeover_raid1`.
fn taken_over_chunk(size: u64) -> u64 {
    let mut chunk = 64 * KIB;
    while chunk > 0 && !size.is_multiple_of(chunk) {
        chunk /= 2;
    }
    chunk
}
