//! `lvol`: LVM logical volumes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::{blank_now, block, checked_text, confirm, empty_ends, lvm_name};
use super::filesystem::grow;
use super::{Describe, Module};
use crate::machine::block::{BlockEffect, Device, DeviceKind};
use crate::machine::claim::{loss, token};
use crate::machine::lvm::{Group, Logical, LvmEffect};
use crate::machine::{Domain, Machine, Needs, Prediction};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::lvm;
use crate::units::Size;

checked_text!(
    /// The name of a volume or group.
    Name,
    lvm_name
);
checked_text!(
    /// The size of a volume.
    VolumeSize,
    |text| Wanted::read(text).map(drop)
);
checked_text!(
    /// More options of lvcreate.
    CreateOptions,
    |text| create_options(text).map(drop)
);

/// Makes, grows or removes an LVM logical volume. Sizes are counted in extents and rounded up to whole ones.
///
/// A volume is never made smaller. A percentage of `FREE` is resolved when the volume is made, and is satisfied by
/// whatever size it has later.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Lvol {
    /// The volume group.
    vg: Name,
    /// The name of the volume.
    lv: Name,
    /// `10g`, `512m`, `60%VG`, `100%FREE`, or `1000e` for extents. A number alone counts MiB. Needed while `present`.
    size: Option<VolumeSize>,
    /// Options of lvcreate that do not change its shape: `--addtag`, `--contiguous`, `--readahead`.
    opts: Option<CreateOptions>,
    /// Whether there is such a volume.
    #[serde(default)]
    state: State,
    /// Whether it is active.
    #[serde(default = "yes")]
    active: bool,
    /// `false` leaves a larger volume as it is instead of refusing. Volumes are never made smaller.
    #[serde(default = "yes")]
    shrink: bool,
    /// Asks to remove or shrink. It does not consent: the refusal names the token that does.
    #[serde(default)]
    force: bool,
    /// Whether the file system on it grows with it.
    #[serde(default)]
    resizefs: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Present,
    Absent,
}

fn yes() -> bool {
    true
}

/// A size as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Bytes(u64),
    Extents(u64),
    PercentOfGroup(u64),
    PercentOfFree(u64),
}

impl Wanted {
    fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let bad = || format!("`{text}` is no size of a volume; write `10g`, `60%VG`, `100%FREE` or `1000e`");
        if let Some((number, of)) = text.split_once('%') {
            let percent =
                number.trim().parse().ok().filter(|percent| (1..=100).contains(percent)).ok_or_else(bad)?;
            return match of.trim().to_ascii_uppercase().as_str() {
                "VG" | "PVS" => Ok(Self::PercentOfGroup(percent)),
                "FREE" => Ok(Self::PercentOfFree(percent)),
                _ => Err(bad()),
            };
        }
        if text.starts_with(['+', '-']) {
            return Err(format!(
                "`{text}` is relative: said twice it would happen twice; write the size it shall have"
            ));
        }
        if let Some(number) = text.strip_suffix(['e', 'E']) {
            return number.trim().parse().ok().filter(|count| *count > 0).map(Self::Extents).ok_or_else(bad);
        }
        let unit = if text.chars().all(|letter| letter.is_ascii_digit() || letter == '.') { "m" } else { "" };
        let Size(bytes) = format!("{text}{unit}").parse().map_err(|_| bad())?;
        if bytes == 0 { Err(bad()) } else { Ok(Self::Bytes(bytes)) }
    }

    /// In extents of this group; `None` when whatever is there will do.
    fn extents(self, group: &Group, there: bool) -> Option<u64> {
        let share = |percent: u64, of: u64| of * percent / 100;
        match self {
            Self::Bytes(bytes) => Some(bytes.div_ceil(group.extent)),
            Self::Extents(extents) => Some(extents),
            Self::PercentOfGroup(percent) => Some(share(percent, group.extents())),
            Self::PercentOfFree(_) if there => None,
            Self::PercentOfFree(percent) => Some(share(percent, group.free())),
        }
    }
}

fn create_options(text: &str) -> Result<Vec<String>, String> {
    let words = shlex::split(text).ok_or_else(|| format!("`{text}` has an open quote"))?;
    let known = |word: &str| {
        ["--addtag", "--contiguous", "--readahead"].contains(&word.split('=').next().unwrap_or(""))
    };
    match words.iter().find(|word| word.starts_with('-') && !known(word)) {
        Some(word) => Err(format!("the option `{word}` of lvcreate is not supported yet")),
        None => Ok(words),
    }
}

