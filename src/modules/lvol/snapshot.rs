//! Snapshots: taking one, and going back to it.

use super::Lvol;
use super::create::appears;
use super::size::{Wanted, Within};
use crate::machine::block::BlockEffect;
use crate::machine::claim::{loss, token};
use crate::machine::lvm::{Group, Kind, Logical, LvmEffect, Shape};
use crate::machine::{Domain, Machine, Prediction};
use crate::modules::devices::{block, confirm};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::lvm;
use crate::units::{KIB, Size};

/// What a snapshot keeps is given out in chunks of this.
const CHUNK: u64 = 4 * KIB;

impl Lvol {
    pub(super) fn take_snapshot(&self, machine: &Machine, group: &Group) -> Result<Plan, Refusal> {
        self.check_free(machine)?;
        let of = self.lv.as_deref().unwrap_or_default();
        let origin = group.logical.get(of).ok_or_else(|| {
            Refusal::new(format!("there is no volume {}/{of} to take a snapshot of", group.name))
        })?;
        if !origin.active {
            return Err(Refusal::new(format!("the volume {}/{of} is not active", group.name))
                .fact(format!("the snapshot {} was to be taken of it", self.name())));
        }
        match &origin.kind {
            Kind::Thin { pool, .. } => self.take_thin(machine, group, origin, pool),
            Kind::Linear | Kind::Striped { .. } | Kind::Raid { .. } => {
                self.take_thick(machine, group, origin)
            }
            other => {
                Err(Refusal::new(format!("{}/{of} is {other}, and no snapshot is taken of it", group.name)))
            }
        }
    }

    fn take_thin(
        &self,
        machine: &Machine,
        group: &Group,
        origin: &Logical,
        pool: &str,
    ) -> Result<Plan, Refusal> {
        if self.size.is_some() {
            return Err(Refusal::new(format!(
                "the snapshot {} is thin and has no size of its own",
                self.full_name()
            ))
            .help("leave `size` out: it takes from the pool what differs"));
        }
        let kind = Kind::Thin { pool: pool.to_owned(), origin: Some(origin.name.clone()) };
        let volume = Logical::new(self.name(), origin.extents, kind);
        let step = Step::run(lvm::thin_snapshot(&group.name, &origin.name, self.name()));
        let detail = format!("of {}, takes from {pool} what differs", origin.name);
        let mut plan = Plan::of(
            Change::create("snapshot", self.full_name(), detail),
            [step],
            appears(group, volume, false),
        );
        same_content(machine, group, origin, self.name(), &mut plan)?;
        Ok(plan)
    }

    fn take_thick(&self, machine: &Machine, group: &Group, origin: &Logical) -> Result<Plan, Refusal> {
        let on = self.on(machine, group)?;
        let extents = self.kept(group, origin, &on, false)?.unwrap_or(0);
        let shape = Shape { on: on.clone(), ..Shape::linear(extents) };
        let room = group.room(&shape).map_err(|none| self.no_room(group, extents, Some(none)))?;
        let kind = Kind::Snapshot { origin: origin.name.clone() };
        let volume = Logical { places: room.places().clone(), ..Logical::new(self.name(), extents, kind) };
        let step = Step::run(lvm::snapshot(&room, &origin.name, self.name(), extents, &on));
        let detail =
            format!("of {}, keeps up to {} of what changes", origin.name, Size(extents * group.extent));
        // It shows all of its origin, whatever it keeps.
        let shown = Logical { extents: origin.extents, ..volume.clone() };
        let mut predicts = appears(group, shown, false);
        if let Some(first) = predicts.first_mut() {
            *first = Prediction::Lvm(LvmEffect::Logical { group: group.name.clone(), volume: volume.into() });
        }
        let mut plan = Plan::of(Change::create("snapshot", self.full_name(), detail), [step], predicts);
        same_content(machine, group, origin, self.name(), &mut plan)?;
        Ok(plan)
    }

