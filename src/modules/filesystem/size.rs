//! Growing and making smaller. `lvol` plans with these too: a file system grows after its volume, and is made smaller
//! before it.

use super::super::devices::{confirm, holds_now, shown};
use super::kind::{Kind, Place, kind};
use crate::machine::block::{Content, Device, FileSystem, Uuid};
use crate::machine::mounts::MountsEffect;
use crate::machine::{Machine, Needs, Prediction};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::units::Size;

/// What has to be looked at before [`shrink`] is planned on the device of that name.
pub(in crate::modules) fn to_shrink(device: &str, to: u64) -> Needs {
    Needs { shrinks: vec![(device.to_owned(), to)], ..Needs::nothing() }
}

/// Grows the file system on a device to the device's size, where it is smaller.
pub(in crate::modules) fn grow(machine: &Machine, device: &Device) -> Result<Plan, Refusal> {
    let Content::FileSystem(found) = &device.content else { return Ok(Plan::empty()) };
    let place = Place { machine, device, found };
    let kind = kind(&found.kind)
        .ok_or_else(|| Refusal::new(format!("growing {} is not supported yet", place.name())))?;
    match found.size {
        Some(size) if size + kind.rules().slack <= device.size => larger(&place, kind, None),
        Some(_) => Ok(Plan::empty()),
        None => {
            Err(Refusal::new(format!("nobody knows how large {} is, and it may have to grow", place.name())))
        }
    }
}

/// Makes the file system on a device smaller, where it is larger than that many bytes; refused where its kind cannot,
/// where what is in it does not fit, and where it would have to be unmounted and `allow_offline` does not say so.
///
/// Needs [`to_shrink`].
pub(in crate::modules) fn shrink(
    machine: &Machine,
    device: &Device,
    to: u64,
    allow_offline: bool,
) -> Result<Plan, Refusal> {
    let found = match &device.content {
        Content::FileSystem(found) => found,
        Content::Blank { .. } => return Ok(Plan::empty()),
        other => {
            return Err(Refusal::new(format!("what is on {} cannot be made smaller", device.path))
                .fact(format!("it holds {}", other.describe())));
        }
    };
    let place = Place { machine, device, found };
    let unknown = |what: &str| Refusal::new(format!("{} cannot be made smaller: {what}", place.name()));
    let Some(size) = found.size else { return Err(unknown("its size is not known")) };
    // All kinds count in blocks of that size, or smaller ones.
    let to = Size(to).round_down(Size(4096)).bytes();
    if size <= to {
        return Ok(Plan::empty());
    }
    let kind = kind(&found.kind).ok_or_else(|| unknown("that is not supported yet"))?;
    let steps = kind.shrink(&place, to, allow_offline)?;
    let least = match machine.least.get(&device.path) {
        Some(Ok(least)) => *least,
        Some(Err(why)) => {
            return Err(unknown("the least it could have is not known").fact(why.clone()));
        }
        // Nothing is in one that does not exist yet, nor in a swap area.
        None if found.uuid == Uuid::Late || found.kind == "swap" => 0,
        None => return Err(unknown("the least it could have is not known")),
    };
    if to < least.max(kind.rules().least) {
        let refusal = Refusal::new(format!("{} cannot be made as small as {}", place.name(), Size(to)))
            .fact(format!("it needs {} at least ({} bytes)", Size(least), least))
            .fact(format!("it has {}", Size(size)));
        return Err(match found.used {
            Some(used) => refusal.fact(format!("{} are in use", Size(used))),
            None => refusal,
        });
    }
    let unmounts =
        steps.iter().any(|step| matches!(step, Step::Run { command, .. } if command.program == "umount"));
    let mut predicts = vec![];
    let mut change = sized(device, found, to);
    if unmounts {
        change.detail = "unmounted for as long as it takes".to_owned();
        change = change.risk(Risk::Disruptive);
        predicts.extend(place.mounts().map(|live| {
            Prediction::Mounts(MountsEffect::Live { target: live.target.clone(), mount: Some(live.clone()) })
        }));
    }
    predicts.push(holds(device, found, to));
    Ok(planned(device, change, steps, predicts))
}

/// Brings it to that size, whether it is larger or smaller.
pub(super) fn resize(
    machine: &Machine,
    device: &Device,
    to: u64,
    allow_offline: bool,
) -> Result<Plan, Refusal> {
    let Content::FileSystem(found) = &device.content else { return Ok(Plan::empty()) };
    if to > device.size {
        return Err(too_large(device, to));
    }
    match (found.size, kind(&found.kind)) {
        (Some(size), Some(kind)) if size + kind.rules().slack <= to => {
            larger(&Place { machine, device, found }, kind, (to < device.size).then_some(to))
        }
        _ => shrink(machine, device, to, allow_offline),
    }
}

pub(super) fn too_large(device: &Device, wanted: u64) -> Refusal {
    Refusal::new(format!("{} is too small for a file system of {}", shown(device), Size(wanted)))
        .fact(format!("it has {} bytes, and `size` asks for {wanted}", device.size))
}

fn larger(place: &Place<'_>, kind: &dyn Kind, to: Option<u64>) -> Result<Plan, Refusal> {
    let (device, found) = (place.device, place.found);
    let steps = kind.grow(place, to)?;
    let size = to.unwrap_or(device.size);
    Ok(planned(device, sized(device, found, size), steps, vec![holds(device, found, size)]))
}

fn sized(device: &Device, found: &FileSystem, size: u64) -> Change {
    let before = found.size.map(|size| Size(size).to_string());
    Change::modify("file system", &device.path, "").attribute("size", before, Some(Size(size).to_string()))
}

fn holds(device: &Device, found: &FileSystem, size: u64) -> Prediction {
    holds_now(&device.path, Content::FileSystem(FileSystem { size: Some(size), ..found.clone() }))
}

fn planned(device: &Device, change: Change, steps: Vec<Step>, predicts: Vec<Prediction>) -> Plan {
    let mut all = vec![confirm(device, false)];
    all.extend(steps);
    Plan::of(change, all, predicts)
}
