//! `filesystem`: file systems and swap areas, each kind in a file of its own: xfs, ext, btrfs, vfat, swap, f2fs.
//!
//! What is mounted or swapped to is decided by `mount`; what several devices have in common is no business of this
//! module.

mod asked;
mod btrfs;
mod ext;
mod f2fs;
mod kind;
mod swap;
#[cfg(test)]
mod tests;
mod vfat;
mod xfs;

mod identity;
mod make;
pub(super) mod size;

pub(super) use size::grow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::asked::Asked;
use self::kind::{Kind, Place};
use super::devices::{clear, confirm, holds_now};
use super::{Describe, Module};
use crate::machine::block::{Content, Device, FileSystem};
use crate::machine::{Domain, Machine, Needs};
use crate::modules::presence::State;
use crate::plan::{Change, Plan, Refusal};

/// Makes a file system or swap area, aligned to the stripes of the array below, names it, and changes its size.
///
/// A device that holds something else is never formatted without consent to exactly that, whatever `force` says; one
/// that holds the file system already is left as it is. mkfs discards the room of the device, as it always does;
/// `opts` can keep it from that (`-K`, `-E nodiscard`). On xfs, btrfs and the three ext growing needs no unmount.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Asked", into = "Asked")]
pub(super) struct Filesystem(Asked);

impl TryFrom<Asked> for Filesystem {
    type Error = String;

    fn try_from(asked: Asked) -> Result<Self, String> {
        asked.check().map(|()| Self(asked))
    }
}

impl From<Filesystem> for Asked {
    fn from(checked: Filesystem) -> Self {
        checked.0
    }
}

impl Describe for Filesystem {
    const NAME: &'static str = "filesystem";
    const ALIASES: &'static [&'static str] = &["community.general.filesystem"];
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] =
        &[("type", "fstype"), ("device", "dev")];
    const EXAMPLE: &'static str = "\
filesystem:
  dev: /dev/vg_kvm/images
  fstype: xfs
  label: images
";
}

impl Module for Filesystem {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts])
    }

    /// Which device is meant shows only once they are looked at.
    fn further(&self, machine: &Machine) -> Needs {
        match (self.0.size(), self.0.dev.find(machine, "the file system")) {
            (Ok(Some(size)), Ok(device)) => size::to_shrink(&device.path, size),
            _ => Needs::nothing(),
        }
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let asked = &self.0;
        let device = asked.dev.find(machine, "the file system")?;
        let mut plan = Plan::empty();
        if asked.state == State::Absent {
            if !matches!(device.content, Content::Blank { .. }) {
                alone(machine, device)?;
                clear(&mut plan, machine.claim(device)?);
            }
            return Ok(plan);
        }
        let missing =
            || Refusal::new(format!("which file system {} shall hold is not given: `fstype`", asked.dev));
        let kind = asked.kind().ok_or_else(missing)?;
        match &device.content {
            Content::FileSystem(found) if found.kind == kind.name() => {
                keep(machine, device, found, kind, asked, &mut plan)?;
            }
            _ => make::make(machine, device, kind, asked, &mut plan)?,
        }
        Ok(plan)
    }
}

/// Refuses to take one device out of a file system of several: the others would hold half of it.
fn alone(machine: &Machine, device: &Device) -> Result<(), Refusal> {
    let span = machine.block.as_ref().and_then(|block| block.span(&device.path));
    match span.filter(|span| span.devices.len() > 1 && machine.user_of(device).is_none()) {
        Some(span) => Err(Refusal::new(format!(
            "the {} on {} lies on {} devices",
            span.kind,
            device.path,
            span.devices.len()
        ))
        .fact(span.devices.join(", "))
        .help("`btrfs` with `state: absent` removes all of it; a device of it is taken out by naming the others there")),
        None => Ok(()),
    }
}

/// Puts right what is otherwise on a file system that is there.
fn keep(
    machine: &Machine,
    device: &Device,
    found: &FileSystem,
    kind: &dyn Kind,
    asked: &Asked,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let mut now = found.clone();
    identity::identify(machine, device, &mut now, kind, asked, plan)?;
    tune(machine, device, &mut now, kind, asked, plan)?;
    let device = Device { content: Content::FileSystem(now.clone()), ..device.clone() };
    match asked.size().map_err(Refusal::new)? {
        Some(size) => plan.then(size::resize(machine, &device, size, asked.allow_offline)?),
        None if asked.resizefs => plan.then(grow(machine, &device)?),
        None => {}
    }
    Ok(())
}

fn tune(
    machine: &Machine,
    device: &Device,
    now: &mut FileSystem,
    kind: &dyn Kind,
    asked: &Asked,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let tuning = kind.tune(&Place { machine, device, found: now }, asked)?;
    if tuning.differing.is_empty() {
        return Ok(());
    }
    let mut change = Change::modify("file system", &device.path, "");
    for (name, before, after) in tuning.differing {
        now.put(name, &after);
        change = change.attribute(name, before, Some(after));
    }
    let mut steps = vec![confirm(device, false)];
    steps.extend(tuning.steps);
    plan.push(change, steps, [holds_now(&device.path, Content::FileSystem(now.clone()))]);
    Ok(())
}
