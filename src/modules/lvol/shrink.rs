//! Making a volume smaller without cutting into what is on it: the file system first, then the volume.
//!
//! LVM before 2.03.17 does not look at the file system (`lvreduce --fs`), so it is all done and checked here.

use super::{Lvol, State};
use crate::machine::block::{BlockEffect, Content, Device, FileSystem};
use crate::machine::claim::{Surplus, loss};
use crate::machine::lvm::{Group, Kind, Logical, LvmEffect};
use crate::machine::mounts::{Live, MountsEffect};
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{block, confirm, holds_now};
use crate::plan::{Accept, Change, Plan, Refusal, Risk, Step};
use crate::tools::filesystem::ext;
use crate::tools::{lvm, mount};
use crate::units::{MIB, Size};

/// What is left free in a file system that is made as small as it can be.
const MARGIN: u64 = 16 * MIB;

impl Lvol {
    /// Whether it has to be known how small the file system on it can get.
    pub(super) fn may_shrink_a_file_system(&self) -> bool {
        self.state == State::Present && self.force && self.shrink && self.resizefs && self.size.is_some()
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
        let path = format!("/dev/{}/{}", group.name, volume.name);
        let Some(device) = block(machine)?.find(&path) else {
            return Err(Refusal::new(title).fact("it is not active, and what is on it cannot be seen"));
        };
        let mut again = None;
        let (surplus, mut change) = match &device.content {
            Content::FileSystem(found) if found.size.is_some_and(|size| size <= keep) => {
                (Surplus::behind(device, found.size.unwrap_or(keep), keep), None)
            }
            Content::FileSystem(found) => {
                again = self.shrink_file_system(machine, device, found, keep, &title, plan)?;
                (Surplus::behind(device, keep, keep), None)
            }
            Content::Blank { table: false } => (Some(Surplus::of_claim(machine.claim(device)?, keep)), None),
            _ => {
                let claim = machine.claim(device)?;
                let token = format!("shrink:{}", volume.uuid.known().unwrap_or(&path));
                let lost = format!("all behind the first {} of {}", Size(keep), loss(device));
                let change = Change::destroy("end of logical volume", self.full_name(), token, lost);
                (Some(Surplus::of_claim(claim, keep)), Some(change))
            }
        };
        let surplus = surplus.ok_or_else(|| Refusal::new(&title))?;
        let before = volume.extents;
        let mut change = change
            .take()
            .unwrap_or_else(|| Change::modify("logical volume", self.full_name(), "").risk(Risk::Disruptive));
        change = change.attribute(
            "size",
            Some(Size(before * group.extent).to_string()),
            Some(Size(keep).to_string()),
        );
        give_back(group, volume, wanted);
        let step = Step::run(lvm::lvreduce(surplus, &group.name, &volume.name, group.extent));
        let predicts = [
            Prediction::Lvm(LvmEffect::Logical { group: group.name.clone(), volume: volume.clone().into() }),
            Prediction::Block(BlockEffect::Put(Device { size: keep, ..device.clone() }.into())),
        ];
        plan.push(change, [step], predicts);
        if let Some(live) = again {
            let step =
                Step::run(mount::mount(&live.source, &live.target, &live.fstype, &live.options.join(",")));
            let change = Change::create("mount", &live.target, format!("{} again", live.source));
            let target = live.target.clone();
            let predicts = [Prediction::Mounts(MountsEffect::Live { target, mount: Some(live) })];
            plan.push(change, [step], predicts);
        }
        Ok(())
    }

