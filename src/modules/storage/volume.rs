//! Volumes: what carries a file system, the file system, and where it is mounted.

use serde_json::{Value, json};

use super::disks::disk;
use super::words::{Pool, Volume, VolumeKind};
use super::written::Item;
use super::{Work, sizes};
use crate::machine::block::{Block, Content, partition_path};
use crate::machine::fstab::FstabEntry;
use crate::machine::luks::KIND as LUKS;
use crate::machine::lvm::{Group, Kind};
use crate::modules::presence::State;
use crate::modules::{lvg, task};
use crate::plan::Refusal;

const DEFAULT: &str = "xfs";
/// Kinds that grow with what they lie on.
const GROWING: [&str; 5] = ["xfs", "ext4", "ext3", "ext2", "btrfs"];

impl Volume {
    /// What other modules will say of these words whatever the host looks like.
    pub(super) fn check_tasks(&self) -> Result<(), String> {
        let of = |refusal: Refusal| format!("the volume {}: {}", self.name, refusal.title);
        if self.state == State::Absent {
            return Ok(());
        }
        if let Some(size) = self.size.as_deref().filter(|size| *size != "0")
            && sizes::share(size)?.is_none()
        {
            sizes::bytes(size)?;
        }
        let kind = self.fs_type.as_deref().unwrap_or(DEFAULT);
        if kind != "unformatted" {
            task("filesystem", &self.file_system("/dev/x", kind)).map_err(of)?;
        }
        if let Some(path) = self.mount_point.as_deref().filter(|path| *path != "none") {
            task("mount", &self.mount("/dev/x", kind, path, None)).map_err(of)?;
            task("file", &self.folder(path)).map_err(of)?;
        }
        Ok(())
    }

    fn file_system(&self, device: &str, kind: &str) -> Value {
        let mut args = json!({"dev": device, "fstype": kind});
        if let Some(label) = &self.fs_label {
            args["label"] = label.as_str().into();
        }
        if let Some(options) = &self.fs_create_options {
            args["opts"] = options.as_str().into();
        }
        if GROWING.contains(&kind) {
            args["resizefs"] = true.into();
        }
        args
    }

    /// What is not said stays as fstab has it.
    fn mount(&self, device: &str, kind: &str, path: &str, old: Option<&FstabEntry>) -> Value {
        let options = self.mount_options.as_deref().or(old.map(|old| old.options.as_str()));
        json!({
            "path": path, "src": device, "fstype": kind, "state": "mounted",
            "opts": options.unwrap_or("defaults"),
            "dump": self.mount_check.or(old.map(|old| old.dump)).unwrap_or(0),
            "passno": self.mount_passno.or(old.map(|old| old.pass)).unwrap_or(0),
        })
    }

    fn folder(&self, path: &str) -> Value {
        let mut args = json!({"path": path, "state": "directory"});
        for (argument, value) in
            [("owner", &self.mount_user), ("group", &self.mount_group), ("mode", &self.mount_mode)]
        {
            if let Some(value) = value {
                args[argument] = value.as_str().into();
            }
        }
        args
    }

    /// Whether what another file system holds may be given up for this one.
    fn overwrites(&self) -> bool {
        self.fs_overwrite_existing != Some(false)
    }

    fn has_folder(&self) -> bool {
        self.mount_user.is_some() || self.mount_group.is_some() || self.mount_mode.is_some()
    }
}

