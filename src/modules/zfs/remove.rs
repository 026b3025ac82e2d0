//! Destroying a dataset with all that is in it.

use super::super::zpool::{unmounted, volumes_are_free};
use super::described;
use crate::machine::block::BlockEffect;
use crate::machine::zfs::{Dataset, DatasetKind, Zfs, ZfsEffect, inside};
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::zfs as tool;
use crate::units::Size;

pub(super) fn remove(machine: &Machine, zfs: &Zfs, found: &Dataset) -> Result<Plan, Refusal> {
    let name = &found.name;
    if !name.contains(['/', '@']) {
        return Err(Refusal::new(format!("{name} is the first file system of its pool and ends with it"))
            .help(format!("`zpool: {{name: {name}, state: absent}}` ends the pool")));
    }
    let all: Vec<&Dataset> = std::iter::once(found).chain(zfs.below(name)).collect();
    if let Some(held) = all.iter().find(|one| one.userrefs > 0) {
        return Err(Refusal::new(format!("the snapshot {} is held, and is not destroyed", held.name))
            .fact(format!("it has {} holds: `zfs holds {}` names them", held.userrefs, held.name))
            .help("give the holds up first, with `holds: []`"));
    }
    let stays = |clone: &&String| clone.as_str() != name.as_str() && !inside(clone, name);
    if let Some((origin, clone)) =
        all.iter().find_map(|one| one.clones.iter().find(stays).map(|clone| (one, clone)))
    {
        return Err(Refusal::new(format!("{name} is not destroyed: {clone} is a clone of {}", origin.name))
            .fact("a clone shares what it has not changed with its origin")
            .help(format!("destroy {clone} first, or make it independent: `zfs promote {clone}`")));
    }
    volumes_are_free(machine, zfs, name)?;
    let mut predicts = unmounted(machine, name);
    let volumes = all.iter().filter(|one| one.kind == DatasetKind::Volume);
    predicts.extend(
        volumes.map(|volume| {
            Prediction::Block(BlockEffect::Gone { path: format!("/dev/zvol/{}", volume.name) })
        }),
    );
    predicts.push(Prediction::Zfs(ZfsEffect::DatasetGone { name: name.clone() }));
    let below: Vec<String> = all.iter().skip(1).map(|one| described(one)).collect();
    let mut loss = format!("{} with {} used", described_kind(found), Size(found.used));
    if !below.is_empty() {
        loss = format!("{loss}, and in it {}", below.join(", "));
    }
    let identity = found.guid.known().unwrap_or(name);
    let change = Change::destroy("dataset", name, format!("remove:{identity}"), loss);
    let steps =
        [Step::run(tool::destroy(name, !below.is_empty())), Step::run(crate::tools::udevadm::settle())];
    Ok(Plan::of(change, steps, predicts))
}

fn described_kind(dataset: &Dataset) -> String {
    format!("the {} {}", dataset.kind.name(), dataset.name)
}
