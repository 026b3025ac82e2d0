//! A volume that is not there yet.

use super::cache::WantedCache;
use super::shape::shape;
use super::{Lvol, Type, check_whole, create_options};
use crate::machine::block::{BlockEffect, Device, DeviceKind};
use crate::machine::lvm::{Group, Kind, Logical, LvmEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{blank_now, empty_ends};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::lvm;
use crate::units::Size;

impl Lvol {
    pub(super) fn create(&self, machine: &Machine, group: &Group) -> Result<Plan, Refusal> {
        if !self.active {
            return Err(Refusal::new(format!("the volume {} cannot be made inactive", self.full_name()))
                .help("it has to be active once, to be emptied"));
        }
        check_whole(group)?;
        let mut plan = match (&self.snapshot, self.kind()) {
            (Some(_), _) => return self.take_snapshot(machine, group),
            (None, Type::ThinPool) => self.make_pool(machine, group)?,
            (None, Type::Thin) => self.make_thin(machine, group)?,
            (None, _) => self.make(machine, group)?,
        };
        // The cache is planned on the group as it is then.
        let mut then = machine.clone();
        plan.actions.iter().flat_map(|action| &action.predicts).for_each(|one| one.apply(&mut then));
        let made = then.lvm.as_ref().and_then(|lvm| lvm.groups.get(&group.name));
        if let Some((group, volume)) = made.and_then(|group| Some((group, group.logical.get(self.name())?))) {
            if self.cache.as_ref().is_some_and(WantedCache::present) {
                plan.then(self.keep_cache(&then, group, volume)?);
            }
            if self.autoextend.is_some() {
                plan.then(self.keep_autoextend(&then, group, volume)?);
            }
        }
        Ok(plan)
    }

    /// A volume whose extents are its own: linear, striped, RAID.
    fn make(&self, machine: &Machine, group: &Group) -> Result<Plan, Refusal> {
        self.check_free(machine)?;
        let kind = self.spread()?;
        let on = self.on(machine, group)?;
        let extents = self.extents(group, &kind, &on, false)?.unwrap_or(0);
        let shape = shape(group, &kind, extents, &on);
        let room = group.room(&shape).map_err(|none| self.no_room(group, shape.extents(), Some(none)))?;
        let size = extents * group.extent;
        let path = format!("/dev/{}", self.full_name());
        let mut options = self.options()?;
        options.extend(self.tag_options());
        let mut steps = vec![Step::run(lvm::lvcreate(&room, self.name(), &kind, extents, &on, &options))];
        steps.push(empty_ends(&path, size));
        let volume = Logical {
            places: room.places().clone(),
            tags: self.wanted_tags().unwrap_or_default(),
            ..Logical::new(self.name(), extents, kind.clone())
        };
        let mut detail = format!("{}, {extents} extents", Size(size));
        if kind != Kind::Linear {
            detail = format!("{detail}, {kind}");
        }
        let predicts = appears(group, volume, true);
        Ok(Plan::of(Change::create("logical volume", self.full_name(), detail), steps, predicts))
    }

    pub(super) fn options(&self) -> Result<Vec<String>, Refusal> {
        let options = self.opts.as_ref().map(|opts| create_options(opts)).transpose();
        Ok(options.map_err(Refusal::new)?.unwrap_or_default())
    }

    pub(super) fn tag_options(&self) -> Vec<String> {
        let tags = self.wanted_tags().unwrap_or_default();
        tags.into_iter().flat_map(|tag| ["--addtag".to_owned(), tag]).collect()
    }
}

/// The volume is there with its device, which is blank where it is new.
pub(super) fn appears(group: &Group, volume: Logical, blank: bool) -> Vec<Prediction> {
    let path = group.path_of(&volume.name);
    let device = Device {
        sits_on: volume.places.keys().cloned().collect(),
        ..Device::new(&path, DeviceKind::Logical, volume.extents * group.extent)
    };
    let mut predicts = vec![
        Prediction::Lvm(LvmEffect::Logical { group: group.name.clone(), volume: volume.into() }),
        Prediction::Block(BlockEffect::Put(device.into())),
    ];
    if blank {
        predicts.push(blank_now(&path));
    }
    predicts
}
