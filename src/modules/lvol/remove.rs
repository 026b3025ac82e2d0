//! The end of a volume.

use crate::machine::block::BlockEffect;
use crate::machine::claim::{loss, token};
use crate::machine::lvm::{Group, Kind, Logical, LvmEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{block, confirm};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::lvm;
use crate::units::Size;

/// All volumes of a group, those that others depend on last.
pub(in crate::modules) fn leaves_first(group: &Group) -> Vec<&Logical> {
    let mut volumes: Vec<&Logical> = group.logical.values().collect();
    volumes.sort_by_key(|volume| match volume.kind {
        Kind::Snapshot { .. } | Kind::Thin { origin: Some(_), .. } => 0,
        Kind::ThinPool { .. } => 2,
        _ => 1,
    });
    volumes
}

/// Plans for a volume to go, with what is on it: refused while anybody uses it, and done with consent only.
pub(in crate::modules) fn removal(
    machine: &Machine,
    group: &Group,
    volume: &Logical,
) -> Result<Plan, Refusal> {
    let name = format!("{}/{}", group.name, volume.name);
    if let Kind::ThinPool { .. } = volume.kind {
        return Ok(remove_pool(group, volume, &name));
    }
    let path = format!("/dev/{name}");
    let Some(device) = block(machine)?.find(&path) else {
        return Err(Refusal::new(format!("the volume {name} is not active"))
            .fact("what is on it cannot be seen")
            .help("activate it first, so that what is lost can be named"));
    };
    let unused = machine.unused(device)?;
    let mut named = device.clone();
    named.serial = volume.uuid.known().map(str::to_owned);
    let change = Change::destroy("logical volume", &name, token("remove", &named), loss(device));
    let steps = [confirm(device, false), Step::run(lvm::lvremove(unused, &group.name, &volume.name))];
    let predicts = [
        Prediction::Lvm(LvmEffect::LogicalGone { group: group.name.clone(), name: volume.name.clone() }),
        Prediction::Block(BlockEffect::Gone { path }),
    ];
    Ok(Plan::of(change, steps, predicts))
}

/// Refuses to take away what other volumes live off.
pub(super) fn check_dependents(group: &Group, volume: &Logical) -> Result<(), Refusal> {
    let name = format!("{}/{}", group.name, volume.name);
    let mut dependents = group.of_pool(&volume.name).chain(group.snapshots_of(&volume.name)).peekable();
    if dependents.peek().is_none() {
        return Ok(());
    }
    let mut refusal = Refusal::new(format!("other volumes live off {name}"));
    for one in dependents {
        refusal = refusal.fact(format!("{}/{}, {}", group.name, one.name, one.kind));
    }
    Err(refusal.help("remove them first"))
}

/// A pool has no content but that of its volumes; the last pool of a group takes the spare of metadata with it.
fn remove_pool(group: &Group, pool: &Logical, name: &str) -> Plan {
    let token = format!("remove:{}", pool.uuid.known().unwrap_or(name));
    let lost = format!("the thin pool {name} of {}, without volumes", Size(pool.extents * group.extent));
    let change = Change::destroy("thin pool", name, token, lost);
    let gone = LvmEffect::LogicalGone { group: group.name.clone(), name: pool.name.clone() };
    let mut predicts = vec![Prediction::Lvm(gone)];
    let other_pool =
        group.logical.values().any(|one| one.name != pool.name && matches!(one.kind, Kind::ThinPool { .. }));
    if !other_pool && group.spare > 0 {
        let effect = LvmEffect::Other {
            group: group.name.clone(),
            places: std::collections::BTreeMap::new(),
            spare: 0,
        };
        predicts.push(Prediction::Lvm(effect));
    }
    Plan::of(change, [Step::run(lvm::lvremove_pool(&group.name, &pool.name))], predicts)
}
