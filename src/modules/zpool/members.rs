//! Virtual devices and their devices: those that come, go, and take another one's place.

use super::super::devices::{block, confirm, shown};
use super::Zpool;
use super::make::{balanced, group, prepared};
use super::partitions::{expanded, give_back, member, taken};
use super::vdevs::{Wanted, wanted};
use crate::machine::block::Device;
use crate::machine::zfs::{Class, Layout, Member, Pool, Top, ZfsEffect};
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::udevadm;
use crate::tools::zfs as tool;

/// What somebody would call it in a command: its number, which no other path or name can be taken for.
fn called(guid: Option<&String>, name: &str) -> String {
    guid.cloned().unwrap_or_else(|| name.to_owned())
}

/// Whether nothing can be read from a device any more.
fn lost(member: &Member) -> bool {
    matches!(member.state.as_str(), "UNAVAIL" | "FAULTED" | "REMOVED")
}

impl Zpool {
    /// Refuses another `ashift` than the pool's.
    pub(super) fn same_ashift(&self, pool: &Pool) -> Result<(), Refusal> {
        let ashift = self.ashift()?;
        let other = pool.tops.iter().find(|top| top.ashift.is_some_and(|found| found != ashift));
        let Some(other) = other.filter(|_| self.ashift_is_given()) else { return Ok(()) };
        Err(Refusal::new(format!(
            "{} of the pool {} has ashift {} and cannot get {ashift}",
            other.name,
            pool.name,
            other.ashift.unwrap_or(0)
        ))
        .fact("ZFS decides it when a virtual device is made, and never changes it")
        .help("say `ashift` as it is; or make another pool, and move everything there with `zfs send` and `zfs receive`"))
    }

    pub(super) fn topology(&self, machine: &Machine, pool: &Pool) -> Result<Plan, Refusal> {
        let all = wanted(&self.vdevs, machine, &pool.name)?;
        let mut plan = Plan::empty();
        self.discard(pool, &mut plan);
        if all.is_empty() {
            return Ok(plan);
        }
        let mut now = pool.clone();
        now.checkpoint &= !self.discard_checkpoint;
        let mut new = Vec::new();
        let mut kept = Vec::new();
        for one in &all {
            let tops = || now.tops.iter().enumerate().filter(|(_, top)| top.class == one.class);
            let found: Vec<usize> = tops()
                .filter(|(_, top)| one.devices.iter().any(|device| top.has(&device.path)))
                .map(|(at, _)| at)
                .collect();
            match found.as_slice() {
                [] => new.push(one.clone()),
                [at] => {
                    kept.push(*at);
                    self.change(machine, &mut now, *at, one, &mut plan)?;
                }
                _ => {
                    return Err(Refusal::new(format!(
                        "the pool {} has these devices in several virtual devices, not in one: {}",
                        pool.name,
                        one.describe()
                    ))
                    .help("virtual devices are never merged; describe them as they are"));
                }
            }
        }
        if !new.is_empty() {
            self.add(machine, &mut now, &new, &mut plan)?;
        }
        if self.remove_extra_devices {
            let old = pool.tops.len();
            let gone: Vec<Top> =
                (0..old).filter(|at| !kept.contains(at)).map(|at| now.tops[at].clone()).collect();
            for top in gone {
                remove(machine, &mut now, &top, &mut plan)?;
            }
        }
        if self.expand {
            expand(machine, &now, &mut plan)?;
        }
        Ok(plan)
    }

    fn discard(&self, pool: &Pool, plan: &mut Plan) {
        if !self.discard_checkpoint || !pool.checkpoint {
            return;
        }
        let change = Change::modify("pool", &pool.name, "").attribute(
            "checkpoint",
            Some("there".to_owned()),
            Some("none".to_owned()),
        );
        let effect = ZfsEffect::Checkpoint { pool: pool.name.clone(), there: false };
        plan.push(change, [Step::run(tool::discard_checkpoint(&pool.name))], [Prediction::Zfs(effect)]);
    }

