//! What is changed in place, without a reshape: how much of each member is used, and how the array becomes consistent
//! after a crash. And last, whether the array now is what is described: what nobody changes is refused, not ignored.

use super::MdArray;
use super::arguments::{Policy, describe};
use super::settled::settled;
use crate::machine::array::{Array, Shape};
use crate::machine::block::{BlockEffect, Device};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{confirm, shown};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::mdadm::{self, Growth};
use crate::units::Size;

impl MdArray {
    /// Uses all that every member has, where that is asked for.
    pub(super) fn resize(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let (found, array) = self.array(machine)?;
        if self.size.is_none() || array.used == 0 {
            return Ok(Plan::empty());
        }
        let shape = self.shape_of(array)?;
        let block = machine.block.as_ref();
        let rooms = array.members.iter().filter(|member| !member.faulty).map(|member| {
            let device = block.and_then(|block| block.devices.get(&member.device));
            device.map_or(0, |device| shape.member_size(device.size, member.offset))
        });
        let used = rooms.min().unwrap_or(0);
        if used <= array.used {
            return Ok(Plan::empty());
        }
        self.at_rest(array, "it is not resized")?;
        let size = shape.size(used);
        let mut after = Device { size, ..found.clone() };
        if let Some(array) = &mut after.array {
            array.used = used;
        }
        let mut steps = vec![
            confirm(found, false),
            Step::run(mdadm::grow(&found.path, Growth { used: Some(used), ..Growth::default() })),
        ];
        steps.extend(settled(&found.path, &array.level, array.slots));
        let text = |bytes: u64| Some(Size(bytes).to_string());
        let change = Change::modify("array", &found.path, "")
            .attribute("size", text(found.size), text(size))
            .attribute("used of each member", text(array.used), text(used));
        Ok(Plan::of(change, steps, [Prediction::Block(BlockEffect::Put(after.into()))]))
    }

    /// Bitmap, partial parity log, or neither.
    pub(super) fn keep_consistent(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let (found, array) = self.array(machine)?;
        let asked = self.bitmap.is_some() || self.consistency_policy.is_some();
        // What nobody speaks of is left alone; not every array has room for a bitmap.
        let log = matches!(array.policy.as_str(), "ppl" | "journal");
        let wanted = self.policy();
        let there = if log {
            array.policy.as_str()
        } else if array.bitmap {
            "bitmap"
        } else {
            "resync"
        };
        if array.level == "raid0" || there == wanted.name() || !asked {
            return Ok(Plan::empty());
        }
        if array.policy == "journal" {
            return Err(Refusal::new(format!("the array {} has a journal device", &*self.name))
                .help("changing that is not supported yet"));
        }
        self.at_rest(array, "its consistency policy is not changed")?;
        let mut steps = Vec::new();
        match there {
            "bitmap" => steps.push(Step::run(mdadm::bitmap(&found.path, false))),
            "ppl" => steps.push(Step::run(mdadm::policy(&found.path, "resync"))),
            _ => {}
        }
        match wanted {
            Policy::Bitmap => steps.push(Step::run(mdadm::bitmap(&found.path, true))),
            Policy::Ppl => steps.push(Step::run(mdadm::policy(&found.path, "ppl"))),
            Policy::Resync => {}
        }
        let mut after = found.clone();
        if let Some(array) = &mut after.array {
            array.bitmap = wanted == Policy::Bitmap;
            wanted.name().clone_into(&mut array.policy);
        }
        let change = Change::modify("array", &found.path, "").attribute(
            "consistency policy",
            Some(there.to_owned()),
            Some(wanted.name().to_owned()),
        );
        Ok(Plan::of(change, steps, [Prediction::Block(BlockEffect::Put(after.into()))]))
    }

    /// Plans nothing; refused where the array is not what is described and nobody makes it so.
    pub(super) fn as_described(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let (found, array) = self.array(machine)?;
        let (is, wanted) = (self.shape_of(array)?, self.shape()?);
        if self.chunk().is_some_and(|chunk| chunk != is.chunk && is.level.striped())
            || self.layout().is_some_and(|layout| layout != is.layout)
        {
            return Err(Refusal::new(format!(
                "the array {} is {}, not {}",
                &*self.name,
                describe(&is),
                describe(&Shape { slots: is.slots, ..wanted })
            ))
            .help(
                "layout and chunk size are not changed: leave them out to keep them, or write what it has",
            ));
        }
        let (members, spares) = self.described(machine)?;
        if let Some(stranger) =
            members.iter().chain(&spares).find(|device| array.member(&device.path).is_none())
        {
            return Err(self.stranger(array, stranger));
        }
        let flags = self.flags(machine)?;
        for device in members {
            let wanted = flags.of(device);
            let other = array.member(&device.path).is_some_and(|member| {
                wanted.write_mostly && !member.write_mostly || wanted.failfast && !member.failfast
            });
            if other {
                return Err(Refusal::new(format!(
                    "{} is in {} without that flag",
                    shown(device),
                    found.path
                ))
                .help("giving `write_mostly` or `failfast` to a member that is there is not supported yet"));
            }
        }
        Ok(Plan::empty())
    }

    fn stranger(&self, array: &Array, device: &Device) -> Refusal {
        let members: Vec<&str> = array.members.iter().map(|member| member.device.as_str()).collect();
        Refusal::new(format!("{} is no member of the array {}", shown(device), &*self.name))
            .fact(format!("its members are {}", members.join(", ")))
            .help("name as many members as it has, or take one out first")
    }
}
