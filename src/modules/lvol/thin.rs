//! Thin pools and the volumes that live off them.

use super::Lvol;
use super::create::appears;
use super::shape::thin_pool;
use super::size::{Wanted, Within};
use crate::machine::lvm::{Group, Kind, Logical, LvmEffect, Shape};
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::lvm;
use crate::units::Size;

impl Lvol {
    /// A pool takes its data, its metadata, and a spare for repairing metadata that all pools of a group share.
    pub(super) fn make_pool(&self, machine: &Machine, group: &Group) -> Result<Plan, Refusal> {
        let on = self.on(machine, group)?;
        let mut data = self.extents(group, &Kind::Linear, &on, false)?.unwrap_or(0);
        let (mut chunk, mut metadata) = thin_pool(self, group, data)?;
        if matches!(self.wanted()?, Wanted::PercentOfFree(_)) {
            let beside = metadata + metadata.saturating_sub(group.spare);
            data = data.saturating_sub(beside).max(1);
            (chunk, metadata) = match &self.metadata_size {
                Some(_) => (chunk, metadata),
                None => (chunk, thin_pool(self, group, data)?.1.max(metadata)),
            };
        }
        let spare = metadata.saturating_sub(group.spare);
        let all = data + metadata + spare;
        // The spare may lie anywhere; the rest where it is wanted.
        let shape = Shape { on: on.clone(), ..Shape::linear(data + metadata) };
        let room = group.room(&shape).map_err(|none| self.no_room(group, all, Some(none)))?;
        if all > group.free() {
            return Err(self.no_room(group, all, None));
        }
        let places = room.places().clone();
        let mut options = self.options()?;
        options.extend(self.tag_options());
        let step = Step::run(lvm::thin_pool(&room, self.name(), (data, metadata, chunk), &on, &options));
        let kind = Kind::ThinPool { chunk, metadata };
        let detail = format!("{}, {data} extents, {kind}", Size(data * group.extent));
        let volume = Logical {
            places,
            tags: self.wanted_tags().unwrap_or_default(),
            ..Logical::new(self.name(), data, kind)
        };
        let mut predicts = vec![Prediction::Lvm(LvmEffect::Logical {
            group: group.name.clone(),
            volume: Box::new(volume.clone()),
        })];
        predicts.extend(spare_effect(group, &volume, spare, metadata));
        Ok(Plan::of(Change::create("thin pool", self.full_name(), detail), [step], predicts))
    }

    pub(super) fn make_thin(&self, machine: &Machine, group: &Group) -> Result<Plan, Refusal> {
        self.check_free(machine)?;
        let (name, pool) = self.pool(group)?;
        if !self.pvs.is_empty() {
            return Err(Refusal::new(format!(
                "`pvs` has no meaning for the thin volume {}: its pool {name} has the devices",
                self.full_name()
            )));
        }
        let extents = self.promised(group, pool, false)?.unwrap_or(1);
        self.check_promise(group, name, pool, extents)?;
        let mut options = self.options()?;
        options.extend(self.tag_options());
        let step = Step::run(lvm::thin(group, name, self.name(), extents, &options));
        let volume = Logical {
            tags: self.wanted_tags().unwrap_or_default(),
            ..Logical::new(self.name(), extents, Kind::Thin { pool: name.to_owned(), origin: None })
        };
        let detail = format!("{} promised by {name}", Size(extents * group.extent));
        let change = Change::create("thin volume", self.full_name(), detail);
        let change = change.attribute(
            "promised of the pool",
            Some(share(promised_of(group, name, self.name()), pool.extents)),
            Some(share(promised_of(group, name, self.name()) + extents, pool.extents)),
        );
        Ok(Plan::of(change, [step], appears(group, volume, true)))
    }

    /// The pool that is named, which has to be one.
    fn pool<'a>(&'a self, group: &'a Group) -> Result<(&'a str, &'a Logical), Refusal> {
        let name = self.thinpool.as_deref().unwrap_or_default();
        match group.logical.get(name) {
            Some(pool) if matches!(pool.kind, Kind::ThinPool { .. }) => Ok((name, pool)),
            Some(other) => {
                Err(Refusal::new(format!("{}/{name} is no thin pool: it is {}", group.name, other.kind)))
            }
            None => Err(Refusal::new(format!("there is no thin pool {}/{name}", group.name))
                .fact(format!("the volume {} was to take from it", self.full_name()))
                .help("make it first, with `lvol` and `type: thin_pool`")),
        }
    }

    /// What it shall promise. `FREE` and `VG` say what is there, and a promise takes nothing of it: only `POOL`, which
    /// is not written here, would make sense.
    pub(super) fn promised(
        &self,
        group: &Group,
        pool: &Logical,
        there: bool,
    ) -> Result<Option<u64>, Refusal> {
        let wanted = self.wanted()?;
        if !matches!(wanted, Wanted::Bytes(_) | Wanted::Extents(_)) {
            return Err(Refusal::new(format!(
                "the thin volume {} promises a size, and no share of its group",
                self.full_name()
            ))
            .fact(format!("the pool has {}", Size(pool.extents * group.extent)))
            .help("write the size, such as `10g`"));
        }
        Ok(wanted.extents(&Within { group, on: &[], multiple: 1, free: None, origin: 0 }, there))
    }

    /// Refuses to promise more of a pool than is allowed.
    pub(super) fn check_promise(
        &self,
        group: &Group,
        name: &str,
        pool: &Logical,
        extents: u64,
    ) -> Result<(), Refusal> {
        let Some(limit) = self.overcommit else { return Ok(()) };
        let others = promised_of(group, name, self.name());
        let most = pool.extents * limit / 100;
        if others + extents <= most {
            return Ok(());
        }
        let bytes = |extents: u64| Size(extents * group.extent);
        Err(Refusal::new(format!(
            "the thin volume {} would have the pool {name} promise {} of its size, and {limit} % is the limit",
            self.full_name(),
            share(others + extents, pool.extents)
        ))
        .fact(format!(
            "the pool has {}, its other volumes are promised {}, this one asks for {}",
            bytes(pool.extents),
            bytes(others),
            bytes(extents)
        ))
        .help("ask for less, make the pool larger, or raise `overcommit` and watch the pool"))
    }
}

/// The room for repairing metadata grows with the largest metadata of the group.
fn spare_effect(group: &Group, pool: &Logical, more: u64, metadata: u64) -> Option<Prediction> {
    if more == 0 {
        return None;
    }
    let mut then = group.clone();
    then.logical.insert(pool.name.clone(), pool.clone());
    let mut places = group.other.clone();
    for (device, count) in then.place(&Shape::linear(more)).ok()? {
        *places.entry(device).or_default() += count;
    }
    let effect = LvmEffect::Other { group: group.name.clone(), places, spare: metadata.max(group.spare) };
    Some(Prediction::Lvm(effect))
}

/// What a pool promises to all but one of its volumes.
pub(super) fn promised_of(group: &Group, pool: &str, but: &str) -> u64 {
    group.of_pool(pool).filter(|volume| volume.name != but).map(|volume| volume.extents).sum()
}

fn share(extents: u64, of: u64) -> String {
    format!("{} %", extents * 100 / of.max(1))
}
