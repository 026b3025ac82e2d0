//! Pools and datasets of ZFS. Nothing is asked where the kernel has no ZFS: `zpool` would load it.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ask, unread};
use crate::exec::{Command, Status, System};
use crate::machine::block::{Block, Content, Uuid};
use crate::machine::zfs::{Class, Dataset, DatasetKind, Layout, Member, Other, Pool, Top, Zfs, whole_disk};
use crate::plan::Failure;
use crate::tools::zfs::{self as tool, Label, ListedDataset, Row};

const MODULE: &str = "/sys/module/zfs";

fn loaded(system: &dyn System) -> Result<bool, Failure> {
    let inside = system.list(Path::new(MODULE));
    let inside = inside.map_err(|error| Failure::new(format!("cannot list {MODULE}: {error}")))?;
    Ok(!inside.is_empty())
}

/// The links to volumes, in folders like the datasets.
pub(super) fn links(
    folder: &str,
    links: &mut BTreeMap<String, String>,
    system: &dyn System,
) -> Result<(), Failure> {
    let names = system.list(Path::new(folder));
    for name in names.map_err(|error| Failure::new(format!("cannot list {folder}: {error}")))? {
        let link = format!("{folder}/{name}");
        let Ok(target) = system.resolve(Path::new(&link)) else { continue };
        if target == Path::new(&link) {
            self::links(&link, links, system)?;
        } else {
            links.insert(link, target.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

/// The devices that imported pools have, and whose they are.
pub(super) fn pooled(block: &Block, system: &dyn System) -> Result<BTreeMap<String, String>, Failure> {
    if !loaded(system)? {
        return Ok(BTreeMap::new());
    }
    let Some(output) = ask(&tool::status(), system)? else {
        return Err(Failure::new("ZFS runs on this host, and there is no `zpool` to ask about it")
            .help("install zfsutils-linux"));
    };
    let rows = tool::parse_status(&output.text()).map_err(unread)?;
    let devices = rows.into_iter().filter(|row| row.name.starts_with('/'));
    Ok(devices
        .filter_map(|row| block.find(&row.name).map(|device| (device.path.clone(), row.pool)))
        .collect())
}

pub(super) fn observe(block: &Block, system: &dyn System) -> Result<Zfs, Failure> {
    let mut zfs = Zfs::default();
    if loaded(system)? {
        let text = |command: &Command| match ask(command, system)? {
            Some(output) => Ok(output.text()),
            None => Err(Failure::new("ZFS runs on this host, and there are no tools to ask about it")
                .help("install zfsutils-linux")),
        };
        let rows = tool::parse_status(&text(&tool::status())?).map_err(unread)?;
        let guids = tool::parse_status(&text(&tool::status_guids())?).map_err(unread)?;
        if rows.len() != guids.len() {
            return Err(Failure::new("the pools changed while they were looked at").help("run it again"));
        }
        for listed in tool::parse_pools(&text(&tool::pools())?).map_err(unread)? {
            let of = |row: &&Row| row.pool == listed.name;
            let rows: Vec<&Row> = rows.iter().filter(of).collect();
            let guids: Vec<&Row> = guids.iter().filter(of).collect();
            let mut pool = Pool {
                tops: tree(&rows, &guids, block),
                name: listed.name,
                guid: Uuid::Known(listed.guid),
                health: listed.health,
                size: listed.size,
                allocated: listed.allocated,
                properties: BTreeMap::new(),
                checkpoint: false,
            };
            for top in &mut pool.tops {
                top.ashift = ashift(top, system)?;
            }
            zfs.pools.insert(pool.name.clone(), pool);
        }
        if !zfs.pools.is_empty() {
            let got = tool::parse_pool_properties(&text(&tool::pool_properties())?).map_err(unread)?;
            for one in got {
                let Some(pool) = zfs.pools.get_mut(&one.owner) else { continue };
                pool.checkpoint |= one.name == "checkpoint" && one.property.value != "-";
                pool.properties.insert(one.name, one.property);
            }
            let listed = tool::parse_datasets(&text(&tool::datasets())?).map_err(unread)?;
            zfs.datasets = listed.into_iter().map(|one| (one.name.clone(), dataset(one))).collect();
        }
    }
    zfs.others = others(block, system)?;
    Ok(zfs)
}

/// The virtual devices of one pool.
fn tree(rows: &[&Row], guids: &[&Row], block: &Block) -> Vec<Top> {
    let mut class = Class::Data;
    let mut tops: Vec<Top> = Vec::new();
    let mut replacing = false;
    // The first line is the pool itself.
    for (row, guid) in rows.iter().zip(guids).skip(1) {
        if row.depth == 0 {
            class = Class::of_heading(&row.name).unwrap_or(class);
            continue;
        }
        let group = Layout::of_name(&row.name).filter(|_| row.depth == 1);
        if row.depth == 1 {
            tops.push(Top {
                class,
                layout: group.unwrap_or(Layout::Single),
                guid: Some(guid.name.clone()),
                name: row.name.clone(),
                ashift: None,
                members: Vec::new(),
            });
        }
        let Some(top) = tops.last_mut() else { continue };
        // What takes another one's place stands deeper than its siblings, or alone at the top.
        let exchange = row.name.starts_with("replacing-") || row.name.starts_with("spare-");
        if exchange || row.depth <= 2 {
            replacing = row.name.starts_with("replacing-");
        }
        if group.is_some() || exchange {
            continue;
        }
        let device = block.find(&row.name);
        top.members.push(Member {
            guid: Some(guid.name.clone()),
            path: device.map_or_else(|| row.name.clone(), |device| device.path.clone()),
            disk: device.and_then(|device| whole_disk(block, device)).map(|disk| disk.path.clone()),
            state: row.state.clone().unwrap_or_default(),
            replacing,
        });
    }
    // A spare that stands in for a device is shown beside it too.
    let spares: Vec<String> = tops
        .iter()
        .filter(|top| top.class == Class::Spare)
        .flat_map(|top| top.members.iter().map(|member| member.path.clone()))
        .collect();
    for top in tops.iter_mut().filter(|top| top.class != Class::Spare) {
        top.members.retain(|member| !spares.contains(&member.path));
    }
    tops
}

/// Only the labels of devices say it. `None` where they cannot be read.
fn ashift(top: &Top, system: &dyn System) -> Result<Option<u64>, Failure> {
    if matches!(top.class, Class::Cache | Class::Spare) {
        return Ok(None);
    }
    for member in top.members.iter().filter(|member| member.path.starts_with('/')) {
        if let Some(label) = read_label(&member.path, system)? {
            return Ok(label.ashift);
        }
    }
    Ok(None)
}

/// `None` where there is none.
fn read_label(path: &str, system: &dyn System) -> Result<Option<Label>, Failure> {
    let output = system.run(&tool::label(path));
    match output.status {
        Status::Code(0) => tool::parse_label(&output.text()).map(Some).map_err(unread),
        _ => Ok(None),
    }
}

/// Pools that devices speak of and that are not imported.
fn others(block: &Block, system: &dyn System) -> Result<Vec<Other>, Failure> {
    let mut others: Vec<Other> = Vec::new();
    for device in block.devices.values() {
        let member = matches!(&device.content, Content::Other { kind, .. } if kind == "zfs_member");
        if !member || block.pool_of(device).is_some() {
            continue;
        }
        let Some(label) = read_label(&device.path, system)?.filter(|label| !label.destroyed()) else {
            continue;
        };
        let (Some(name), Some(guid)) = (label.pool.clone(), label.pool_guid.clone()) else { continue };
        match others.iter_mut().find(|other| other.guid == guid) {
            Some(other) => other.devices.push(device.path.clone()),
            None => others.push(Other {
                name,
                guid,
                exported: label.exported(),
                hostname: label.hostname,
                devices: vec![device.path.clone()],
            }),
        }
    }
    Ok(others)
}

fn dataset(one: ListedDataset) -> Dataset {
    let kind = match one.kind.as_str() {
        "volume" => DatasetKind::Volume,
        "snapshot" => DatasetKind::Snapshot,
        _ => DatasetKind::FileSystem,
    };
    Dataset {
        guid: Uuid::Known(one.guid),
        used: one.used,
        referenced: one.referenced,
        origin: one.origin,
        clones: one.clones,
        mounted: one.mounted,
        mountpoint: one.mountpoint,
        volsize: one.volsize,
        userrefs: one.userrefs,
        properties: None,
        ..Dataset::new(one.name, kind)
    }
}

/// Properties and holds, where somebody asked for them.
pub(super) fn look_into(zfs: &mut Zfs, names: &[String], system: &dyn System) -> Result<(), Failure> {
    for name in names {
        let Some(dataset) = zfs.datasets.get_mut(name) else { continue };
        // What a dry run only foresees cannot be asked.
        if dataset.guid == Uuid::Late {
            continue;
        }
        if dataset.properties.is_none()
            && let Some(output) = ask(&tool::dataset_properties(name), system)?
        {
            let got = tool::parse_dataset_properties(&output.text()).map_err(unread)?;
            dataset.properties = Some(got.into_iter().map(|one| (one.name, one.property)).collect());
        }
        if dataset.kind == DatasetKind::Snapshot && dataset.holds.is_none() {
            let mut tags = match dataset.userrefs {
                0 => Vec::new(),
                _ => match ask(&tool::holds(name), system)? {
                    Some(output) => tool::parse_holds(&output.text()).map_err(unread)?,
                    None => Vec::new(),
                },
            };
            tags.sort();
            dataset.holds = Some(tags);
        }
    }
    Ok(())
}
