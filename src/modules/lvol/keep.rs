//! A volume that is there: it has to be the one that is described, and may have to be completed.

use std::collections::BTreeSet;

use super::size::{Wanted, Within};
use super::{Lvol, Type};
use crate::machine::lvm::{Group, Kind, Logical, LvmEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::lvg::tag_change;
use crate::plan::{Plan, Refusal, Step};
use crate::tools::lvm;

impl Lvol {
    pub(super) fn keep(&self, machine: &Machine, group: &Group, volume: &Logical) -> Result<Plan, Refusal> {
        self.check_same(volume)?;
        let mut plan = Plan::empty();
        let mut volume = volume.clone();
        if volume.active != self.active {
            self.activate(machine, group, &volume, &mut plan)?;
            volume.active = self.active;
        }
        if let Some(wanted) = self.wanted_tags().filter(|wanted| *wanted != volume.tags) {
            let change = tag_change("logical volume", &self.full_name(), &volume.tags, &wanted);
            let command = lvm::lvchange_tags(
                &group.name,
                &volume.name,
                wanted.difference(&volume.tags),
                volume.tags.difference(&wanted),
            );
            volume.tags = wanted;
            let effect = LvmEffect::Logical { group: group.name.clone(), volume: volume.clone().into() };
            plan.push(change, [Step::run(command)], [Prediction::Lvm(effect)]);
        }
        let wanted = self.wanted_extents(machine, group, &volume)?;
        match wanted {
            Some(wanted) if wanted > volume.extents => {
                self.grow(machine, group, &mut volume, wanted, &mut plan)?;
            }
            Some(wanted) if wanted < volume.extents && self.shrink => {
                self.shrink(machine, group, &mut volume, wanted, &mut plan)?;
            }
            _ => {}
        }
        plan.then(self.keep_cache(machine, group, &volume)?);
        plan.then(self.keep_autoextend(machine, group, &volume)?);
        Ok(plan)
    }

    pub(super) fn wanted_tags(&self) -> Option<BTreeSet<String>> {
        self.tags.as_ref().map(|tags| tags.iter().map(|tag| tag.to_string()).collect())
    }

    /// Extents it shall show; `None` when whatever is there will do.
    pub(super) fn wanted_extents(
        &self,
        machine: &Machine,
        group: &Group,
        volume: &Logical,
    ) -> Result<Option<u64>, Refusal> {
        if self.size.is_none() {
            return Ok(None);
        }
        let on = self.on(machine, group)?;
        match &volume.kind {
            Kind::Thin { origin: Some(_), .. } => Ok(None),
            Kind::Thin { .. } => self.promised(group, volume, true),
            Kind::Snapshot { origin } => match group.logical.get(origin) {
                Some(origin) => self.kept(group, origin, &on, true),
                None => Ok(None),
            },
            kind => {
                let wanted: Wanted = self.wanted()?;
                let within = Within { group, on: &on, multiple: kind.multiple(), free: None, origin: 0 };
                Ok(wanted.extents(&within, true))
            }
        }
    }

    /// Refuses another volume of the same name: one that is made otherwise, or is of something else.
    fn check_same(&self, volume: &Logical) -> Result<(), Refusal> {
        let other = |wanted: String| {
            Err(Refusal::new(format!("the volume {} is {}, not {wanted}", self.full_name(), volume.kind))
                .help("what a volume is made like is not changed; take another name, or remove it first"))
        };
        if volume.merging {
            return Err(Refusal::new(format!("a snapshot is being merged into {}", self.full_name()))
                .fact("where the origin was open, that happens when it is activated next")
                .help(format!("unmount it, then `lvchange --refresh {}`", self.full_name())));
        }
        if self.snapshot.is_some() {
            let of = self.lv.as_deref().unwrap_or_default();
            return match &volume.kind {
                Kind::Snapshot { origin } | Kind::Thin { origin: Some(origin), .. } if origin == of => Ok(()),
                _ => other(format!("a snapshot of {of}")),
            };
        }
        match (self.kind(), &volume.kind) {
            (Type::ThinPool, Kind::ThinPool { chunk, .. }) => {
                let wanted = self.chunk_size.as_ref().and_then(|size| super::size::bytes(size).ok());
                match wanted.filter(|wanted| wanted != chunk) {
                    Some(wanted) => other(format!("in chunks of {}", crate::units::Size(wanted))),
                    None => Ok(()),
                }
            }
            (Type::Thin, Kind::Thin { pool, origin: None }) => match self.thinpool.as_deref() {
                Some(wanted) if wanted != pool => other(format!("thin of {wanted}")),
                _ => Ok(()),
            },
            (Type::ThinPool, _) => other("a thin pool".to_owned()),
            (Type::Thin, _) => other("a thin volume".to_owned()),
            // Without a word about its type it is only a size that is asked for.
            (_, Kind::Linear | Kind::Striped { .. } | Kind::Raid { .. } | Kind::Other(_))
                if self.kind.is_none() =>
            {
                Ok(())
            }
            (_, _) => {
                let wanted = self.spread()?;
                let same = match (&wanted, &volume.kind) {
                    (Kind::Striped { stripes, unit }, Kind::Striped { stripes: found, unit: found_unit }) => {
                        (self.stripes.is_none() || stripes == found)
                            && (self.stripe_size.is_none() || unit == found_unit)
                    }
                    (
                        Kind::Raid { level, images, unit },
                        Kind::Raid { level: found, images: found_images, unit: found_unit },
                    ) => {
                        level == found
                            && (self.stripes.is_none() && self.mirrors.is_none() || images == found_images)
                            && (self.stripe_size.is_none() || unit == found_unit)
                    }
                    (wanted, found) => wanted == found,
                };
                if same { Ok(()) } else { other(wanted.to_string()) }
            }
        }
    }
}
