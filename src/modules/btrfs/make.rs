//! Making a btrfs, and ending it.

use super::super::devices::{blank_now, clear, confirm, device, empty_ends, holds_now, shown};
use super::Btrfs;
use super::reach::{described, whole};
use crate::machine::block::{BlockEffect, Content, Device, FileSystem, Uuid};
use crate::machine::btrfs::{BtrfsEffect, GroupKind, Groups, Inside, Pool, PoolDevice, Profile};
use crate::machine::span::Span;
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{btrfs as tool, udevadm, wipefs};
use crate::units::Size;

/// btrfs counts in sectors of this size.
const SECTOR: u64 = 4096;

/// The bytes btrfs uses of a device.
pub(super) fn usable(size: u64) -> u64 {
    size / SECTOR * SECTOR
}

impl Btrfs {
    /// The devices that are asked for, each once.
    pub(super) fn wanted<'a>(&self, machine: &'a Machine) -> Result<Vec<&'a Device>, Refusal> {
        let name = self.label.as_deref().or(self.uuid.as_deref()).unwrap_or_default();
        let mut found: Vec<&Device> = Vec::new();
        for one in &self.devices {
            let device = device(machine, one, &format!("the btrfs {name}"))?;
            if found.iter().any(|other| other.path == device.path) {
                return Err(Refusal::new(format!("{} is given twice for the btrfs {name}", shown(device))));
            }
            found.push(device);
        }
        Ok(found)
    }

    pub(super) fn create(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let label = self.label.as_deref().unwrap_or_default();
        let devices = self.wanted(machine)?;
        if devices.is_empty() {
            return Err(Refusal::new(format!(
                "the btrfs {label} cannot be made of nothing: `devices` is not given"
            )));
        }
        let several = devices.len() > 1;
        let data = Self::profile(self.data.as_ref())?.unwrap_or(Profile::Single);
        let usual = if several { Profile::Raid1 } else { Profile::Dup };
        let metadata = Self::profile(self.metadata.as_ref())?.unwrap_or(usual);
        self.allow("data", data, devices.len())?;
        self.allow("metadata", metadata, devices.len())?;
        let mut plan = Plan::empty();
        let mut blanks = Vec::new();
        for device in &devices {
            let claim = machine.claim(device)?;
            if device.size < tool::LEAST {
                return Err(Refusal::new(format!("{} is too small for btrfs", device.path)).fact(format!(
                    "it has {}, and btrfs needs {}",
                    Size(device.size),
                    Size(tool::LEAST)
                )));
            }
            blanks.push(clear(&mut plan, claim));
        }
        let mut steps: Vec<Step> = devices.iter().map(|device| confirm(device, true)).collect();
        steps.push(Step::run(tool::make(Some(label), data, metadata, &blanks)));
        steps.push(Step::run(udevadm::settle()));
        let groups = |kind, profile| Groups { kind, profile, size: 0, used: 0 };
        let pool = Pool {
            uuid: Uuid::Late,
            label: Some(label.to_owned()),
            devices: (1..)
                .zip(&devices)
                .map(|(id, device)| PoolDevice {
                    id,
                    path: device.path.clone(),
                    size: usable(device.size),
                    allocated: 0,
                })
                .collect(),
            missing: Vec::new(),
            used: 0,
            inside: Some(Inside {
                groups: vec![
                    groups(GroupKind::Data, data),
                    groups(GroupKind::Metadata, metadata),
                    groups(GroupKind::System, metadata),
                ],
                ..Inside::default()
            }),
            blind: None,
        };
        let room: Vec<u64> = devices.iter().map(|device| device.size).collect();
        let detail = format!(
            "data {data}, metadata {metadata} on {} devices, room for {}",
            devices.len(),
            Size(data.capacity(&room))
        );
        let list = devices.iter().map(|device| shown(device)).collect::<Vec<_>>().join(", ");
        let change = Change::create("btrfs", label, detail).attribute("devices", None, Some(list));
        let mut predicts = contents(&pool);
        predicts.push(spans(&[], Some(&pool)));
        predicts.push(put(&[], &pool));
        plan.push(change, steps, predicts);
        let quota = self.quota(machine, &pool)?;
        plan.then(quota);
        Ok(plan)
    }
}

/// What is on each device of a file system.
pub(super) fn contents(pool: &Pool) -> Vec<Prediction> {
    let content = Content::FileSystem(FileSystem {
        uuid: pool.uuid.clone(),
        label: pool.label.clone(),
        used: Some(pool.used),
        ..FileSystem::new("btrfs")
    });
    pool.devices.iter().map(|device| holds_now(&device.path, content.clone())).collect()
}

pub(super) fn spans(before: &[String], pool: Option<&Pool>) -> Prediction {
    let span = pool.map(|pool| Span::new("btrfs", pool.uuid.clone(), pool.paths()));
    Prediction::Block(BlockEffect::Span { before: before.to_vec(), span })
}

pub(super) fn put(before: &[String], pool: &Pool) -> Prediction {
    Prediction::Btrfs(BtrfsEffect::Put { before: before.to_vec(), pool: Box::new(pool.clone()) })
}

pub(super) fn remove(machine: &Machine, pool: &Pool) -> Result<Plan, Refusal> {
    whole(pool)?;
    let mut steps = Vec::new();
    let mut wipes = Vec::new();
    let mut predicts = Vec::new();
    let mut lost = Vec::new();
    for member in &pool.devices {
        let device = device(machine, &member.path, "the end of the btrfs")?;
        let claim = machine.claim(device)?;
        steps.push(confirm(device, false));
        wipes.push(Step::run(wipefs::all(claim.unused())));
        wipes.push(empty_ends(&device.path, device.size));
        predicts.push(blank_now(&device.path));
        lost.push(shown(device));
    }
    steps.append(&mut wipes);
    predicts.push(spans(&pool.paths(), None));
    predicts.push(Prediction::Btrfs(BtrfsEffect::Gone { devices: pool.paths() }));
    let inside = pool.inside.as_ref().map(|inside| format!(", {} subvolumes", inside.subvolumes.len()));
    let loss = format!("{}{}: {}", described(pool), inside.unwrap_or_default(), lost.join(", "));
    let change = Change::destroy("btrfs", pool.name(), format!("remove:{}", pool.identity()), loss);
    Ok(Plan::of(change, steps, predicts))
}
