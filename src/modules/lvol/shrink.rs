//! Making a volume smaller without cutting into what is on it: the file system first, then the volume.
//!
//! LVM before 2.03.17 does not look at the file system (`lvreduce --fs`), so it is all done and checked here.

use super::{Lvol, State};
use crate::machine::block::{BlockEffect, Content, Device, FileSystem};
use crate::machine::claim::{Surplus, loss};
use crate::machine::lvm::{Group, Kind, Logical, LvmEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::block;
use crate::modules::filesystem::size;
use crate::modules::lvg::named;
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::lvm;
use crate::units::Size;

impl Lvol {
    /// The device that is to be made smaller with the file system on it, and to how many bytes.
    pub(super) fn shrinks(&self, machine: &Machine) -> Option<(String, u64)> {
        let asked = self.state == State::Present && self.force && self.shrink && self.resizefs;
        let group = named(machine, &self.vg).ok()?.filter(|_| asked)?;
        let volume = group.logical.get(self.name())?;
        let wanted = self.wanted_extents(machine, group, volume).ok()??;
        let path = self.path().filter(|_| wanted < volume.extents)?;
        Some((path, wanted * group.extent))
    }

    pub(super) fn shrink(
        &self,
        machine: &Machine,
        group: &Group,
        volume: &mut Logical,
        wanted: u64,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let keep = wanted * group.extent;
        let title = format!(
            "the volume {} has {}, and is not made smaller to {}",
            self.full_name(),
            Size(volume.extents * group.extent),
            Size(keep)
        );
        check_kind(group, volume, &title)?;
        if !self.force {
            return Err(Refusal::new(title).help(
                "`force: true` asks for it, with `resizefs: true` for the file system on it; `shrink: false` leaves a \
                 larger volume as it is",
            ));
        }
        let path = group.path_of(&volume.name);
        let Some(device) = block(machine)?.find(&path) else {
            return Err(Refusal::new(title).fact("it is not active, and what is on it cannot be seen"));
        };
        let mut change = Change::modify("logical volume", self.full_name(), "").risk(Risk::Disruptive);
        let mut steps = Vec::new();
        let surplus = match &device.content {
            Content::FileSystem(found) => {
                let fits = found.size.filter(|size| *size <= keep);
                if fits.is_none() {
                    plan.then(self.shrink_file_system(machine, device, found, keep, &title)?);
                }
                let kind = found.kind.clone();
                steps.push(Step::Fits { device: device.path.clone(), kind, within: keep });
                Surplus::behind(device, fits.unwrap_or(keep), keep).ok_or_else(|| Refusal::new(&title))?
            }
            Content::Blank { table: false } => Surplus::of_claim(machine.claim(device)?, keep),
            _ => {
                let token = format!("shrink:{}", volume.uuid.known().unwrap_or(&path));
                let lost = format!("all behind the first {} of {}", Size(keep), loss(device));
                change = Change::destroy("end of logical volume", self.full_name(), token, lost);
                Surplus::of_claim(machine.claim(device)?, keep)
            }
        };
        change = change.attribute(
            "size",
            Some(Size(volume.extents * group.extent).to_string()),
            Some(Size(keep).to_string()),
        );
        give_back(group, volume, wanted);
        steps.push(Step::run(lvm::lvreduce(surplus, &group.name, &volume.name, group.extent)));
        let predicts = [
            Prediction::Lvm(LvmEffect::Logical { group: group.name.clone(), volume: volume.clone().into() }),
            Prediction::Block(BlockEffect::Put(Device { size: keep, ..device.clone() }.into())),
        ];
        plan.push(change, steps, predicts);
        Ok(())
    }

    fn shrink_file_system(
        &self,
        machine: &Machine,
        device: &Device,
        found: &FileSystem,
        keep: u64,
        title: &str,
    ) -> Result<Plan, Refusal> {
        if !self.resizefs {
            let now = found.size.map_or_else(|| "an unknown size".to_owned(), |size| Size(size).to_string());
            return Err(Refusal::new(title)
                .fact(format!("it holds file system {} of {now}", found.kind))
                .help("`resizefs: true` makes the file system smaller first"));
        }
        let smaller = size::shrink(machine, device, keep, self.allow_offline);
        smaller.map_err(|refusal| refusal.fact(title))
    }
}

fn check_kind(group: &Group, volume: &Logical, title: &str) -> Result<(), Refusal> {
    if volume.cache.is_some() {
        return Err(Refusal::new(title)
            .fact("there is a cache over it")
            .help("take the cache off first (`cache: {state: absent}`)"));
    }
    if let Some(snapshot) = group.snapshots_of(&volume.name).next() {
        return Err(Refusal::new(title).fact(format!("{} is a snapshot of it", snapshot.name)));
    }
    match &volume.kind {
        Kind::Linear | Kind::Striped { .. } | Kind::Thin { .. } => Ok(()),
        Kind::ThinPool { .. } => {
            Err(Refusal::new(title).fact("a thin pool is never made smaller").help("LVM cannot do it"))
        }
        Kind::Raid { images, .. } if volume.places.len() as u64 == *images => Ok(()),
        other => Err(Refusal::new(title).help(format!("making a {other} smaller is not supported yet"))),
    }
}

/// Gives back the last extents: of each stripe or image the same number, else those of the last devices.
fn give_back(group: &Group, volume: &mut Logical, wanted: u64) {
    let mut less = volume.extents - wanted;
    volume.extents = wanted;
    let (images, data) = match &volume.kind {
        Kind::Thin { .. } => return,
        Kind::Striped { stripes, .. } => (*stripes, *stripes),
        Kind::Raid { level, images, .. } => (*images, level.data(*images)),
        _ => (1, 1),
    };
    if images > 1 && volume.places.len() as u64 == images {
        volume.places.values_mut().for_each(|here| *here = here.saturating_sub(less / data));
        return;
    }
    for device in group.physical.keys().rev() {
        if let Some(here) = volume.places.get_mut(device) {
            let part = less.min(*here);
            *here -= part;
            less -= part;
        }
    }
    volume.places.retain(|_, count| *count > 0);
}