    /// Plans for the file system to be no larger than `keep`; gives back where it is to be mounted again.
    fn shrink_file_system(
        &self,
        machine: &Machine,
        device: &Device,
        found: &FileSystem,
        keep: u64,
        title: &str,
        plan: &mut Plan,
    ) -> Result<Option<Live>, Refusal> {
        let now = found.size.map_or_else(|| "an unknown size".to_owned(), |size| Size(size).to_string());
        let holds = format!("it holds file system {} of {now}", found.kind);
        let refusal = || Refusal::new(title).fact(&holds);
        match found.kind.as_str() {
            "ext2" | "ext3" | "ext4" => {}
            "xfs" => {
                return Err(refusal().fact("xfs cannot be made smaller").help(
                    "make a smaller volume, copy with `xfsdump | xfsrestore` or rsync, and remove this one",
                ));
            }
            other => return Err(refusal().help(format!("making {other} smaller is not supported yet"))),
        }
        if !self.resizefs {
            return Err(refusal().help("`resizefs: true` makes the file system smaller first"));
        }
        let known = match machine.least.get(&device.path) {
            Some(Ok(least)) => Some(*least),
            Some(Err(why)) => {
                return Err(refusal().fact(format!("how small it can be made is not known: {why}")));
            }
            None => None,
        };
        let least = known.or(found.used).map_or(0, |least| least + MARGIN);
        if keep < least {
            return Err(refusal()
                .fact(format!("it can be made no smaller than {} with what is in it", Size(least)))
                .help("ask for more, or remove files first"));
        }
        let mounts =
            machine.mounts.as_ref().ok_or_else(|| Refusal::new("the mounts of this host are not known"))?;
        let mut live = mounts.of(&device.path);
        let mounted = live.next().cloned();
        if let (Some(first), Some(second)) = (&mounted, live.next()) {
            return Err(refusal()
                .fact(format!("it is mounted at {} and at {}", first.target, second.target))
                .help("unmount it from all but one of them first"));
        }
        match &mounted {
            Some(live) if !self.allow_offline => {
                return Err(refusal()
                    .fact(format!("it is mounted at {}, and has to be unmounted to be made smaller", live.target))
                    .help("`allow_offline: true` unmounts it for that long; whoever has files open there stops it"));
            }
            Some(live) => {
                let inside = mounts.live.iter().find(|other| {
                    other.target.starts_with(&format!("{}/", live.target.trim_end_matches('/')))
                });
                if let Some(inside) = inside {
                    return Err(refusal()
                        .fact(format!("{} is mounted below {}", inside.target, live.target))
                        .help("unmount that first"));
                }
                let change =
                    Change::remove("mount", &live.target, "for as long as the file system is made smaller")
                        .risk(Risk::Disruptive);
                let effect = MountsEffect::Live { target: live.target.clone(), mount: None };
                plan.push(change, [Step::run(mount::unmount(&live.target))], [Prediction::Mounts(effect)]);
            }
            None => {
                machine.unused(device)?;
            }
        }
        let change = Change::modify("file system", &device.path, "")
            .attribute("size", Some(now), Some(Size(keep).to_string()))
            .risk(Risk::Disruptive);
        let check = Step::Run { command: ext::check(&device.path), accept: Accept::AtMost(ext::CORRECTED) };
        let steps = [confirm(device, false), check, Step::run(ext::shrink(&device.path, keep))];
        let content = Content::FileSystem(FileSystem { size: Some(keep), ..found.clone() });
        plan.push(change, steps, [holds_now(&device.path, content)]);
        Ok(mounted.map(|mut live| {
            // The kernel shows it and takes it from nobody.
            live.options.retain(|option| option != "seclabel");
            live
        }))
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
        other => Err(Refusal::new(title).help(format!("making a {other} smaller is not supported yet"))),
    }
}

/// Guesses which extents are given back: the last ones, wherever they are.
fn give_back(group: &Group, volume: &mut Logical, wanted: u64) {
    if let Kind::Thin { .. } = volume.kind {
        volume.extents = wanted;
        return;
    }
    let mut less = volume.extents - wanted;
    let devices: Vec<String> = group.physical.keys().rev().cloned().collect();
    for device in devices {
        if let Some(here) = volume.places.get_mut(&device) {
            let part = less.min(*here);
            *here -= part;
            less -= part;
        }
    }
    volume.places.retain(|_, count| *count > 0);
    volume.extents = wanted;
}
