//! Pools: volume groups on disks, with an array or containers in between; or the partitions of one disk.

use serde_json::json;

use super::Work;
use super::disks::disk;
use super::words::{Pool, PoolKind, Volume};
use super::written::Item;
use crate::machine::Machine;
use crate::machine::lvm::Group;
use crate::modules::lvg;
use crate::modules::presence::State;
use crate::plan::Refusal;

/// The array below a pool, as the role calls it.
fn array_of(pool: &Pool) -> String {
    format!("{}-1", pool.name)
}

/// The containers below a pool.
fn container_of(pool: &Pool, number: usize) -> String {
    format!("luks-{}-{number}", pool.name)
}

/// A pool's volumes, each with its defaults.
fn volumes(pool: &Item<Pool>) -> impl Iterator<Item = (&Volume, &Volume)> {
    pool.given.volumes.iter().zip(&pool.whole.volumes)
}

impl Work<'_> {
    /// What of a pool is to go.
    pub(super) fn pool_goes(&mut self, item: &Item<Pool>) -> Result<(), Refusal> {
        let pool = &item.whole;
        let purpose = format!("the pool {}", pool.name);
        if pool.kind().map_err(Refusal::new)? == PoolKind::Partition {
            return self.partitions_go(pool, &purpose);
        }
        if pool.state == State::Absent {
            return self.group_goes(pool, &purpose);
        }
        for volume in pool.volumes.iter().filter(|volume| volume.state == State::Absent) {
            let path = format!("/dev/{}/{}", pool.name, volume.name);
            if self.stages.machine().block.as_ref().is_some_and(|block| block.devices.contains_key(&path)) {
                self.named.add(format!("{}/{}", pool.name, volume.name));
                self.named.add(path.as_str());
                self.stages.task("teardown", &json!({"devices": [path]}))?;
            }
        }
        Ok(())
    }

    fn group_goes(&mut self, pool: &Pool, purpose: &str) -> Result<(), Refusal> {
        let machine = self.stages.machine().clone();
        let group = lvg::named(&machine, &pool.name)?;
        let block = machine.block.as_ref();
        self.named.add(pool.name.as_str());
        for volume in &pool.volumes {
            self.named.add(format!("{}/{}", pool.name, volume.name));
            self.named.add(format!("/dev/{}/{}", pool.name, volume.name));
            self.named.extend(volume.thin_pool_name.iter().map(|thin| format!("{}/{thin}", pool.name)));
        }
        // Its own layers go with it, found by their names: the disks may be somebody else's by now.
        let mut devices: Vec<String> = Vec::new();
        for number in 1.. {
            let mapper = format!("/dev/mapper/{}", container_of(pool, number));
            let Some(container) = block.and_then(|block| block.container(&mapper)) else { break };
            self.named.add(container.path.as_str());
            devices.push(container.path.clone());
        }
        let array = block.and_then(|block| block.array(&array_of(pool)));
        self.named.extend(array.map(|(device, _)| device.path.clone()));
        devices.extend(array.map(|(device, _)| device.path.clone()));
        if self.storage.use_partitions && (group.is_some() || !devices.is_empty()) {
            for name in &pool.disks {
                let path = disk(&machine, name, purpose)?.path.clone();
                self.named.add(path.as_str());
                devices.push(path);
            }
        }
        if group.is_none() && devices.is_empty() {
            return Ok(());
        }
        let groups: Vec<&str> = group.iter().map(|group| group.name.as_str()).collect();
        self.stages.task("teardown", &json!({"groups": groups, "devices": devices}))
    }

    pub(super) fn pool(&mut self, item: &Item<Pool>) -> Result<(), Refusal> {
        if item.whole.kind().map_err(Refusal::new)? == PoolKind::Partition {
            return self.partitions(item);
        }
        let machine = self.stages.machine().clone();
        let group = lvg::named(&machine, &item.whole.name)?;
        let pool = item.of(group.is_some());
        let purpose = format!("the pool {}", pool.name);
        match group {
            Some(group) if pool.raid.raid_level.is_none() && pool.encryption.encryption != Some(true) => {
                self.existing(pool, group, &purpose)?;
            }
            _ => self.made(pool, &purpose)?,
        }
        for (given, whole) in volumes(item).filter(|(_, whole)| whole.state == State::Present) {
            self.logical(pool, given, whole)?;
        }
        Ok(())
    }

    /// A group on what is asked for.
    fn made(&mut self, pool: &Pool, purpose: &str) -> Result<(), Refusal> {
        if pool.disks.is_empty() {
            return Err(Refusal::new(format!("{purpose} cannot be made: `disks` are not given")));
        }
        let kind = if pool.raid.raid_level.is_some() { "raid" } else { "lvm" };
        let mut members = self.disks(&pool.disks, purpose, (kind, true))?;
        if pool.raid.raid_level.is_some() {
            members = vec![self.array(&array_of(pool), &pool.raid, &members)?];
        }
        if pool.encryption.encryption == Some(true) {
            for (at, member) in members.iter_mut().enumerate() {
                *member = self.container(&container_of(pool, at + 1), member, &pool.encryption)?;
            }
        }
        self.group(pool, &members, purpose)
    }

    /// A group that is there keeps what lies below it; disks that do not carry it yet join it.
    fn existing(&mut self, pool: &Pool, group: &Group, purpose: &str) -> Result<(), Refusal> {
        if pool.disks.is_empty() {
            return match pool.grow_to_fill {
                Some(true) => {
                    let held: Vec<&String> = group.physical.keys().collect();
                    self.stages.task("lvg", &json!({"vg": pool.name, "pvs": held, "pvresize": true}))
                }
                _ => Ok(()),
            };
        }
        let machine = self.stages.machine().clone();
        let (mut members, mut new) = (Vec::new(), Vec::new());
        for name in &pool.disks {
            let found = disk(&machine, name, purpose)?;
            match carries(&machine, &found.path, group) {
                held if held.is_empty() => new.push(name.clone()),
                held => members.extend(held),
            }
        }
        members.extend(self.disks(&new, purpose, ("lvm", true))?);
        members.sort();
        members.dedup();
        self.group(pool, &members, purpose)
    }

    fn group(&mut self, pool: &Pool, members: &[String], purpose: &str) -> Result<(), Refusal> {
        let machine = self.stages.machine().clone();
        let held = lvg::named(&machine, &pool.name)?.into_iter().flat_map(|group| group.physical.keys());
        let extra: Vec<&str> = held.filter(|path| !members.contains(path)).map(String::as_str).collect();
        if self.storage.safe_mode && !extra.is_empty() {
            return Err(Refusal::new(format!("{purpose} has devices that `disks` does not name"))
                .fact(extra.join(", "))
                .help("name them too; `storage_safe_mode: false` moves what is on them to the others and takes them out"));
        }
        let mut args = json!({"vg": pool.name, "pvs": members});
        args["pvresize"] = pool.grow_to_fill.unwrap_or(false).into();
        args["remove_extra_pvs"] = (!self.storage.safe_mode).into();
        self.stages.task("lvg", &args)
    }
}

/// The devices of a group that lie on this one.
fn carries(machine: &Machine, path: &str, group: &Group) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = vec![path.to_owned()];
    let mut seen = Vec::new();
    while let Some(path) = rest.pop() {
        if group.physical.contains_key(&path) {
            found.push(path);
        } else if !seen.contains(&path) {
            let holders = machine.block.iter().flat_map(|block| block.devices.values()).filter(|device| {
                let member = |array: &crate::machine::array::Array| array.member(&path).is_some();
                device.sits_on.contains(&path) || device.array.as_ref().is_some_and(member)
            });
            rest.extend(holders.map(|device| device.path.clone()));
            seen.push(path);
        }
    }
    found
}
