//! `lvg`: LVM volume groups for their whole life.
//!
//! Missing devices are named and left to a person: taking them out loses what was on them.

mod complete;
mod leave;
mod remove;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::{DeviceList, checked_text, lvm_name};
use super::{Describe, Module};
use crate::machine::lvm::{Group, LvmEffect};
use crate::machine::{Domain, Machine, Needs, Prediction};
use crate::modules::presence::State;
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::lvm;
use crate::units::{KIB, Size};

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
checked_text!(
    /// A tag of a group or volume.
    Tag,
    |text| {
        let known = |letter: char| letter.is_ascii_alphanumeric() || "_+.-/=!:&#".contains(letter);
        if !text.is_empty() && text.len() <= 1024 && text.chars().all(known) && !text.starts_with('-') {
            return Ok(());
        }
        Err(format!("`{text}` is no tag: letters, digits and `_ + . - / = ! : & #`, and no `-` first"))
    }
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

/// Makes, extends, empties or removes an LVM volume group. Extents begin at whole stripes of the array below.
///
/// Devices of the group that `pvs` does not name are left alone unless `remove_extra_pvs` says otherwise (in Ansible
/// that is the default). Then what is on them is moved to the others while it is in use, and they are blank
/// afterwards; a move that was cut short is taken up again.
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
    /// Whether devices that `pvs` does not name are taken out of the group.
    #[serde(default)]
    remove_extra_pvs: bool,
    /// Whether the group takes what its devices have grown by.
    #[serde(default)]
    pvresize: bool,
    /// The tags of the group, all of them. Left out, they stay as they are.
    tags: Option<Vec<Tag>>,
    /// Whether there is such a group.
    #[serde(default)]
    state: State,
    /// With `absent`: asks to remove the volumes too. It does not consent: the refusal names the tokens that do.
    #[serde(default)]
    force: bool,
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
        match (self.state, named(machine, &self.vg)?) {
            (State::Present, group) => self.complete(machine, group),
            (State::Absent, Some(group)) => self.remove(machine, group),
            (State::Absent, None) => Ok(Plan::empty()),
        }
    }
}

impl Lvg {
    fn complete(&self, machine: &Machine, found: Option<&Group>) -> Result<Plan, Refusal> {
        self.check(found)?;
        let mut plan = Plan::empty();
        let mut group = self.with_devices(machine, found, &mut plan)?;
        if found.is_none() {
            return Ok(plan);
        }
        if self.pvresize {
            self.resize(machine, &mut group, &mut plan)?;
        }
        if self.remove_extra_pvs {
            self.take_out(machine, &mut group, &mut plan)?;
        }
        if let Some(wanted) = self.wanted_tags().filter(|wanted| *wanted != group.tags) {
            let change = tag_change("volume group", &group.name, &group.tags, &wanted);
            let command = lvm::vgchange_tags(
                &group.name,
                wanted.difference(&group.tags),
                group.tags.difference(&wanted),
            );
            group.tags = wanted;
            plan.push(change, [Step::run(command)], [Prediction::Lvm(LvmEffect::Group(group))]);
        }
        Ok(plan)
    }

    fn wanted_tags(&self) -> Option<BTreeSet<String>> {
        self.tags.as_ref().map(|tags| tags.iter().map(|tag| tag.to_string()).collect())
    }
}

/// What a change of tags looks like.
pub(super) fn tag_change(
    kind: &str,
    name: &str,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
) -> Change {
    let list = |tags: &BTreeSet<String>| Some(tags.iter().cloned().collect::<Vec<_>>().join(", "));
    Change::modify(kind, name, "").attribute("tags", list(before), list(after))
}

/// The group of that name; refused where more than one group has it, or where LVM sees a device twice: a name would
/// be a guess then.
pub(super) fn named<'a>(machine: &'a Machine, name: &str) -> Result<Option<&'a Group>, Refusal> {
    let Some(lvm) = &machine.lvm else {
        return Err(Refusal::new("the volume groups of this host are not known"));
    };
    if let Some(uuids) = lvm.ambiguous.get(name) {
        let mut refusal = Refusal::new(format!("{} volume groups are called {name}", uuids.len()));
        for uuid in uuids {
            refusal = refusal.fact(format!("one has the UUID {uuid}"));
        }
        let first = uuids.first().map_or("UUID", String::as_str);
        return Err(refusal.help(format!(
            "give one of them another name, by its UUID: `vgrename {first} NEWNAME`; a copy of a disk is made a group \
             of its own by `vgimportclone`"
        )));
    }
    let group = lvm.groups.get(name);
    let copies = lvm.duplicates.iter().find(|devices| {
        group.is_some_and(|group| devices.iter().any(|device| group.physical.contains_key(device)))
    });
    match copies {
        Some(devices) => Err(Refusal::new(format!(
            "the volume group {name} is on a device of which there are copies, so nothing is done to it"
        ))
        .fact(format!("{} carry the same UUID", devices.join(" and ")))
        .help("a copy is made a group of its own by `vgimportclone DEVICE`; several paths to one disk need multipath")),
        None => Ok(group),
    }
}
