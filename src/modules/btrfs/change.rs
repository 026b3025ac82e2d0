//! What is changed of a btrfs that is there, in the order that never leaves less redundancy than needed: label,
//! replacements, additions, profiles, removals, sizes.

use super::super::devices::device;
use super::make::{contents, put, usable};
use super::members;
use super::reach::{inside, reach};
use super::room::{Target, can_convert, fits};
use super::{Btrfs, Profile};
use crate::machine::Machine;
use crate::machine::btrfs::{GroupKind, Groups, Inside, Pool};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::{btrfs as tool, udevadm};
use crate::units::{MIB, Size};

impl Btrfs {
    pub(super) fn keep(&self, machine: &Machine, found: &Pool) -> Result<Plan, Refusal> {
        let seen = inside(found)?.clone();
        let mut pool = found.clone();
        let mut plan = Plan::empty();
        self.rename(machine, &mut pool, &mut plan)?;
        let members::Difference { new, extra } = self.difference(machine, &pool)?;
        let count = pool.devices.len() + new.len() - extra.len();
        let target = self.target(&seen)?;
        if seen.profiles(GroupKind::Mixed).is_empty() {
            self.check(&pool, &seen, target, count)?;
        } else if self.data.is_some() || self.metadata.is_some() {
            return Err(Refusal::new(format!("the btrfs {} keeps data and metadata together", pool.name()))
                .help("not supported yet: changing the profiles of such a file system"));
        }
        let pairs = new.len().min(extra.len());
        for (old, device) in extra.iter().zip(&new) {
            members::replace(machine, &mut pool, old, device, &mut plan)?;
        }
        for device in &new[pairs..] {
            members::add(machine, &mut pool, device, &mut plan)?;
        }
        self.convert(machine, &mut pool, &seen, &mut plan)?;
        let gone = &extra[pairs..];
        if !gone.is_empty() {
            let stays = pool.devices.iter().filter(|member| !gone.iter().any(|old| old.id == member.id));
            let sizes: Vec<u64> = stays.map(|member| member.size).collect();
            fits(&pool, &seen, target, &sizes, "removing devices")?;
        }
        for old in gone {
            members::remove(machine, &mut pool, old, &mut plan)?;
        }
        self.resize(machine, &mut pool, &seen, target, &mut plan)?;
        plan.then(self.quota(machine, &pool)?);
        Ok(plan)
    }

    /// The profiles it shall have: what is asked for, or what it has.
    fn target(&self, seen: &Inside) -> Result<Target, Refusal> {
        let now = |kind| seen.profiles(kind).first().copied();
        let data = Self::profile(self.data.as_ref())?.or(now(GroupKind::Data));
        let metadata = Self::profile(self.metadata.as_ref())?.or(now(GroupKind::Metadata));
        Ok(Target { data: data.unwrap_or(Profile::Single), metadata: metadata.unwrap_or(Profile::Single) })
    }

    fn check(&self, pool: &Pool, seen: &Inside, target: Target, count: usize) -> Result<(), Refusal> {
        for (kind, asked, profile) in [
            (GroupKind::Data, self.data.is_some(), target.data),
            (GroupKind::Metadata, self.metadata.is_some(), target.metadata),
        ] {
            let what = if kind == GroupKind::Data { "data" } else { "metadata" };
            let what = format!("{what} of the btrfs {}", pool.name());
            if asked {
                self.allow(&what, profile, count)?;
            } else if let Some(kept) = seen.profiles(kind).iter().find(|kept| kept.least() > count) {
                return Err(Refusal::new(format!(
                    "{what} is {kept}, which needs at least {} devices, and {count} would be left",
                    kept.least()
                ))
                .help("leave more devices in it, or ask for another profile with `data` and `metadata`"));
            }
        }
        Ok(())
    }

    fn rename(&self, machine: &Machine, pool: &mut Pool, plan: &mut Plan) -> Result<(), Refusal> {
        let Some(label) = self.label.as_deref().filter(|label| pool.label.as_deref() != Some(*label)) else {
            return Ok(());
        };
        let reach = reach(machine, pool, false)?;
        let command = if reach.mount().is_some() {
            let device = device(machine, &pool.devices[0].path, "the btrfs")?;
            tool::label_unmounted(machine.unused(device)?, label)
        } else {
            tool::label(&reach, label)
        };
        let change = Change::modify("btrfs", pool.name(), "").attribute(
            "label",
            pool.label.clone(),
            Some(label.to_owned()),
        );
        pool.label = Some(label.to_owned());
        let mut predicts = contents(pool);
        predicts.push(put(&pool.paths(), pool));
        plan.push(change, [Step::run(command), Step::run(udevadm::settle())], predicts);
        Ok(())
    }