    /// Extents for what is kept: no more than could ever be needed, as LVM cuts it.
    pub(super) fn kept(
        &self,
        group: &Group,
        origin: &Logical,
        on: &[String],
        there: bool,
    ) -> Result<Option<u64>, Refusal> {
        if self.size.is_none() {
            return Err(Refusal::new(format!(
                "how much the snapshot {} keeps is not given: `size`",
                self.full_name()
            ))
            .help("`20%ORIGIN` lasts until a fifth of its origin is written over"));
        }
        let wanted: Wanted = self.wanted()?;
        let within = Within { group, on, multiple: 1, free: None, origin: origin.extents };
        let most = most_kept(origin.extents * group.extent).div_ceil(group.extent);
        Ok(wanted.extents(&within, there).map(|extents| extents.min(most)))
    }

    /// Goes back to a snapshot. What was written since is lost, and takes consent.
    pub(super) fn merge(
        &self,
        machine: &Machine,
        group: &Group,
        snapshot: &Logical,
    ) -> Result<Plan, Refusal> {
        let name = format!("{}/{}", group.name, snapshot.name);
        let (Kind::Snapshot { origin: of } | Kind::Thin { origin: Some(of), .. }) = &snapshot.kind else {
            return Err(Refusal::new(format!("{name} is no snapshot: it is {}", snapshot.kind)));
        };
        let origin = group.logical.get(of).filter(|_| self.lv.as_deref() == Some(of.as_str()));
        let origin = origin.ok_or_else(|| {
            Refusal::new(format!(
                "{name} is a snapshot of {of}, not of {}",
                self.lv.as_deref().unwrap_or("nothing")
            ))
        })?;
        let path = |name: &str| group.path_of(name);
        let block = block(machine)?;
        let (Some(device), Some(seen)) = (block.find(&path(of)), block.find(&path(&snapshot.name))) else {
            return Err(Refusal::new(format!("{name} and its origin have to be active to be merged")));
        };
        let unused = machine.unused(device)?;
        machine.unused(seen)?;
        let mut named = device.clone();
        named.serial = snapshot.uuid.known().map(str::to_owned);
        let lost = format!("what was written since {} was taken, to {}", snapshot.name, loss(device));
        let change = Change::destroy(
            "content since the snapshot of",
            format!("{}/{of}", group.name),
            token("merge", &named),
            lost,
        );
        let gone = LvmEffect::LogicalGone { group: group.name.clone(), name: snapshot.name.clone() };
        let mut after = origin.clone();
        // A thin snapshot takes the place of its origin, with its own identity.
        if let Kind::Thin { .. } = snapshot.kind {
            after.uuid = snapshot.uuid.clone();
            after.kind = origin.kind.clone();
        }
        let predicts = [
            Prediction::Lvm(gone),
            Prediction::Lvm(LvmEffect::Logical { group: group.name.clone(), volume: after.into() }),
            Prediction::Block(BlockEffect::Gone { path: path(&snapshot.name) }),
            Prediction::Block(BlockEffect::Content { path: path(of), content: seen.content.clone() }),
            Prediction::Touches(Domain::Block),
        ];
        let steps = [confirm(device, false), Step::run(lvm::merge(unused, &group.name, &snapshot.name))];
        Ok(Plan::of(change, steps, predicts))
    }
}

/// Bytes a snapshot of so many can ever keep: every chunk once, and a table of 16 bytes for each, in chunks of their own
/// beside the header. Source: `cow_max_extents` of LVM.
fn most_kept(origin: u64) -> u64 {
    let chunks = origin.div_ceil(CHUNK);
    let tables = chunks.div_ceil(CHUNK / 16);
    (chunks + tables + 2) * CHUNK
}

/// A new snapshot shows what its origin holds.
fn same_content(
    machine: &Machine,
    group: &Group,
    origin: &Logical,
    name: &str,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let path = group.path_of(&origin.name);
    let content = block(machine)?.find(&path).map(|device| device.content.clone());
    if let (Some(content), Some(action)) = (content, plan.actions.last_mut()) {
        let path = group.path_of(name);
        action.predicts.push(Prediction::Block(BlockEffect::Content { path, content }));
    }
    Ok(())
}
