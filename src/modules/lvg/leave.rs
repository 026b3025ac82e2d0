//! Taking devices out of a group: what is on them moves to the others first, while it is in use.
//!
//! `pvmove` works in the background of the kernel and writes down how far it is: cut short, it is found as a volume
//! `pvmove0`, and the same plan takes it up again.

use std::collections::BTreeSet;

use super::Lvg;
use crate::machine::block::Device;
use crate::machine::lvm::{Group, Kind, LvmEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{blank_now, confirm, device, empty_ends, shown};
use crate::plan::{Accept, Change, Plan, Refusal, Risk, Step};
use crate::tools::lvm;
use crate::units::Size;

impl Lvg {
    pub(super) fn take_out(
        &self,
        machine: &Machine,
        group: &mut Group,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let purpose = format!("the volume group {}", group.name);
        let named = self.named(machine, Some(group))?;
        let named: BTreeSet<&str> = named.into_iter().map(|device| device.path.as_str()).collect();
        let mut leaving = Vec::new();
        for path in group.physical.keys().filter(|path| !named.contains(path.as_str())) {
            leaving.push(device(machine, path, &purpose)?);
        }
        if leaving.is_empty() {
            return Ok(());
        }
        if named.is_empty() {
            return Err(Refusal::new(format!(
                "every device of the volume group {} would leave it",
                group.name
            ))
            .help("name in `pvs` those that stay, or remove the group with `state: absent`"));
        }
        check_room(group, &leaving)?;
        for device in leaving {
            empty(group, device, &named, plan);
        }
        Ok(())
    }
}

/// Refuses when what is on the leaving devices has no place on those that stay.
fn check_room(group: &Group, leaving: &[&Device]) -> Result<(), Refusal> {
    // A move under way counts twice until it is done, and had its room when it began.
    if !group.moving.is_empty() {
        return Ok(());
    }
    let leaves = |path: &str| leaving.iter().any(|device| device.path == path);
    let bytes = |extents: u64| format!("{} ({extents} extents)", Size(extents * group.extent));
    let stay = || group.physical.keys().filter(|path| !leaves(path));
    let used: u64 = leaving.iter().map(|device| group.used_on(&device.path)).sum();
    let free: u64 = stay().map(|path| group.free_on(path)).sum();
    let mut refusal = Refusal::new(format!(
        "{} of the volume group {} cannot be emptied",
        leaving.iter().map(|device| shown(device)).collect::<Vec<_>>().join(", "),
        group.name
    ));
    for device in leaving {
        refusal =
            refusal.fact(format!("{} are in use on {}", bytes(group.used_on(&device.path)), device.path));
    }
    for path in stay() {
        refusal = refusal.fact(format!("{} are free on {path}", bytes(group.free_on(path))));
    }
    let refusal = refusal.help("name another device in `pvs`, or make volumes smaller or remove them");
    if used > free {
        return Err(refusal);
    }
    // Two parts of one volume never share a device.
    for volume in group.logical.values() {
        if !matches!(volume.kind, Kind::Raid { .. } | Kind::Striped { .. }) {
            continue;
        }
        let part: u64 = leaving.iter().filter_map(|device| volume.places.get(&device.path)).sum();
        let other: u64 =
            stay().filter(|path| !volume.places.contains_key(*path)).map(|path| group.free_on(path)).sum();
        if part > other {
            return Err(refusal.fact(format!(
                "{}/{} is {}, and its parts stay on different devices: {} of it have to go where none of it is, and \
                 {other} extents are free there",
                group.name, volume.name, volume.kind, bytes(part)
            )));
        }
    }
    Ok(())
}

fn empty(group: &mut Group, device: &Device, named: &BTreeSet<&str>, plan: &mut Plan) {
    let path = &device.path;
    let used = group.used_on(path);
    if used > 0 {
        let words = if group.moving.contains(path) { "its move goes on" } else { "its content moves" };
        let change = Change::modify("physical volume", path, format!("{words} within {}", group.name))
            .attribute("in use", Some(Size(used * group.extent).to_string()), Some(Size(0).to_string()))
            .risk(Risk::Disruptive);
        // One that was cut short may be done by the time this is: LVM goes on with it by itself when it can, and then
        // there is nothing to move. Whether anything is left, vgreduce knows.
        let accept = if group.moving.contains(path) { Accept::Any } else { Accept::Zero };
        let command = lvm::pvmove(path, named.iter().copied());
        let steps = [confirm(device, false), Step::Run { command, accept }];
        let effect = LvmEffect::Moved { group: group.name.clone(), device: path.clone() };
        let mut after = crate::machine::lvm::Lvm::default();
        after.groups.insert(group.name.clone(), group.clone());
        effect.apply(&mut after);
        if let Some(moved) = after.groups.remove(&group.name) {
            *group = moved;
        }
        plan.push(change, steps, [Prediction::Lvm(effect)]);
    }
    group.moving.remove(path);
    let before = group.extents();
    group.physical.remove(path);
    let bytes = |extents: u64| Some(Size(extents * group.extent).to_string());
    let change = Change::modify("volume group", &group.name, format!("without {}", shown(device))).attribute(
        "size",
        bytes(before),
        bytes(group.extents()),
    );
    let mut steps = vec![
        confirm(device, false),
        Step::run(lvm::vgreduce(&group.name, path)),
        Step::run(lvm::pvremove([path.as_str()])),
    ];
    steps.push(empty_ends(path, device.size));
    plan.push(change, steps, [Prediction::Lvm(LvmEffect::Group(group.clone())), blank_now(path)]);
}