impl Work<'_> {
    /// A volume outside pools, with nothing left of it: what its file system lies on goes too.
    pub(super) fn volume_goes(&mut self, item: &Item<Volume>) -> Result<(), Refusal> {
        let volume = &item.whole;
        let machine = self.stages.machine().clone();
        let devices: Vec<String> = match volume.kind().map_err(Refusal::new)? {
            Some(VolumeKind::Raid) => {
                let array = machine.block.as_ref().and_then(|block| block.array(&volume.name));
                let mut devices: Vec<String> =
                    array.map(|(device, _)| device.path.clone()).into_iter().collect();
                if self.storage.use_partitions && !devices.is_empty() {
                    for name in &volume.disks {
                        devices
                            .push(disk(&machine, name, &format!("the volume {}", volume.name))?.path.clone());
                    }
                }
                devices
            }
            _ => volume
                .disks
                .iter()
                .map(|name| disk(&machine, name, &format!("the volume {}", volume.name)))
                .map(|found| found.map(|device| device.path.clone()))
                .collect::<Result<_, _>>()?,
        };
        self.named.extend(devices.iter().cloned());
        // The container on it is part of the volume.
        self.named.extend(devices.iter().map(|path| partition_path(path, 1)));
        self.stages.task("teardown", &json!({ "devices": devices }))
    }

    pub(super) fn volume(&mut self, item: &Item<Volume>) -> Result<(), Refusal> {
        let machine = self.stages.machine().clone();
        let block = machine.block.as_ref();
        let (name, purpose) = (&item.whole.name, format!("the volume {}", item.whole.name));
        if item.whole.kind().map_err(Refusal::new)? == Some(VolumeKind::Raid) {
            let volume = item.of(block.is_some_and(|block| block.array(name).is_some()));
            let devices = self.disks(&item.whole.disks, &purpose, ("raid", true))?;
            let raid = if volume.raid.raid_level.is_some() { &volume.raid } else { &item.whole.raid };
            let device = self.array(name, raid, &devices)?;
            return self.content(volume, &device, name);
        }
        let name_of = item.whole.disks.first().map_or("", String::as_str);
        let found = disk(&machine, name_of, &purpose)?;
        let used = if self.storage.use_partitions {
            block.is_some_and(|block| block.devices.contains_key(&partition_path(&found.path, 1)))
        } else {
            is_ours(&found.content)
        };
        let volume = item.of(used);
        let devices = self.disks(&item.whole.disks, &purpose, ("linux", volume.overwrites()))?;
        for device in devices {
            self.content(volume, &device, name)?;
        }
        Ok(())
    }

    /// A logical volume of a pool.
    pub(super) fn logical(&mut self, pool: &Pool, given: &Volume, whole: &Volume) -> Result<(), Refusal> {
        let machine = self.stages.machine().clone();
        let Some(group) = lvg::named(&machine, &pool.name)? else { return Ok(()) };
        let there = group.logical.get(&whole.name);
        let volume = if there.is_some() { given } else { whole };
        let full = format!("{}/{}", pool.name, volume.name);
        let said = |problem: String| Refusal::new(format!("the volume {full}: {problem}"));
        let mut args = json!({"vg": pool.name, "lv": volume.name, "force": !self.storage.safe_mode});
        args["resizefs"] = (volume.encryption.encryption != Some(true)).into();
        args["allow_offline"] = (!self.storage.safe_mode).into();
        let thin_there = there.and_then(|there| match &there.kind {
            Kind::Thin { pool, .. } => Some(pool.as_str()),
            _ => None,
        });
        let size = volume.size.as_deref().filter(|size| *size != "0");
        let size = match (size, there) {
            (Some(size), _) => Some(size.to_owned()),
            (None, Some(_)) => None,
            (None, None) => return Err(said("`size` is not given".to_owned())),
        };
        if volume.thin == Some(true) || thin_there.is_some() {
            let thin = match thin_there {
                Some(thin) => thin.to_owned(),
                None => thin_pool(group, volume).map_err(said)?,
            };
            self.thin_pool(pool, group, volume, &thin)?;
            args["thinpool"] = thin.into();
            if let Some(size) = &size {
                args["size"] = sizes::rounded(size).map_err(said)?.into();
            }
        } else if let Some(level) = &volume.raid.raid_level {
            let on = self.on(pool, &volume.raid_disks, &full)?;
            spread(&mut args, level, on.len(), volume.raid_stripe_size.as_deref()).map_err(said)?;
            args["pvs"] = on.into();
            if let Some(size) = &size {
                args["size"] = sizes::rounded(size).map_err(said)?.into();
            }
        } else if let Some(size) = &size {
            args["size"] = sizes::extents(group, &volume.name, size).map_err(said)?.into();
        }
        if let (None, Some(there)) = (&size, there) {
            args["size"] = format!("{}e", there.extents).into();
        }
        if let Some(cached) = volume.cached {
            args["cache"] = if cached {
                let on = self.on(pool, &volume.cache_devices, &full)?;
                let size = sizes::rounded(volume.cache_size.as_deref().unwrap_or_default()).map_err(said)?;
                json!({"pvs": on, "size": size, "mode": volume.cache_mode.as_deref().unwrap_or("writethrough")})
            } else {
                json!({"state": "absent"})
            };
        }
        self.named.add(full.as_str());
        self.stages.task("lvol", &args)?;
        self.content(volume, &format!("/dev/{full}"), &format!("{}-{}", pool.name, volume.name))
    }

    /// The devices of a pool that lie on these disks.
    fn on(&self, pool: &Pool, names: &[String], of: &str) -> Result<Vec<String>, Refusal> {
        let machine = self.stages.machine();
        let mut found = Vec::new();
        for name in names {
            let path = &disk(machine, name, &format!("the volume {of}"))?.path;
            found.push(if self.storage.use_partitions { partition_path(path, 1) } else { path.clone() });
        }
        let group = lvg::named(machine, &pool.name)?;
        match found.iter().find(|path| !group.is_some_and(|group| group.physical.contains_key(*path))) {
            Some(path) => Err(Refusal::new(format!(
                "the volume {of} is to be on {path}, which is no device of its pool"
            ))),
            None => Ok(found),
        }
    }

    fn thin_pool(&mut self, pool: &Pool, group: &Group, volume: &Volume, name: &str) -> Result<(), Refusal> {
        let there = group.logical.contains_key(name);
        let mut args = json!({"vg": pool.name, "thinpool": name, "type": "thin_pool"});
        match &volume.thin_pool_size {
            Some(size) => args["size"] = sizes::rounded(size).map_err(Refusal::new)?.into(),
            None if there => return Ok(()),
            None => {
                return Err(Refusal::new(format!("the thin pool {}/{name} cannot be made", pool.name))
                    .fact(format!("`thin_pool_size` of the volume {} is not given", volume.name)));
            }
        }
        self.stages.task("lvol", &args)
    }

    /// Partitions of the one disk of a pool, in the order of the list.
    pub(super) fn partitions(&mut self, item: &Item<Pool>) -> Result<(), Refusal> {
        let pool = &item.whole;
        let purpose = format!("the pool {}", pool.name);
        let name = pool.disks.first().map_or("", String::as_str);
        let machine = self.stages.machine().clone();
        let path = disk(&machine, name, &purpose)?.path.clone();
        let block = machine.block.as_ref();
        for (number, (given, whole)) in (1..).zip(item.given.volumes.iter().zip(&pool.volumes)) {
            if whole.state == State::Absent {
                continue;
            }
            let part = partition_path(&path, number);
            let there = block.is_some_and(|block| block.devices.contains_key(&part));
            let volume = if there { given } else { whole };
            let mut args = json!({"device": path, "number": number, "resize": there});
            if self.storage.label.as_deref() != Some("msdos") {
                args["name"] = volume.name.as_str().into();
            }
            if let Some(label) = &self.storage.label {
                args["label"] = label.as_str().into();
            }
            match volume.size.as_deref().filter(|size| *size != "0") {
                Some(size) if size.trim() == "100%" => args["part_end"] = "100%".into(),
                Some(size) => args["size"] = size.replace(' ', "").into(),
                None if there => args["resize"] = false.into(),
                None => {
                    return Err(Refusal::new(format!("`size` of the volume {} is not given", volume.name)));
                }
            }
            self.stages.task("partition", &args)?;
            self.named.add(part.as_str());
            self.content(volume, &part, &volume.name)?;
        }
        Ok(())
    }

    pub(super) fn partitions_go(&mut self, pool: &Pool, purpose: &str) -> Result<(), Refusal> {
        let machine = self.stages.machine().clone();
        let Some(name) = pool.disks.first() else {
            return Err(Refusal::new(format!("`disks` of {purpose} are not given")));
        };
        let path = disk(&machine, name, purpose)?.path.clone();
        self.named.extend((1..).zip(&pool.volumes).map(|(number, _)| partition_path(&path, number)));
        if pool.state == State::Absent {
            self.named.add(path.as_str());
            return self.stages.task("teardown", &json!({"devices": [path]}));
        }
        for (number, volume) in (1u64..).zip(&pool.volumes) {
            let part = partition_path(&path, number);
            let there = machine.block.as_ref().is_some_and(|block| block.devices.contains_key(&part));
            if volume.state == State::Absent && there {
                self.stages.task("teardown", &json!({"devices": [part]}))?;
            }
        }
        Ok(())
    }

    /// What is on a volume: a container where asked for, the file system, the mount.
    fn content(&mut self, volume: &Volume, device: &str, name: &str) -> Result<(), Refusal> {
        let mut device = device.to_owned();
        let container = content_of(self.stages.machine().block.as_ref(), &device)
            .is_some_and(|content| matches!(content, Content::Other { kind, .. } if kind == LUKS));
        let overwrite = volume.overwrites();
        if overwrite {
            self.named.add(device.as_str());
        }
        let encrypted = volume.encryption.encryption;
        if encrypted == Some(true) || encrypted.is_none() && container {
            let machine = self.stages.machine().clone();
            let holder = machine.block.as_ref().and_then(|block| block.holders(&device).next());
            device = match (encrypted, holder) {
                // One that is open, and of which nothing is said, stays what it is.
                (None, Some(mapper)) => mapper.path.clone(),
                _ => self.container(&format!("luks-{name}"), &device, &volume.encryption)?,
            };
            if overwrite {
                self.named.add(device.as_str());
            }
        }
        let machine = self.stages.machine().clone();
        let found = content_of(machine.block.as_ref(), &device);
        let kind = match (&volume.fs_type, found) {
            (Some(kind), _) => kind.clone(),
            (None, Some(Content::FileSystem(found))) => found.kind.clone(),
            (None, Some(Content::Other { kind, .. })) if kind == "swap" => kind.clone(),
            (None, _) => DEFAULT.to_owned(),
        };
        self.unmounted(volume, &device)?;
        if kind == "unformatted" {
            return self.stages.task("filesystem", &json!({"dev": device, "state": "absent"}));
        }
        self.stages.task("filesystem", &volume.file_system(&device, &kind))?;
        if kind == "swap" {
            return self.stages.task("swap", &json!({ "path": device }));
        }
        if let Some(path) = volume.mount_point.as_deref().filter(|path| *path != "none") {
            let entries = machine.mounts.iter().flat_map(|mounts| &mounts.fstab);
            let (mut entries, block) = (entries.filter(|entry| entry.path == path), machine.block.as_ref());
            let old = entries.find(|entry| {
                block.and_then(|block| entry.device(block)).is_some_and(|found| found.path == device)
            });
            self.stages.task("mount", &volume.mount(&device, &kind, path, old))?;
            if volume.has_folder() {
                self.stages.task("file", &volume.folder(path))?;
            }
        }
        Ok(())
    }

    /// A mount point that is another one now is no longer mounted at.
    fn unmounted(&mut self, volume: &Volume, device: &str) -> Result<(), Refusal> {
        let Some(wanted) = &volume.mount_point else { return Ok(()) };
        let machine = self.stages.machine().clone();
        let (Some(block), Some(mounts)) = (&machine.block, &machine.mounts) else { return Ok(()) };
        let entries = mounts.fstab.iter().filter(|entry| !entry.is_swap());
        let mut old: Vec<&str> = entries
            .filter(|entry| entry.device(block).is_some_and(|found| found.path == device))
            .map(|entry| entry.path.as_str())
            .filter(|path| path != wanted)
            .collect();
        old.dedup();
        for path in old {
            self.stages.task("mount", &json!({"path": path, "state": "absent"}))?;
        }
        Ok(())
    }
}

