//! An array that is not there: made of blank devices, with exactly the foreseen size.

use super::MdArray;
use super::arguments::{Policy, describe};
use crate::machine::array::{Array, Level, Member, Shape};
use crate::machine::block::{BlockEffect, Content, Device, DeviceKind, Uuid};
use crate::machine::claim::{BlankDevice, token};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{blank_now, clear, confirm, device, empty_ends, holds_now, shown};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::mdadm::{self, Flags};
use crate::tools::udevadm;
use crate::units::{MIB, Size};

impl MdArray {
    pub(super) fn create(&self, machine: &Machine) -> Result<Plan, Refusal> {
        if self.running(machine)?.is_some() {
            return Ok(Plan::empty());
        }
        let shape = self.shape()?;
        let (mut members, mut spares) = self.described(machine)?;
        let flags = self.flags(machine)?;
        if !(self.write_mostly.is_empty() && self.failfast.is_empty()) {
            self.order(shape.level, &mut members, &flags)?;
            // A flag holds for all devices behind it; spares that shall not have it are added one by one.
            spares.clear();
        }
        let all: Vec<&Device> = members.iter().chain(&spares).copied().collect();
        let mut plan = Plan::empty();
        let mut blanks: Vec<(BlankDevice<'_>, Flags)> = Vec::new();
        for device in &all {
            blanks.push((clear(&mut plan, machine.claim(device)?), flags.of(device)));
        }
        let smallest = members.iter().map(|device| device.size).min().unwrap_or(0);
        let data_offset = self.data_offset(smallest);
        let used = shape.member_size(smallest, data_offset);
        if used == 0 {
            return Err(Refusal::new(format!("{} is too small for an array", Size(smallest))));
        }
        if let Some(small) = spares.iter().find(|spare| spare.size < used + data_offset) {
            return Err(Refusal::new(format!(
                "{} is smaller than the members it stands by for",
                shown(small)
            ))
            .fact(format!("each member gives {}", Size(used + data_offset))));
        }
        let size = match shape.level {
            Level::Raid0 => members.iter().map(|device| shape.member_size(device.size, data_offset)).sum(),
            _ => shape.size(used),
        };
        let redundant = shape.level.redundant();
        let (first, rest) = blanks.split_at(members.len());
        let command = mdadm::create(&mdadm::Create {
            name: &self.name,
            shape,
            members: first,
            spares: rest,
            data_offset,
            used: redundant.then_some(used),
            policy: redundant.then_some(self.policy().name()),
            assume_clean: self.assume_clean,
        });
        let path = self.path();
        let mut steps: Vec<Step> = all.iter().map(|device| confirm(device, true)).collect();
        steps.extend([Step::run(command), Step::run(udevadm::settle())]);
        steps.push(empty_ends(&path, size));
        let array = Array {
            name: self.name.to_string(),
            level: shape.level.name().to_owned(),
            layout: (shape.level == Level::Raid10).then_some(shape.layout),
            chunk: shape.chunk,
            uuid: Uuid::Late,
            metadata: "1.2".to_owned(),
            slots: shape.slots,
            used: if redundant { used } else { 0 },
            members: all
                .iter()
                .zip(&blanks)
                .enumerate()
                .map(|(at, (device, (_, flags)))| Member {
                    write_mostly: flags.write_mostly,
                    failfast: flags.failfast,
                    offset: data_offset,
                    ..Member::of(&device.path, at >= members.len())
                })
                .collect(),
            bitmap: redundant && self.policy() == Policy::Bitmap,
            degraded: 0,
            doing: String::new(),
            progress: None,
            policy: if redundant { self.policy().name().to_owned() } else { String::new() },
        };
        let made = Device {
            sits_on: all.iter().map(|device| device.path.clone()).collect(),
            array: Some(array),
            ..Device::new(&path, DeviceKind::Array, size)
        };
        let mut predicts = vec![Prediction::Block(BlockEffect::Put(made.into())), blank_now(&path)];
        predicts.extend(all.iter().map(|device| {
            holds_now(&device.path, Content::Member { array: Uuid::Late, name: self.name.to_string() })
        }));
        plan.push(self.creation(&shape, size, &members, &spares), steps, predicts);
        Ok(plan)
    }

    /// Puts members with a flag behind those without: mdadm has no word to take one back while it makes an array.
    /// The order means nothing to raid1, but says which members of a raid10 hold the same.
    fn order(&self, level: Level, members: &mut [&Device], flags: &Treatment) -> Result<(), Refusal> {
        if level == Level::Raid1 {
            members.sort_by_key(|device| {
                let Flags { write_mostly, failfast } = flags.of(device);
                u8::from(write_mostly) + u8::from(failfast)
            });
        }
        let lost = members.windows(2).find(|pair| {
            let (before, after) = (flags.of(pair[0]), flags.of(pair[1]));
            before.write_mostly && !after.write_mostly || before.failfast && !after.failfast
        });
        let Some(pair) = lost else { return Ok(()) };
        Err(Refusal::new(format!("the array {} cannot be made with these flags", &*self.name))
            .fact(format!("{} has a flag that {} behind it has not", shown(pair[0]), shown(pair[1])))
            .help("name the members of `failfast` last in a raid10; in a raid1 let one of `write_mostly` and `failfast` \
                   have all members of the other"))
    }

    fn creation(&self, shape: &Shape, size: u64, members: &[&Device], spares: &[&Device]) -> Change {
        let path = self.path();
        let detail = format!("{}, {}", describe(shape), Size(size));
        let list =
            |devices: &[&Device]| devices.iter().map(|device| shown(device)).collect::<Vec<_>>().join(", ");
        let mut change =
            Change::create("array", &path, detail).attribute("members", None, Some(list(members)));
        if !spares.is_empty() {
            change = change.attribute("spares", None, Some(list(spares)));
        }
        if let (true, Some(first)) = (self.assume_clean && shape.level.redundant(), members.first()) {
            change.token = Some(token("assume-clean", first));
            change.loss = Some(format!(
                "the members of {path} are not synchronised: where they differ, and where parity is wrong, what is read \
                 depends on which of them answers"
            ));
            change = change.risk(Risk::Destructive);
        }
        change
    }

    /// Where data begins on a member. A partial parity log has a MiB before the data.
    fn data_offset(&self, smallest: u64) -> u64 {
        let offset = Shape::data_offset(smallest);
        if self.policy() == Policy::Ppl { offset.max(2 * MIB) } else { offset }
    }

    /// How each device is to be treated.
    pub(super) fn flags(&self, machine: &Machine) -> Result<Treatment, Refusal> {
        let paths = |names: &[String]| -> Result<Vec<String>, Refusal> {
            let purpose = format!("the array {}", &*self.name);
            let devices: Vec<&Device> =
                names.iter().map(|name| device(machine, name, &purpose)).collect::<Result<_, _>>()?;
            let (members, spares) = self.described(machine)?;
            let stranger =
                devices.iter().find(|one| !members.iter().chain(&spares).any(|other| other.path == one.path));
            match stranger {
                Some(device) => Err(Refusal::new(format!(
                    "{} is to be treated specially in the array {}, and is no member of it",
                    shown(device),
                    &*self.name
                ))
                .help("name it in `members` too, or take it out of `write_mostly` and `failfast`")),
                None => Ok(devices.into_iter().map(|device| device.path.clone()).collect()),
            }
        };
        Ok(Treatment { write_mostly: paths(&self.write_mostly)?, failfast: paths(&self.failfast)? })
    }
}

/// Which devices are treated specially, by their paths.
pub(super) struct Treatment {
    write_mostly: Vec<String>,
    failfast: Vec<String>,
}

impl Treatment {
    pub(super) fn of(&self, device: &Device) -> Flags {
        Flags {
            write_mostly: self.write_mostly.contains(&device.path),
            failfast: self.failfast.contains(&device.path),
        }
    }
}
