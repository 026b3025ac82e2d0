//! Making file systems, volumes, clones and snapshots.

use super::super::devices::block;
use super::super::zpool::mounted_at;
use super::ZfsDataset;
use crate::machine::block::{BlockEffect, Device, DeviceKind};
use crate::machine::zfs::{Dataset, DatasetKind, Property, Zfs, ZfsEffect};
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{udevadm, zfs as tool};
use crate::units::Size;

/// What a volume's size is a multiple of when nobody says otherwise, in 2.1.
const BLOCK: u64 = 8192;

impl ZfsDataset {
    pub(super) fn create(&self, machine: &Machine, zfs: &Zfs) -> Result<Plan, Refusal> {
        let name = &*self.name;
        let pool = name.split(['/', '@']).next().unwrap_or_default();
        if !zfs.pools.contains_key(pool) {
            let there: Vec<&str> = zfs.pools.keys().map(String::as_str).collect();
            return Err(Refusal::new(format!("{name} cannot be made: there is no pool {pool}"))
                .fact(format!(
                    "pools on this host: {}",
                    if there.is_empty() { "none".to_owned() } else { there.join(", ") }
                ))
                .help("`zpool` makes pools, and imports those that were exported"));
        }
        if self.kind() == DatasetKind::Snapshot {
            return self.snapshot(zfs);
        }
        // On a new dataset there is nothing to inherit from but what it inherits anyway.
        let mut wishes = self.wishes();
        wishes.retain(|_, wish| wish != "inherit");
        let options: Vec<(String, String)> =
            wishes.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let (mut predicts, parents) = folders(zfs, name)?;
        let mut dataset = Dataset::new(name, self.kind());
        dataset.properties =
            Some(wishes.iter().map(|(name, value)| (name.clone(), Property::local(value))).collect());
        let mut steps = Vec::new();
        let mut detail = self.kind().name().to_owned();
        if let Some(origin) = &self.origin {
            let found = zfs.datasets.get(&**origin);
            let Some(snapshot) = found.filter(|found| found.kind == DatasetKind::Snapshot) else {
                return Err(Refusal::new(format!(
                    "{name} cannot be a clone of {origin}: there is no such snapshot"
                )));
            };
            let cloned = origin.split('@').next().and_then(|cloned| zfs.datasets.get(cloned));
            dataset.kind = cloned.map_or(snapshot.kind, |cloned| cloned.kind);
            dataset.volsize = cloned.and_then(|cloned| cloned.volsize);
            dataset.origin = Some(origin.to_string());
            detail = format!("clone of {origin}");
            steps.push(Step::run(tool::clone(origin, name, &options)));
        } else if let Some(size) = self.volsize()? {
            self.room(zfs, size)?;
            dataset.volsize = Some(size);
            detail = format!("volume of {}", Size(size));
            steps.push(Step::run(tool::create_volume(name, size, self.sparse, &options)));
        } else {
            steps.push(Step::run(tool::create_filesystem(name, &options)));
        }
        if let (DatasetKind::Volume, Some(size)) = (dataset.kind, dataset.volsize) {
            steps.push(Step::run(udevadm::settle()));
            predicts.push(device(name, size));
        }
        if dataset.kind == DatasetKind::FileSystem {
            let path = self.mounts_at(zfs);
            self.mountable(machine, path.as_deref())?;
            let own = wishes.get("mountpoint").cloned();
            dataset.mountpoint = own.or_else(|| zfs.mountpoint_of(name));
            dataset.mounted = path.is_some();
            predicts.extend(path.map(|path| mounted_at(name, &path)));
        }
        let mut change = Change::create("dataset", name, detail);
        if !parents.is_empty() {
            change = change.attribute("folders", None, Some(parents.join(", ")));
        }
        for (property, value) in &options {
            change = change.attribute(property, None, Some(value.clone()));
        }
        predicts.push(Prediction::Zfs(ZfsEffect::Dataset(Box::new(dataset))));
        Ok(Plan::of(change, steps, predicts))
    }

    fn snapshot(&self, zfs: &Zfs) -> Result<Plan, Refusal> {
        let name = &*self.name;
        let of = name.split('@').next().unwrap_or_default();
        let Some(found) = zfs.datasets.get(of) else {
            return Err(Refusal::new(format!("{name} cannot be made: there is no dataset {of}")));
        };
        let wishes = self.wishes();
        let options: Vec<(String, String)> = wishes
            .iter()
            .filter(|(_, wish)| *wish != "inherit")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut dataset = Dataset::new(name, DatasetKind::Snapshot);
        dataset.referenced = found.referenced;
        dataset.holds = Some(Vec::new());
        dataset.properties =
            Some(options.iter().map(|(name, value)| (name.clone(), Property::local(value))).collect());
        let change = Change::create("dataset", name, format!("snapshot of {of}"));
        let effect = Prediction::Zfs(ZfsEffect::Dataset(Box::new(dataset.clone())));
        let mut plan = Plan::of(change, [Step::run(tool::snapshot(name, &options))], [effect]);
        plan.then(self.hold(&dataset));
        Ok(plan)
    }

