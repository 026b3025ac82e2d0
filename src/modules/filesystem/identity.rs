//! Label and UUID of one that is there.

use super::super::devices::{confirm, holds_now, shown};
use super::asked::Asked;
use super::kind::{Kind, Place};
use crate::machine::Machine;
use crate::machine::block::{Content, Device, FileSystem, Uuid};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::udevadm;

pub(super) fn identify(
    machine: &Machine,
    device: &Device,
    now: &mut FileSystem,
    kind: &dyn Kind,
    asked: &Asked,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let before = now.clone();
    let place = Place { machine, device, found: &before };
    let label = asked.label().map(str::to_owned);
    let mut change = Change::modify("file system", &device.path, "");
    let mut steps = vec![confirm(device, false)];
    if asked.label.is_some() && label != before.label {
        steps.push(Step::run(kind.relabel(&place, label.as_deref().unwrap_or_default())?));
        change = change.attribute("label", before.label.clone(), label.clone());
        now.label = label;
    }
    let uuid = asked.uuid().map_err(Refusal::new)?;
    if let Some(uuid) = uuid.filter(|uuid| before.uuid.known() != Some(uuid)) {
        free(machine, device, &uuid)?;
        steps.extend(kind.reidentify(&place, &uuid)?);
        let old = before.uuid.known().map(str::to_owned);
        let entries = machine.mounts.iter().flat_map(|mounts| &mounts.fstab);
        let named: Vec<&str> = entries
            .filter(|entry| old.as_ref().is_some_and(|old| entry.spec == format!("UUID={old}")))
            .map(|entry| entry.path.as_str())
            .collect();
        if !named.is_empty() {
            change.detail = format!("fstab names it by its old UUID for {}", named.join(", "));
        }
        change = change.attribute("uuid", old, Some(uuid.clone())).risk(Risk::Disruptive);
        now.uuid = Uuid::Known(uuid);
    }
    if change.attributes.is_empty() {
        return Ok(());
    }
    steps.push(Step::run(udevadm::settle()));
    plan.push(change, steps, [holds_now(&device.path, Content::FileSystem(now.clone()))]);
    Ok(())
}

/// Refuses a UUID that something else has.
pub(super) fn free(machine: &Machine, device: &Device, uuid: &str) -> Result<(), Refusal> {
    let has = |other: &&Device| other.path != device.path && other.content.uuid() == Some(uuid);
    match machine.block.iter().flat_map(|block| block.devices.values()).find(has) {
        Some(other) => Err(Refusal::new(format!("{} cannot have the UUID {uuid}", device.path))
            .fact(format!("{} has it already, and holds {}", shown(other), other.content.describe()))
            .help("two of one UUID cannot be told apart: choose another, or leave `uuid` out")),
        None => Ok(()),
    }
}