impl Describe for Lvol {
    const NAME: &'static str = "lvol";
    const ALIASES: &'static [&'static str] = &["community.general.lvol"];
    const EXAMPLE: &'static str = "\
lvol:
  vg: vg_kvm
  lv: images
  size: 60%VG
";
}

impl Module for Lvol {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts])
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let group = machine.lvm.as_ref().and_then(|lvm| lvm.groups.get(&*self.vg));
        let volume = group.and_then(|group| group.logical.get(&*self.lv));
        let Some(group) = group else {
            return match self.state {
                State::Absent => Ok(Plan::empty()),
                State::Present => Err(Refusal::new(format!("there is no volume group {}", &*self.vg))
                    .fact(format!("the volume {} was to be made in it", &*self.lv))
                    .help("make it first, with `lvg`")),
            };
        };
        match (self.state, volume) {
            (State::Absent, None) => Ok(Plan::empty()),
            (State::Absent, Some(volume)) => self.remove(machine, group, volume),
            (State::Present, None) => self.create(machine, group),
            (State::Present, Some(volume)) => self.keep(machine, group, volume),
        }
    }
}

impl Lvol {
    fn path(&self) -> String {
        format!("/dev/{}/{}", &*self.vg, &*self.lv)
    }

    fn full_name(&self) -> String {
        format!("{}/{}", &*self.vg, &*self.lv)
    }

    fn wanted(&self) -> Result<Wanted, Refusal> {
        match &self.size {
            Some(size) => Wanted::read(size).map_err(Refusal::new),
            None => Err(Refusal::new(format!(
                "the volume {} cannot be made: `size` is not given",
                self.full_name()
            ))),
        }
    }

    fn no_room(&self, group: &Group, extents: u64) -> Refusal {
        let bytes = |extents: u64| format!("{} ({extents} extents)", Size(extents * group.extent));
        Refusal::new(format!(
            "the volume {} needs {}, and {} has {} free",
            self.full_name(),
            bytes(extents),
            group.name,
            bytes(group.free())
        ))
        .fact(format!("{} has {} in all", group.name, bytes(group.extents())))
        .help("ask for less, or extend the group with another device")
    }

    fn create(&self, machine: &Machine, group: &Group) -> Result<Plan, Refusal> {
        let path = self.path();
        if !self.active {
            return Err(Refusal::new(format!("the volume {} cannot be made inactive", self.full_name()))
                .help("it has to be active once, to be emptied"));
        }
        if block(machine)?.find(&path).is_some() {
            return Err(Refusal::new(format!("{path} is there, and LVM does not know it")));
        }
        let extents = self.wanted()?.extents(group, false).unwrap_or(0);
        let room = group.room(extents).ok_or_else(|| self.no_room(group, extents))?;
        let options =
            self.opts.as_ref().map(|opts| create_options(opts)).transpose().map_err(Refusal::new)?;
        let size = extents * group.extent;
        let mut steps = vec![Step::run(lvm::lvcreate(room, &self.lv, &options.unwrap_or_default()))];
        steps.extend(empty_ends(&path, size));
        let volume = Logical::linear(&*self.lv, extents);
        let device = Device {
            sits_on: group.physical.keys().cloned().collect(),
            ..Device::new(&path, DeviceKind::Logical, size)
        };
        let predicts = [
            Prediction::Lvm(LvmEffect::Logical { group: group.name.clone(), volume }),
            Prediction::Block(BlockEffect::Put(device.into())),
            blank_now(&path),
        ];
        let detail = format!("{}, {extents} extents", Size(size));
        Ok(Plan::of(Change::create("logical volume", self.full_name(), detail), steps, predicts))
    }