    /// Tags that are missing, and tags that nobody named.
    pub(super) fn hold(&self, found: &Dataset) -> Plan {
        let mut plan = Plan::empty();
        let (Some(wanted), Some(held)) = (&self.holds, &found.holds) else { return plan };
        let mut wanted = wanted.clone();
        wanted.sort();
        wanted.dedup();
        if wanted == *held {
            return plan;
        }
        let gone = held.iter().filter(|tag| !wanted.contains(tag)).map(|tag| tool::release(&found.name, tag));
        let new = wanted.iter().filter(|tag| !held.contains(tag)).map(|tag| tool::hold(&found.name, tag));
        let steps: Vec<Step> = new.chain(gone).map(Step::run).collect();
        let said = |tags: &[String]| Some(tags.join(", ")).filter(|text| !text.is_empty());
        let change = Change::modify("dataset", &found.name, "").attribute("holds", said(held), said(&wanted));
        let effect = ZfsEffect::Holds { snapshot: found.name.clone(), tags: wanted };
        plan.push(change, steps, [Prediction::Zfs(effect)]);
        plan
    }

    /// What a volume's size has to be a multiple of: ZFS would say no only when it is made.
    pub(super) fn whole_blocks(&self, size: u64, block: u64) -> Result<(), Refusal> {
        if size > 0 && size.is_multiple_of(block) {
            return Ok(());
        }
        let up = Size(size.max(1)).round_up(Size(block));
        Err(Refusal::new(format!(
            "the volume {} cannot have {size} bytes: its blocks have {block}",
            &*self.name
        ))
        .help(format!("`volsize: {}` is the next that fits", up.bytes())))
    }

    fn room(&self, zfs: &Zfs, size: u64) -> Result<(), Refusal> {
        let block = self.extra_zfs_properties.get("volblocksize");
        let block = block.and_then(|block| block.text().parse::<Size>().ok()).map_or(BLOCK, Size::bytes);
        self.whole_blocks(size, block.max(512))?;
        let parent = self.name.rsplit_once('/').and_then(|(parent, _)| zfs.datasets.get(parent));
        let available = parent
            .and_then(|parent| parent.properties.as_ref()?.get("available"))
            .and_then(|available| available.value.parse::<u64>().ok());
        match available {
            Some(available) if size > available && !self.sparse => Err(Refusal::new(format!(
                "the volume {} of {} does not fit: {} are available",
                &*self.name,
                Size(size),
                Size(available)
            ))
            .help(
                "make it smaller, or `sparse: true`: it then reserves nothing, and writing to it can fail",
            )),
            _ => Ok(()),
        }
    }

    /// ZFS mounts over whatever is in a folder, and hides it.
    fn mountable(&self, machine: &Machine, path: Option<&str>) -> Result<(), Refusal> {
        let (Some(path), Some(mounts)) = (path, &machine.mounts) else { return Ok(()) };
        let taken = match mounts.at(path) {
            Some(other) => format!("{} is mounted there", other.source),
            None if mounts.occupied.get(path).copied().unwrap_or(false) => {
                "there is something in that folder, which would be hidden".to_owned()
            }
            None => return Ok(()),
        };
        Err(Refusal::new(format!("{} cannot be mounted at {path}: {taken}", &*self.name))
            .help("give another `mountpoint`, or `canmount: noauto`"))
    }
}

/// The file systems above it that are missing, and what follows when they are made.
fn folders(zfs: &Zfs, name: &str) -> Result<(Vec<Prediction>, Vec<String>), Refusal> {
    let mut missing: Vec<String> = Vec::new();
    let mut rest = name;
    while let Some((parent, _)) = rest.rsplit_once('/') {
        match zfs.datasets.get(parent) {
            None => missing.push(parent.to_owned()),
            Some(found) if found.kind == DatasetKind::FileSystem => break,
            Some(found) => {
                return Err(Refusal::new(format!(
                    "{name} cannot be made: {parent} is a {}",
                    found.kind.name()
                )));
            }
        }
        rest = parent;
    }
    missing.reverse();
    let mut predicts = Vec::new();
    for folder in &missing {
        let mut dataset = Dataset::new(folder, DatasetKind::FileSystem);
        dataset.mountpoint = zfs.mountpoint_of(folder);
        let path = dataset.mountpoint.clone().filter(|path| path.starts_with('/'));
        dataset.mounted = path.is_some();
        predicts.push(Prediction::Zfs(ZfsEffect::Dataset(Box::new(dataset))));
        predicts.extend(path.map(|path| mounted_at(folder, &path)));
    }
    Ok((predicts, missing))
}

/// The device of a volume.
pub(super) fn device(name: &str, size: u64) -> Prediction {
    let device = Device::new(format!("/dev/zvol/{name}"), DeviceKind::Other, size);
    Prediction::Block(BlockEffect::Put(Box::new(device)))
}

/// What happens to the device of a volume that grows: what is on it and above it stays.
pub(super) fn grown(machine: &Machine, name: &str, size: u64) -> Result<Option<Prediction>, Refusal> {
    let found = block(machine)?.devices.get(&format!("/dev/zvol/{name}"));
    Ok(found.map(|found| Prediction::Block(BlockEffect::Put(Box::new(Device { size, ..found.clone() })))))
}
