//! `lvg`: LVM volume groups.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::{
    DeviceList, blank_now, checked_text, clear, confirm, device, empty_ends, holds_now, lvm_name, shown,
};
use super::{Describe, Module};
use crate::machine::array::Stripe;
use crate::machine::block::{Content, Device, Uuid};
use crate::machine::lvm::{Group, Lvm, LvmEffect, Physical};
use crate::machine::{Domain, Machine, Needs, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::lvm;
use crate::units::{KIB, MIB, Size};

checked_text!(
    /// The name of a volume group.
    GroupName,
    lvm_name
);
checked_text!(
    /// The size of an extent; a number alone counts MiB.
    ExtentSize,
    |text| extent(text).map(drop)
);

fn extent(text: &str) -> Result<u64, String> {
    let number = text.trim();
    let unit = if number.chars().all(|letter| letter.is_ascii_digit()) { "M" } else { "" };
    let Size(bytes) =
        format!("{number}{unit}").parse().map_err(|error: crate::units::BadSize| error.to_string())?;
    if bytes >= 128 * KIB && bytes.is_power_of_two() {
        return Ok(bytes);
    }
    Err(format!("`{text}` is no size of an extent: a power of two of at least 128 KiB"))
}

/// Makes, extends or removes an LVM volume group. Extents begin at whole stripes of the array below.
///
/// Devices of the group that `pvs` does not name are left alone: taking one out moves data, and is not supported yet.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Lvg {
    /// The name of the volume group.
    vg: GroupName,
    /// The devices it is made of: paths, links below `/dev/disk`, serials, or mappings of what a disk has to be; or
    /// `unused: {count: 2, min_size: 1TiB}` for disks that nobody uses. Needed while it is `present`.
    #[serde(default)]
    pvs: DeviceList,
    /// The size of an extent. A number alone counts MiB. A group that is there keeps its own unless another is given.
    pesize: Option<ExtentSize>,
    /// Whether there is such a group.
    #[serde(default)]
    state: State,
    /// Asks to remove what is in the way. It does not consent: the refusal names the token that does.
    #[serde(default)]
    force: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Present,
    Absent,
}

impl Describe for Lvg {
    const NAME: &'static str = "lvg";
    const ALIASES: &'static [&'static str] = &["community.general.lvg"];
    const EXAMPLE: &'static str = "\
lvg:
  vg: vg_kvm
  pvs: /dev/md/kvm
";
}

impl Module for Lvg {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts])
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let none = Lvm::default();
        let group = machine.lvm.as_ref().unwrap_or(&none).groups.get(&*self.vg);
        match (self.state, group) {
            (State::Present, group) => self.complete(machine, group),
            (State::Absent, Some(group)) => Self::remove(machine, group),
            (State::Absent, None) => Ok(Plan::empty()),
        }
    }
}

impl Lvg {
    fn complete(&self, machine: &Machine, found: Option<&Group>) -> Result<Plan, Refusal> {
        let name = &*self.vg;
        let asked = self.pesize.as_ref().map(|size| extent(size).unwrap_or(4 * MIB));
        let size = found.map_or(asked.unwrap_or(4 * MIB), |group| group.extent);
        if let Some(asked) = asked.filter(|asked| *asked != size) {
            return Err(Refusal::new(format!(
                "the volume group {name} has extents of {}, not {}",
                Size(size),
                Size(asked)
            ))
            .help("the size of extents cannot be changed while there are volumes; leave `pesize` out to keep it"));
        }
        if let Some(group) = found.filter(|group| group.missing > 0) {
            return Err(Refusal::new(format!(
                "{} devices of the volume group {name} are missing",
                group.missing
            ))
            .help("bring them back, or take them out with `vgreduce --removemissing`"));
        }
        if self.pvs.is_empty() && found.is_none() {
            return Err(Refusal::new(format!(
                "the volume group {name} cannot be made of nothing: `pvs` is not given"
            )));
        }
        let mut plan = Plan::empty();
        let mut new: Vec<&Device> = Vec::new();
        let mut blanks = Vec::new();
        let known = machine.block.iter().flat_map(|block| block.devices.values());
        let held: Vec<&Device> = known
            .filter(|device| found.is_some_and(|group| group.physical.contains_key(&device.path)))
            .collect();
        for device in self.pvs.find(machine, &format!("the volume group {name}"), &held, &[])? {
            let there = found.is_some_and(|group| group.physical.contains_key(&device.path));
            if there || new.iter().any(|other| other.path == device.path) {
                continue;
            }
            blanks.push(clear(&mut plan, machine.claim(device)?));
            new.push(device);
        }
        if new.is_empty() {
            return Ok(plan);
        }
        let mut steps: Vec<Step> = new.iter().map(|device| confirm(device, true)).collect();
        let mut physical = found.map_or_else(BTreeMap::new, |group| group.physical.clone());
        let mut predicts = Vec::new();
        for (device, blank) in new.iter().zip(&blanks) {
            let stripe = machine.stripe(device).map_or(MIB, Stripe::full);
            let alignment = MIB.div_ceil(stripe) * stripe;
            let foreseen = Physical::foresee(device.size, alignment, size);
            if foreseen.extents == 0 {
                return Err(Refusal::new(format!(
                    "{} has no room for one extent of {}",
                    shown(device),
                    Size(size)
                )));
            }
            physical.insert(device.path.clone(), foreseen);
            predicts.push(holds_now(&device.path, Content::Physical));
            steps.push(Step::run(lvm::pvcreate(*blank, alignment)));
        }
        let group = Group {
            name: name.to_owned(),
            uuid: found.map_or(Uuid::Late, |group| group.uuid.clone()),
            extent: size,
            physical,
            logical: found.map_or_else(BTreeMap::new, |group| group.logical.clone()),
            other: found.map_or(0, |group| group.other),
            missing: 0,
        };
        let list = new.iter().map(|device| shown(device)).collect::<Vec<_>>().join(", ");
        let bytes = |extents: u64| Size(extents * size).to_string();
        let change = if let Some(found) = found {
            steps.push(Step::run(lvm::vgextend(name, &blanks)));
            Change::modify("volume group", name, format!("with {list}")).attribute(
                "size",
                Some(bytes(found.extents())),
                Some(bytes(group.extents())),
            )
        } else {
            steps.push(Step::run(lvm::vgcreate(name, size, &blanks)));
            let detail =
                format!("{} in {} extents of {}", bytes(group.extents()), group.extents(), Size(size));
            Change::create("volume group", name, detail).attribute("devices", None, Some(list))
        };
        predicts.push(Prediction::Lvm(LvmEffect::Group(group)));
        plan.push(change, steps, predicts);
        Ok(plan)
    }

    fn remove(machine: &Machine, group: &Group) -> Result<Plan, Refusal> {
        let name = &group.name;
        if !group.logical.is_empty() {
            let mut refusal = Refusal::new(format!("the volume group {name} still has volumes"));
            for volume in group.logical.values() {
                refusal =
                    refusal.fact(format!("{name}/{}, {}", volume.name, Size(volume.extents * group.extent)));
            }
            return Err(refusal.help("remove its volumes first, each with `lvol` and `state: absent`"));
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
            steps.extend(empty_ends(&device.path, device.size));
            predicts.push(blank_now(&device.path));
        }
        Ok(Plan::of(Change::destroy("volume group", name, token, loss), steps, predicts))
    }
}
