//! Making a volume larger, with the file system on it where that was asked for.

use super::shape::shape;
use super::{Lvol, check_whole};
use crate::machine::block::{BlockEffect, Device};
use crate::machine::lvm::{Group, Kind, Logical, LvmEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{block, confirm};
use crate::modules::filesystem;
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::lvm;
use crate::units::Size;

impl Lvol {
    pub(super) fn grow(
        &self,
        machine: &Machine,
        group: &Group,
        volume: &mut Logical,
        wanted: u64,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        if volume.cache.is_some() {
            return Err(Refusal::new(format!(
                "the volume {} is not made larger under its cache",
                self.full_name()
            ))
            .help("take the cache off first (`cache: {state: absent}`), and put it on again afterwards"));
        }
        check_whole(group)?;
        let path = group.path_of(&volume.name);
        if let Kind::Linear | Kind::Striped { .. } | Kind::Raid { .. } = volume.kind
            && let Some(snapshot) = group.snapshots_of(&volume.name).next()
            && volume.active
        {
            return Err(Refusal::new(format!(
                "the volume {} is not made larger while it has a snapshot",
                self.full_name()
            ))
            .fact(format!("{} is a snapshot of it", snapshot.name)));
        }
        let before = match volume.kind.has_device() {
            true => block(machine)?.find(&path),
            false => None,
        };
        let mut steps: Vec<Step> = before.iter().map(|device| confirm(device, false)).collect();
        let command = match &volume.kind {
            Kind::Thin { pool, .. } => {
                if let Some(pool_volume) = group.logical.get(pool) {
                    self.check_promise(group, pool, pool_volume, wanted)?;
                }
                lvm::extend_thin(&group.name, &volume.name, wanted)
            }
            Kind::Other(words) => {
                return Err(Refusal::new(format!(
                    "growing the {words} volume {} is not supported yet",
                    self.full_name()
                )));
            }
            kind => {
                let on = self.on(machine, group)?;
                let more = wanted - volume.extents;
                let mut shape = shape(group, kind, more, &on);
                // Its images have their metadata already.
                shape.meta = 0;
                let room =
                    group.room(&shape).map_err(|none| self.no_room(group, shape.extents(), Some(none)))?;
                for (device, count) in room.places() {
                    *volume.places.entry(device.clone()).or_default() += count;
                }
                lvm::lvextend(&room, &volume.name, wanted, &on)
            }
        };
        steps.push(Step::run(command));
        let change = Change::modify("logical volume", self.full_name(), "").attribute(
            "size",
            Some(Size(volume.extents * group.extent).to_string()),
            Some(Size(wanted * group.extent).to_string()),
        );
        volume.extents = wanted;
        let mut predicts = vec![Prediction::Lvm(LvmEffect::Logical {
            group: group.name.clone(),
            volume: volume.clone().into(),
        })];
        // A snapshot has the size of its origin, however much it keeps.
        let resized = before.filter(|_| !matches!(volume.kind, Kind::Snapshot { .. }));
        let after = resized.map(|device| Device { size: wanted * group.extent, ..device.clone() });
        predicts.extend(after.iter().cloned().map(Box::new).map(BlockEffect::Put).map(Prediction::Block));
        plan.push(change, steps, predicts);
        if let (true, Some(after)) = (self.resizefs, after) {
            plan.then(filesystem::grow(machine, &after)?);
        }
        Ok(())
    }
}
