//! Devices that come, go, and take another one's place.

use super::super::devices::{blank_now, block, clear, confirm, device, empty_ends, shown};
use super::Btrfs;
use super::make::{contents, put, spans, usable};
use super::reach::reach;
use crate::machine::block::Device;
use crate::machine::btrfs::{Pool, PoolDevice};
use crate::machine::mounts::MountsEffect;
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::btrfs as tool;
use crate::units::Size;

/// The devices to add, and those that nobody named.
pub(super) struct Difference<'a> {
    pub(super) new: Vec<&'a Device>,
    pub(super) extra: Vec<PoolDevice>,
}

impl Btrfs {
    pub(super) fn difference<'a>(
        &self,
        machine: &'a Machine,
        pool: &Pool,
    ) -> Result<Difference<'a>, Refusal> {
        let wanted = self.wanted(machine)?;
        let mut extra: Vec<PoolDevice> = Vec::new();
        if self.remove_extra_devices {
            if wanted.is_empty() {
                return Err(Refusal::new("`remove_extra_devices` needs `devices`: those that stay"));
            }
            let stays = |member: &PoolDevice| wanted.iter().any(|device| device.path == member.path);
            extra.extend(pool.devices.iter().filter(|member| !stays(member)).cloned());
        }
        let new = wanted.into_iter().filter(|device| !pool.has(&device.path)).collect();
        Ok(Difference { new, extra })
    }
}

/// What follows for the machine when a file system lies on other devices than before.
fn moved(machine: &Machine, before: &Pool, after: &Pool) -> Vec<Prediction> {
    let mut predicts = contents(after);
    let gone = before.devices.iter().filter(|member| !after.has(&member.path));
    predicts.extend(gone.map(|member| blank_now(&member.path)));
    predicts.push(spans(&before.paths(), Some(after)));
    predicts.push(put(&before.paths(), after));
    // A mount is known by the first device.
    let lead = |pool: &Pool| pool.paths().into_iter().min().unwrap_or_default();
    let (old, new) = (lead(before), lead(after));
    if old != new {
        for live in
            machine.mounts.iter().flat_map(|mounts| &mounts.live).filter(|live| before.has(&live.source))
        {
            let mut mount = live.clone();
            mount.source.clone_from(&new);
            let effect = MountsEffect::Live { target: live.target.clone(), mount: Some(mount) };
            predicts.push(Prediction::Mounts(effect));
        }
    }
    predicts
}

pub(super) fn add(machine: &Machine, pool: &mut Pool, new: &Device, plan: &mut Plan) -> Result<(), Refusal> {
    let reach = reach(machine, pool, false)?;
    let claim = machine.claim(new)?;
    if new.size < tool::LEAST {
        return Err(Refusal::new(format!("{} is too small for the btrfs {}", shown(new), pool.name())));
    }
    let blank = clear(plan, claim);
    let before = pool.clone();
    let id = pool.devices.iter().map(|member| member.id).max().unwrap_or(0) + 1;
    pool.devices.push(PoolDevice { id, path: new.path.clone(), size: usable(new.size), allocated: 0 });
    let change = Change::modify("btrfs", pool.name(), format!("with {}", shown(new))).attribute(
        "devices",
        Some(before.devices.len().to_string()),
        Some(pool.devices.len().to_string()),
    );
    let steps = [confirm(new, true), Step::run(tool::add(&reach, blank))];
    plan.push(change, steps, moved(machine, &before, pool));
    Ok(())
}

pub(super) fn replace(
    machine: &Machine,
    pool: &mut Pool,
    old: &PoolDevice,
    new: &Device,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let reach = reach(machine, pool, false)?;
    let claim = machine.claim(new)?;
    if usable(new.size) < old.size {
        return Err(Refusal::new(format!(
            "{} cannot take the place of {} in the btrfs {}",
            shown(new),
            old.path,
            pool.name()
        ))
        .fact(format!("{} of {} are used by the file system", Size(old.size), old.path))
        .help("use a device at least as large, or shrink it there first, with `sizes`"));
    }
    let old_device = device(machine, &old.path, "the replacement")?;
    let blank = clear(plan, claim);
    let before = pool.clone();
    for member in pool.devices.iter_mut().filter(|member| member.path == old.path) {
        member.path.clone_from(&new.path);
    }
    let change = Change::modify("btrfs", pool.name(), "")
        .attribute("device", Some(shown(old_device)), Some(shown(new)))
        .risk(Risk::Disruptive);
    let mut steps = vec![confirm(new, true), confirm(old_device, false)];
    steps.push(Step::run(tool::replace(&reach, &old.path, blank)));
    steps.push(empty_ends(&old.path, old_device.size));
    plan.push(change, steps, moved(machine, &before, pool));
    Ok(())
}

/// Room and profiles were looked at before.
pub(super) fn remove(
    machine: &Machine,
    pool: &mut Pool,
    old: &PoolDevice,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let reach = reach(machine, pool, false)?;
    let found = block(machine)?.find(&old.path);
    let found = found.ok_or_else(|| Refusal::new(format!("there is no device {}", old.path)))?;
    let before = pool.clone();
    pool.devices.retain(|member| member.path != old.path);
    let change = Change::modify("btrfs", pool.name(), format!("without {}", shown(found)))
        .attribute("devices", Some(before.devices.len().to_string()), Some(pool.devices.len().to_string()))
        .risk(Risk::Disruptive);
    let mut steps = vec![confirm(found, false), Step::run(tool::remove(&reach, &old.path))];
    steps.push(empty_ends(&old.path, found.size));
    plan.push(change, steps, moved(machine, &before, pool));
    Ok(())
}