    /// Brings one virtual device to what is wanted of it.
    fn change(
        &self,
        machine: &Machine,
        pool: &mut Pool,
        at: usize,
        one: &Wanted<'_>,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let top = pool.tops[at].clone();
        let new: Vec<&Device> = one.devices.iter().copied().filter(|device| !top.has(&device.path)).collect();
        let unnamed = |member: &&Member| !one.devices.iter().any(|device| member.is(&device.path));
        let extra: Vec<&Member> = top.members.iter().filter(unnamed).collect();
        let mirrors = |layout| matches!(layout, Layout::Single | Layout::Mirror);
        if !(one.layout.agrees(top.layout) || mirrors(one.layout) && mirrors(top.layout)) {
            return Err(Refusal::new(format!(
                "{} of the pool {} is {}, and cannot become {}",
                top.name, pool.name, top.layout, one.layout
            ))
            .fact("ZFS never changes how a virtual device keeps data, but for adding and taking sides of a mirror")
            .help("describe it as it is; or make another pool, and move everything there with `zfs send` and `zfs receive`"));
        }
        if new.is_empty() && (extra.is_empty() || !self.remove_extra_devices) {
            return Ok(());
        }
        at_rest(pool, &top)?;
        // What cannot be read any more needs nobody's word to be replaced.
        let mut old: Vec<&Member> =
            extra.into_iter().filter(|member| self.remove_extra_devices || lost(member)).collect();
        old.sort_by_key(|member| !lost(member));
        let pairs = new.len().min(old.len());
        for (old, new) in old.iter().zip(&new) {
            replace(machine, pool, at, old, new, plan)?;
        }
        if (new.len() > pairs || old.len() > pairs) && !mirrors(top.layout) {
            return Err(Refusal::new(format!(
                "{} of the pool {} has {} devices, and {} are named",
                top.name,
                pool.name,
                top.members.len(),
                one.devices.len()
            ))
            .fact(format!("a {} can neither grow nor shrink in ZFS 2.1", top.layout))
            .help("add another virtual device of the same kind, or replace its devices by larger ones"));
        }
        for device in &new[pairs..] {
            attach(machine, pool, at, device, plan)?;
        }
        if self.remove_extra_devices {
            for member in &old[pairs..] {
                detach(machine, pool, at, member, plan)?;
            }
        }
        Ok(())
    }