    fn keep(&self, machine: &Machine, group: &Group, volume: &Logical) -> Result<Plan, Refusal> {
        let mut plan = Plan::empty();
        if volume.active != self.active {
            self.activate(machine, group, volume, &mut plan)?;
        }
        let wanted = match &self.size {
            Some(_) => self.wanted()?.extents(group, true),
            None => None,
        };
        let Some(wanted) = wanted.filter(|wanted| *wanted != volume.extents) else { return Ok(plan) };
        if wanted < volume.extents {
            if !self.shrink {
                return Ok(plan);
            }
            return Err(Refusal::new(format!(
                "the volume {} has {}, and is not made smaller to {}",
                self.full_name(),
                Size(volume.extents * group.extent),
                Size(wanted * group.extent)
            ))
            .help("shrinking is not supported yet; `shrink: false` leaves a larger volume as it is"));
        }
        if !volume.plain() {
            return Err(Refusal::new(format!(
                "growing the {} volume {} is not supported yet",
                volume.layout,
                self.full_name()
            )));
        }
        let more = wanted - volume.extents;
        let room = group.room(more).ok_or_else(|| self.no_room(group, more))?;
        let path = self.path();
        let before = block(machine)?.find(&path);
        let mut steps: Vec<Step> = before.iter().map(|device| confirm(device, false)).collect();
        steps.push(Step::run(lvm::lvextend(room, &self.lv, wanted)));
        let mut predicts = vec![Prediction::Lvm(LvmEffect::Logical {
            group: group.name.clone(),
            volume: Logical { extents: wanted, ..volume.clone() },
        })];
        let after = before.map(|device| Device { size: wanted * group.extent, ..device.clone() });
        predicts.extend(after.iter().cloned().map(Box::new).map(BlockEffect::Put).map(Prediction::Block));
        let change = Change::modify("logical volume", self.full_name(), "").attribute(
            "size",
            Some(Size(volume.extents * group.extent).to_string()),
            Some(Size(wanted * group.extent).to_string()),
        );
        plan.push(change, steps, predicts);
        if let (true, Some(after)) = (self.resizefs, after) {
            plan.then(grow(machine, &after)?);
        }
        Ok(plan)
    }

    fn activate(
        &self,
        machine: &Machine,
        group: &Group,
        volume: &Logical,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let path = self.path();
        if let (false, Some(device)) = (self.active, block(machine)?.find(&path)) {
            machine.unused(device)?;
        }
        let word = |active: bool| Some(if active { "active" } else { "inactive" }.to_owned());
        let change = Change::modify("logical volume", self.full_name(), "").attribute(
            "state",
            word(volume.active),
            word(self.active),
        );
        let mut predicts = vec![Prediction::Lvm(LvmEffect::Logical {
            group: group.name.clone(),
            volume: Logical { active: self.active, ..volume.clone() },
        })];
        predicts.push(if self.active {
            Prediction::Touches(Domain::Block)
        } else {
            Prediction::Block(BlockEffect::Gone { path })
        });
        let risk = if self.active { Risk::Reversible } else { Risk::Disruptive };
        plan.push(
            change.risk(risk),
            [Step::run(lvm::lvchange_active(&self.vg, &self.lv, self.active))],
            predicts,
        );
        Ok(())
    }

    fn remove(&self, machine: &Machine, group: &Group, volume: &Logical) -> Result<Plan, Refusal> {
        let path = self.path();
        let Some(device) = block(machine)?.find(&path) else {
            return Err(Refusal::new(format!("the volume {} is not active", self.full_name()))
                .fact("what is on it cannot be seen")
                .help("activate it first, so that what is lost can be named"));
        };
        let unused = machine.unused(device)?;
        let mut named = device.clone();
        named.serial = volume.uuid.known().map(str::to_owned);
        let change =
            Change::destroy("logical volume", self.full_name(), token("remove", &named), loss(device));
        let steps = [confirm(device, false), Step::run(lvm::lvremove(unused, &self.vg, &self.lv))];
        let predicts = [
            Prediction::Lvm(LvmEffect::LogicalGone { group: group.name.clone(), name: volume.name.clone() }),
            Prediction::Block(BlockEffect::Gone { path }),
        ];
        Ok(Plan::of(change, steps, predicts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_lvcreate_reads_them() {
        assert_eq!(Wanted::read("512"), Ok(Wanted::Bytes(512 << 20)));
        assert_eq!(Wanted::read("1.5G"), Ok(Wanted::Bytes(3 << 29)));
        assert_eq!(Wanted::read("60%VG"), Ok(Wanted::PercentOfGroup(60)));
        assert_eq!(Wanted::read("100%free"), Ok(Wanted::PercentOfFree(100)));
        assert_eq!(Wanted::read("10e"), Ok(Wanted::Extents(10)));
        for bad in ["", "0", "+5g", "0%VG", "101%VG", "5%X", "g", "e"] {
            assert!(Wanted::read(bad).is_err(), "{bad}");
        }
    }
}