    fn convert(
        &self,
        machine: &Machine,
        pool: &mut Pool,
        seen: &Inside,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        // The system goes with the metadata.
        let differs = |kinds: &[GroupKind], wanted: Profile| {
            kinds.iter().any(|kind| seen.profiles(*kind).iter().any(|found| *found != wanted))
        };
        let data = Self::profile(self.data.as_ref())?.filter(|wanted| differs(&[GroupKind::Data], *wanted));
        let metadata = Self::profile(self.metadata.as_ref())?
            .filter(|wanted| differs(&[GroupKind::Metadata, GroupKind::System], *wanted));
        let to: Vec<(GroupKind, Profile)> = data
            .map(|profile| (GroupKind::Data, profile))
            .into_iter()
            .chain(metadata.map(|profile| (GroupKind::Metadata, profile)))
            .collect();
        if to.is_empty() {
            return Ok(());
        }
        can_convert(pool, &to)?;
        let sizes: Vec<u64> = pool.devices.iter().map(|member| member.size).collect();
        fits(pool, seen, self.target(seen)?, &sizes, "converting")?;
        let reach = reach(machine, pool, false)?;
        let tolerated = |profiles: &[Profile]| profiles.iter().map(|profile| profile.tolerates()).max();
        let before = seen.profiles(GroupKind::Metadata);
        let less = metadata.is_some_and(|wanted| Some(wanted.tolerates()) < tolerated(&before));
        let words = |profiles: &[Profile]| {
            Some(profiles.iter().map(|profile| profile.name()).collect::<Vec<_>>().join(" and "))
        };
        let mut change = Change::modify("btrfs", pool.name(), "").risk(Risk::Disruptive);
        if let Some(profile) = data {
            change = change.attribute("data", words(&seen.profiles(GroupKind::Data)), words(&[profile]));
        }
        if let Some(profile) = metadata {
            change = change.attribute("metadata", words(&before), words(&[profile]));
        }
        if let Some(inside) = &mut pool.inside {
            for groups in &mut inside.groups {
                let wanted = if groups.kind == GroupKind::Data { data } else { metadata };
                groups.profile = wanted.unwrap_or(groups.profile);
            }
            inside.groups = merged(&inside.groups);
        }
        let command = tool::convert(&reach, data, metadata, less);
        plan.push(change, [Step::run(command)], [put(&pool.paths(), pool)]);
        Ok(())
    }

    fn resize(
        &self,
        machine: &Machine,
        pool: &mut Pool,
        seen: &Inside,
        target: Target,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let mut wanted = std::collections::BTreeMap::new();
        for (name, size) in &self.sizes {
            let found = device(machine, name, "the size")?;
            if !pool.has(&found.path) {
                return Err(Refusal::new(format!(
                    "`sizes` speaks of {name}, which is not in the btrfs {}",
                    pool.name()
                )));
            }
            let size = usable(size.parse::<Size>().map_or(0, Size::bytes));
            if size > found.size || size < tool::LEAST {
                return Err(Refusal::new(format!("{} of {} cannot be used", Size(size), found.path))
                    .fact(format!("it has {}, and btrfs needs {}", Size(found.size), Size(tool::LEAST))));
            }
            wanted.insert(found.path.clone(), size);
        }
        for at in 0..pool.devices.len() {
            let member = pool.devices[at].clone();
            let found = device(machine, &member.path, "the size")?;
            let given = wanted.get(&member.path).copied();
            let all = usable(found.size);
            let size = match given {
                Some(size) => size,
                None if self.resizefs && all >= member.size + MIB => all,
                None => continue,
            };
            if size == member.size {
                continue;
            }
            pool.devices[at].size = size;
            if size < member.size {
                let sizes: Vec<u64> = pool.devices.iter().map(|member| member.size).collect();
                fits(pool, seen, target, &sizes, "shrinking")?;
            }
            let reach = reach(machine, pool, false)?;
            let command = tool::resize(&reach, member.id, given.filter(|size| *size != all));
            let change = Change::modify("btrfs", pool.name(), "").attribute(
                &format!("size on {}", member.path),
                Some(Size(member.size).to_string()),
                Some(Size(size).to_string()),
            );
            plan.push(change, [Step::run(command)], [put(&pool.paths(), pool)]);
        }
        Ok(())
    }

    pub(super) fn quota(&self, machine: &Machine, pool: &Pool) -> Result<Plan, Refusal> {
        let (Some(wanted), Some(inside)) = (self.quota, &pool.inside) else { return Ok(Plan::empty()) };
        if inside.quota == wanted {
            return Ok(Plan::empty());
        }
        let reach = reach(machine, pool, false)?;
        let word = |on: bool| Some(if on { "yes" } else { "no" }.to_owned());
        let change =
            Change::modify("btrfs", pool.name(), "").attribute("quota", word(inside.quota), word(wanted));
        let mut steps = vec![Step::run(tool::quota(&reach, wanted))];
        steps.extend(wanted.then(|| Step::run(tool::rescan(&reach))));
        let mut after = pool.clone();
        after.inside = Some(Inside { quota: wanted, ..inside.clone() });
        Ok(Plan::of(change, steps, [put(&pool.paths(), &after)]))
    }
}

/// Block groups of one kind and profile are one entry.
fn merged(groups: &[Groups]) -> Vec<Groups> {
    let mut merged: Vec<Groups> = Vec::new();
    for one in groups {
        match merged.iter_mut().find(|other| (other.kind, other.profile) == (one.kind, one.profile)) {
            Some(other) => {
                other.size += one.size;
                other.used += one.used;
            }
            None => merged.push(one.clone()),
        }
    }
    merged
}