    fn add(
        &self,
        machine: &Machine,
        pool: &mut Pool,
        new: &[Wanted<'_>],
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let vital = new.iter().any(|one| one.class.vital());
        if vital {
            let there = pool.tops.iter().map(|top| (top.class, top.layout, top.members.len()));
            let coming = new.iter().map(|one| (one.class, one.layout, one.devices.len()));
            balanced(there.chain(coming), &pool.name)?;
        }
        let ashift = match pool.tops.iter().find(|top| top.class == Class::Data) {
            Some(top) if !self.ashift_is_given() => top.ashift.unwrap_or(self.ashift()?),
            _ => self.ashift()?,
        };
        let mut steps = Vec::new();
        let mut groups = Vec::new();
        for one in new {
            groups.push(group(one, machine, plan, &mut steps)?);
        }
        if vital && !pool.checkpoint && self.checkpoint && !self.discard_checkpoint {
            let change = Change::modify("pool", &pool.name, "to go back to").attribute(
                "checkpoint",
                None,
                Some("there".to_owned()),
            );
            let effect = ZfsEffect::Checkpoint { pool: pool.name.clone(), there: true };
            plan.push(change, [Step::run(tool::checkpoint(&pool.name))], [Prediction::Zfs(effect)]);
            pool.checkpoint = true;
        }
        steps.push(Step::run(tool::add(&pool.name, &groups, ashift)));
        steps.push(Step::run(udevadm::settle()));
        let parts: Vec<String> = new.iter().map(Wanted::describe).collect();
        let change = Change::modify("pool", &pool.name, "").attribute("vdevs", None, Some(parts.join("; ")));
        pool.tops.extend(new.iter().map(|one| one.top(ashift)));
        let known = block(machine)?;
        let mut predicts: Vec<Prediction> = new.iter().flat_map(|one| one.taken(known, &pool.name)).collect();
        predicts.push(put(pool));
        plan.push(change, steps, predicts);
        Ok(())
    }
}

fn put(pool: &Pool) -> Prediction {
    Prediction::Zfs(ZfsEffect::Pool(Box::new(pool.clone())))
}

/// Refuses while something goes on that ZFS itself would stumble over.
fn at_rest(pool: &Pool, top: &Top) -> Result<(), Refusal> {
    if pool.checkpoint {
        return Err(Refusal::new(format!(
            "the pool {} has a checkpoint, and gives no device back while it has one",
            pool.name
        ))
        .help("say `discard_checkpoint: true` when nobody will want to go back to it"));
    }
    if top.members.iter().any(|member| member.replacing) {
        return Err(Refusal::new(format!(
            "a device of {} of the pool {} is being replaced",
            top.name, pool.name
        ))
        .help(format!("wait until that is done: `zpool wait -t replace {}`", pool.name)));
    }
    Ok(())
}

/// What a device gives back is made blank, in the same action as the step that frees it.
fn returns(
    machine: &Machine,
    pool: &Pool,
    members: &[Member],
    steps: &mut Vec<Step>,
    predicts: &mut Vec<Prediction>,
) -> Result<(), Refusal> {
    let known = block(machine)?;
    let mut after = Vec::new();
    for member in members {
        if let Some(returned) = pool.returned(member, known) {
            steps.insert(0, confirm(returned.disk().unwrap_or(returned.device()).device(), false));
            give_back(returned, &mut after, predicts);
        }
    }
    steps.append(&mut after);
    Ok(())
}

fn of_member(machine: &Machine, member: &Member) -> Result<String, Refusal> {
    Ok(block(machine)?.devices.get(member.named()).map_or_else(|| member.path.clone(), shown))
}

fn replace(
    machine: &Machine,
    pool: &mut Pool,
    at: usize,
    old: &Member,
    new: &Device,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let known = block(machine)?;
    if let Some(device) = known.devices.get(old.named()).filter(|device| device.size > new.size) {
        return Err(Refusal::new(format!(
            "{} cannot take the place of {} in the pool {}: it is smaller",
            shown(new),
            shown(device),
            pool.name
        ))
        .help("use a device at least as large"));
    }
    let mut steps = Vec::new();
    let named = prepared(new, machine, known, plan, &mut steps)?;
    let before = pool.clone();
    let ashift = pool.tops[at].ashift.unwrap_or(12);
    let old_name = called(old.guid.as_ref(), &old.path);
    steps.push(Step::run(tool::replace(&pool.name, &old_name, &named, ashift)));
    steps.push(Step::run(udevadm::settle()));
    let members = &mut pool.tops[at].members;
    members.iter_mut().filter(|member| *member == old).for_each(|place| *place = member(new));
    let mut predicts = taken(known, new, &pool.name, pool.tops[at].class);
    returns(machine, &before, std::slice::from_ref(old), &mut steps, &mut predicts)?;
    predicts.push(put(pool));
    let change = Change::modify("pool", &pool.name, "")
        .attribute("device", Some(of_member(machine, old)?), Some(shown(new)))
        .risk(Risk::Disruptive);
    plan.push(change, steps, predicts);
    Ok(())
}

fn attach(
    machine: &Machine,
    pool: &mut Pool,
    at: usize,
    new: &Device,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let known = block(machine)?;
    let first = pool.tops[at].members.iter().find(|member| !lost(member)).cloned();
    let Some(first) = first else {
        return Err(Refusal::new(format!(
            "{} of the pool {} has no device left",
            pool.tops[at].name, pool.name
        )));
    };
    if let Some(device) = known.devices.get(first.named()).filter(|device| device.size > new.size) {
        return Err(Refusal::new(format!(
            "{} cannot mirror {} in the pool {}: it is smaller",
            shown(new),
            shown(device),
            pool.name
        )));
    }
    let mut steps = Vec::new();
    let named = prepared(new, machine, known, plan, &mut steps)?;
    let ashift = pool.tops[at].ashift.unwrap_or(12);
    let first = called(first.guid.as_ref(), &first.path);
    steps.push(Step::run(tool::attach(&pool.name, &first, &named, ashift)));
    steps.push(Step::run(udevadm::settle()));
    let top = &mut pool.tops[at];
    top.layout = Layout::Mirror;
    top.members.push(member(new));
    let change = Change::modify("pool", &pool.name, format!("with {}", shown(new))).attribute(
        "sides of a mirror",
        Some((top.members.len() - 1).to_string()),
        Some(top.members.len().to_string()),
    );
    let mut predicts = taken(known, new, &pool.name, pool.tops[at].class);
    predicts.push(put(pool));
    plan.push(change, steps, predicts);
    Ok(())
}

fn detach(
    machine: &Machine,
    pool: &mut Pool,
    at: usize,
    old: &Member,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let before = pool.clone();
    let top = &mut pool.tops[at];
    if !top.members.iter().any(|member| member != old && !lost(member)) {
        return Err(Refusal::new(format!(
            "{} of the pool {} cannot do without {}",
            top.name, before.name, old.path
        ))
        .fact("no other side of the mirror can be read"));
    }
    top.members.retain(|member| member != old);
    if top.members.len() == 1 {
        top.layout = Layout::Single;
    }
    let left = top.members.len();
    let mut steps = vec![Step::run(tool::detach(&before.name, &called(old.guid.as_ref(), &old.path)))];
    let mut predicts = Vec::new();
    returns(machine, &before, std::slice::from_ref(old), &mut steps, &mut predicts)?;
    predicts.push(put(pool));
    let change = Change::modify("pool", &pool.name, format!("without {}", of_member(machine, old)?))
        .attribute("sides of a mirror", Some((left + 1).to_string()), Some(left.to_string()))
        .risk(Risk::Disruptive);
    plan.push(change, steps, predicts);
    Ok(())
}

/// Takes a whole virtual device away.
fn remove(machine: &Machine, pool: &mut Pool, top: &Top, plan: &mut Plan) -> Result<(), Refusal> {
    at_rest(pool, top)?;
    let striped = |top: &Top| matches!(top.layout, Layout::Raidz(_) | Layout::Draid { .. });
    if top.class.vital()
        && let Some(other) = pool.tops.iter().find(|top| striped(top))
    {
        return Err(Refusal::new(format!("{} cannot be taken out of the pool {}", top.name, pool.name))
            .fact(format!("ZFS takes no virtual device for data out of a pool in which one is {}", other.layout))
            .help("name its devices in `vdevs`; or make another pool, and move everything there with `zfs send` and `zfs receive`"));
    }
    let before = pool.clone();
    pool.tops.retain(|other| other != top);
    if !pool.tops.iter().any(|top| top.class == Class::Data) {
        return Err(Refusal::new(format!("the pool {} would have no device for data left", pool.name)));
    }
    let name = called(top.guid.as_ref(), &top.name);
    let mut steps = vec![Step::run(tool::remove(&pool.name, &name))];
    let mut predicts = Vec::new();
    returns(machine, &before, &top.members, &mut steps, &mut predicts)?;
    predicts.push(put(pool));
    let devices: Vec<String> =
        top.members.iter().map(|member| of_member(machine, member)).collect::<Result<_, _>>()?;
    let word = top.class.word().map(|word| format!("{word} ")).unwrap_or_default();
    let change = Change::modify("pool", &pool.name, "")
        .attribute("vdevs", Some(format!("{word}{}", devices.join(", "))), None)
        .risk(Risk::Disruptive);
    plan.push(change, steps, predicts);
    Ok(())
}

/// Uses what disks have got since ZFS has them.
fn expand(machine: &Machine, pool: &Pool, plan: &mut Plan) -> Result<(), Refusal> {
    let known = block(machine)?;
    for member in pool.members() {
        let disk = member.disk.as_ref().and_then(|disk| known.devices.get(disk));
        let Some((disk, part)) = disk.zip(known.devices.get(&member.path)) else { continue };
        let Some((size, mut steps, predicts)) = expanded(disk, part) else { continue };
        let change = Change::modify("pool", &pool.name, "").attribute(
            &format!("size on {}", disk.path),
            Some(crate::units::Size(part.size).to_string()),
            Some(crate::units::Size(size).to_string()),
        );
        let name = called(member.guid.as_ref(), &member.path);
        steps.extend([Step::run(tool::expand(&pool.name, &name)), Step::run(udevadm::settle())]);
        plan.push(change, steps, predicts);
    }
    Ok(())
}