fn content_of<'a>(block: Option<&'a Block>, path: &str) -> Option<&'a Content> {
    Some(&block?.devices.get(path)?.content)
}

/// Whether that could be a volume made before: a file system or a container.
fn is_ours(content: &Content) -> bool {
    match content {
        Content::FileSystem(_) => true,
        Content::Other { kind, .. } => kind == LUKS || kind == "swap",
        _ => false,
    }
}

/// The pool of a new thin volume: the one that is named, or the only one.
fn thin_pool(group: &Group, volume: &Volume) -> Result<String, String> {
    if let Some(name) = &volume.thin_pool_name {
        return Ok(name.clone());
    }
    let pools: Vec<&str> = group
        .logical
        .values()
        .filter(|one| matches!(one.kind, Kind::ThinPool { .. }))
        .map(|one| one.name.as_str())
        .collect();
    match pools.as_slice() {
        [] => Ok(format!("{}_pool", group.name)),
        [one] => Ok((*one).to_owned()),
        several => Err(format!(
            "which pool it takes from is not said: `thin_pool_name` is one of {}",
            several.join(", ")
        )),
    }
}

/// Over how many devices it is spread, in the words of `lvol`.
fn spread(args: &mut Value, level: &str, disks: usize, unit: Option<&str>) -> Result<(), String> {
    let (kind, parity) = match level {
        "raid0" | "striped" => ("striped", 0),
        "raid1" => ("raid1", 0),
        "raid5" => ("raid5", 1),
        "raid6" => ("raid6", 2),
        _ => ("raid10", 0),
    };
    args["type"] = kind.into();
    match kind {
        "raid1" => args["mirrors"] = disks.saturating_sub(1).into(),
        "raid10" if disks % 2 == 1 => return Err(format!("raid10 of {disks} `raid_disks` is not possible")),
        "raid10" => args["stripes"] = (disks / 2).into(),
        _ => args["stripes"] = disks.saturating_sub(parity).into(),
    }
    if let Some(unit) = unit {
        args["stripe_size"] = unit.into();
    }
    Ok(())
}
