//! Making a pool, importing and exporting one, and ending it.

use std::collections::BTreeMap;

use super::super::devices::{block, clear, confirm, shown};
use super::partitions::{give_back, lasting, lasting_partition, made_before, make, member, taken};
use super::vdevs::{Wanted, wanted};
use super::{State, Zpool, settings};
use crate::machine::block::{Block, Device, DeviceKind, Uuid};
use crate::machine::mounts::{Live, MountsEffect};
use crate::machine::zfs::{
    Class, Dataset, DatasetKind, Layout, Other, Pool, Property, Top, Zfs, ZfsEffect, inside,
};
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::udevadm;
use crate::tools::zfs::{self as tool, Group, Named};
use crate::units::Size;

impl Wanted<'_> {
    /// What is on its devices once the pool has them.
    pub(super) fn taken(&self, known: &Block, pool: &str) -> Vec<Prediction> {
        self.devices.iter().flat_map(|device| taken(known, device, pool, self.class)).collect()
    }

    /// The virtual device as it will be.
    pub(super) fn top(&self, ashift: u64) -> Top {
        Top {
            class: self.class,
            layout: self.layout,
            guid: None,
            name: self.layout.to_string(),
            ashift: Some(ashift).filter(|_| !matches!(self.class, Class::Cache | Class::Spare)),
            members: self.devices.iter().map(|device| member(device)).collect(),
        }
    }
}

/// Clears a device, gives a disk its partition, and names what ZFS gets.
pub(super) fn prepared<'a>(
    device: &'a Device,
    machine: &'a Machine,
    known: &'a Block,
    plan: &mut Plan,
    steps: &mut Vec<Step>,
) -> Result<Named<'a>, Refusal> {
    let name = match device.kind {
        DeviceKind::Disk => lasting_partition(known, device),
        _ => lasting(known, device),
    };
    if let Some(part) = made_before(known, device) {
        let claim = machine.claim(part)?;
        if !claim.destroys() {
            let blank = clear(plan, claim);
            steps.push(confirm(part, true));
            return Ok(Named { blank, name });
        }
    }
    let blank = clear(plan, machine.claim(device)?);
    steps.push(confirm(device, true));
    if device.kind == DeviceKind::Disk {
        steps.extend(make(device, blank));
    }
    Ok(Named { blank, name })
}

/// Clears the devices of a virtual device, and names them for a command. What has to be confirmed comes along.
pub(super) fn group<'a>(
    one: &Wanted<'a>,
    machine: &'a Machine,
    plan: &mut Plan,
    steps: &mut Vec<Step>,
) -> Result<Group<'a>, Refusal> {
    one.fits()?;
    let known = block(machine)?;
    let mut devices = Vec::new();
    for device in &one.devices {
        devices.push(prepared(device, machine, known, plan, steps)?);
    }
    let layout = (one.layout != Layout::Single).then(|| one.layout.to_string());
    Ok(Group { class: one.class.word(), layout, devices })
}

/// Refuses virtual devices of which one is weaker than another: a pool is lost with any of them.
pub(super) fn balanced<'a>(
    all: impl Iterator<Item = (Class, Layout, usize)> + 'a,
    name: &str,
) -> Result<(), Refusal> {
    let vital: Vec<(Class, Layout, usize)> = all.filter(|(class, _, _)| class.vital()).collect();
    let tolerates = |one: &(Class, Layout, usize)| one.1.tolerates(one.2);
    let most = vital.iter().max_by_key(|one| tolerates(one));
    let least = vital.iter().min_by_key(|one| tolerates(one));
    let (Some(most), Some(least)) = (most, least) else { return Ok(()) };
    if tolerates(most) == tolerates(least) {
        let wide = |one: &&(Class, Layout, usize)| one.0 == Class::Data && matches!(one.1, Layout::Raidz(_));
        let mut widths = vital.iter().filter(wide);
        let first = widths.next();
        return match first.and_then(|first| widths.find(|other| other.2 != first.2).zip(Some(first))) {
            None => Ok(()),
            Some((one, other)) => Err(Refusal::new(format!(
                "the pool {name} would have {} of {} beside {} of {}",
                one.1, one.2, other.1, other.2
            ))
            .help("give each virtual device as many disks")),
        };
    }
    let said = |one: &(Class, Layout, usize)| {
        let word = one.0.word().unwrap_or("data");
        format!("{word}: {} of {} survives the loss of {}", one.1, one.2, tolerates(one))
    };
    Err(Refusal::new(format!("the pool {name} would survive no more losses than the weakest of its parts"))
        .fact(said(most))
        .fact(said(least))
        .fact("the whole pool is lost with any one of its virtual devices, and most can never be taken out again")
        .help("give each virtual device the same redundancy: the same kind, with as many disks"))
}

impl Zpool {
    pub(super) fn create(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let name = &*self.name;
        let all = wanted(&self.vdevs, machine, name)?;
        if !all.iter().any(|one| one.class == Class::Data) {
            return Err(Refusal::new(format!(
                "the pool {name} cannot be made: `vdevs` names no disks for data"
            ))
            .help("if it lies on disks of another host's, it can be imported once it is exported there"));
        }
        balanced(all.iter().map(|one| (one.class, one.layout, one.devices.len())), name)?;
        self.mountable(machine)?;
        let mut plan = Plan::empty();
        let mut steps = Vec::new();
        let mut groups = Vec::new();
        for one in &all {
            groups.push(group(one, machine, &mut plan, &mut steps)?);
        }
        let ashift = self.ashift()?;
        let mut pool_properties = vec![("ashift".to_owned(), ashift.to_string())];
        let given = self.pool_properties.iter().filter(|(name, _)| *name != "ashift");
        pool_properties.extend(given.map(|(name, value)| (name.clone(), value.text())));
        // On a new pool there is nothing to inherit from.
        let mut wishes = self.root_wishes();
        wishes.retain(|_, wish| wish != "inherit");
        let root: Vec<(String, String)> =
            wishes.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        steps.push(Step::run(tool::create(
            name,
            &groups,
            &pool_properties,
            &root,
            self.disable_new_features,
        )));
        steps.push(Step::run(udevadm::settle()));
        let pool = Pool {
            name: name.to_owned(),
            guid: Uuid::Late,
            health: "ONLINE".to_owned(),
            size: all.iter().flat_map(|one| &one.devices).map(|device| device.size).sum(),
            allocated: 0,
            tops: all.iter().map(|one| one.top(ashift)).collect(),
            properties: BTreeMap::new(),
            checkpoint: false,
        };
        let known = block(machine)?;
        let mut predicts: Vec<Prediction> = all.iter().flat_map(|one| one.taken(known, name)).collect();
        predicts.push(Prediction::Zfs(ZfsEffect::Pool(Box::new(pool))));
        let properties = self.pool_properties.iter();
        predicts.extend(
            properties
                .filter(|(name, _)| *name != "ashift")
                .map(|(property, value)| settings::pool_property(name, property, &value.text())),
        );
        predicts.extend(self.root(&wishes));
        let parts: Vec<String> = all.iter().map(Wanted::describe).collect();
        let mut change = Change::create("pool", name, format!("ashift {ashift}")).attribute(
            "vdevs",
            None,
            Some(parts.join("; ")),
        );
        for (property, value) in pool_properties.iter().skip(1).chain(&root) {
            change = change.attribute(property, None, Some(value.clone()));
        }
        plan.push(change, steps, predicts);
        Ok(plan)
    }

    /// `zpool create` makes the folder, and stops at one in which something is.
    fn mountable(&self, machine: &Machine) -> Result<(), Refusal> {
        let (Some(path), Some(mounts)) = (self.mounts_at(), &machine.mounts) else { return Ok(()) };
        let taken = if mounts.at(&path).is_some() {
            "something is mounted there"
        } else if mounts.occupied.get(&path).copied().unwrap_or(false) {
            "there is something in that folder"
        } else {
            return Ok(());
        };
        Err(Refusal::new(format!("the pool {} cannot be mounted at {path}: {taken}", &*self.name))
            .help("give another `mountpoint`, or `mountpoint: none`"))
    }

    /// The first file system of a new pool.
    fn root(&self, wishes: &BTreeMap<String, String>) -> Vec<Prediction> {
        let name = &*self.name;
        let mountpoint = wishes.get("mountpoint").cloned().unwrap_or_else(|| format!("/{name}"));
        let mounted = self.mounts_at();
        let properties = wishes.iter().map(|(name, value)| (name.clone(), Property::local(value)));
        let dataset = Dataset {
            mountpoint: Some(mountpoint),
            mounted: mounted.is_some(),
            properties: Some(properties.collect()),
            ..Dataset::new(name, DatasetKind::FileSystem)
        };
        let mut predicts = vec![Prediction::Zfs(ZfsEffect::Dataset(Box::new(dataset)))];
        predicts.extend(mounted.map(|path| mounted_at(name, &path)));
        predicts
    }

    /// The pool of that name that is not imported, where there is one.
    pub(super) fn exported<'a>(&self, zfs: &'a Zfs) -> Result<Option<&'a Other>, Refusal> {
        let found: Vec<&Other> = zfs.others.iter().filter(|other| other.name == *self.name).collect();
        match found.as_slice() {
            [] => Ok(None),
            [one] if one.exported => Ok(Some(*one)),
            [one] => Err(not_exported(one)),
            several => {
                let refusal = Refusal::new(format!("{} pools are called {}", several.len(), &*self.name));
                let refusal = several.iter().fold(refusal, |all, one| {
                    all.fact(format!("{} on {}", one.guid, one.devices.join(", ")))
                });
                Err(refusal
                    .help("import one of them by its number, under another name: `zpool import NUMBER NAME`"))
            }
        }
    }

    pub(super) fn import(&self, machine: &Machine, other: &Other) -> Result<Plan, Refusal> {
        let known = block(machine)?;
        let devices: Vec<String> =
            other.devices.iter().filter_map(|path| known.devices.get(path)).map(shown).collect();
        let change = Change::create("pool", &*self.name, "imported")
            .attribute("devices", None, Some(devices.join(", ")))
            .risk(Risk::Disruptive);
        // What it is like nobody knows before it is imported, so all that is wished is set.
        let mut steps = vec![Step::run(tool::import(&other.guid)), Step::run(udevadm::settle())];
        let own = self.pool_properties.iter().filter(|(name, _)| *name != "ashift");
        steps.extend(
            own.map(|(property, value)| Step::run(tool::set_pool(&self.name, property, &value.text()))),
        );
        steps.extend(self.root_wishes().iter().map(|(property, wish)| {
            Step::run(match wish.as_str() {
                "inherit" => tool::inherit(&self.name, property),
                wish => tool::set(&self.name, property, wish),
            })
        }));
        // What is in it is known only once it is there.
        let mut predicts = vec![Prediction::Touches(crate::machine::Domain::Mounts)];
        predicts.extend(other.devices.iter().map(|path| pooled(path, Some(&self.name))));
        let imported = ZfsEffect::Imported { name: self.name.to_string(), guid: other.guid.clone() };
        predicts.push(Prediction::Zfs(imported));
        Ok(Plan::of(change, steps, predicts))
    }

    pub(super) fn export(machine: &Machine, zfs: &Zfs, pool: &Pool) -> Result<Plan, Refusal> {
        volumes_are_free(machine, zfs, &pool.name)?;
        let change = Change::modify("pool", &pool.name, "").risk(Risk::Disruptive).attribute(
            "state",
            Some("imported".to_owned()),
            Some("exported".to_owned()),
        );
        let mut predicts: Vec<Prediction> = pool.members().map(|member| pooled(&member.path, None)).collect();
        predicts.extend(unmounted(machine, &pool.name));
        predicts.push(Prediction::Zfs(ZfsEffect::Exported(Other {
            name: pool.name.clone(),
            guid: pool.identity(),
            exported: true,
            hostname: None,
            devices: pool.members().map(|member| member.path.clone()).collect(),
        })));
        Ok(Plan::of(change, [Step::run(tool::export(&pool.name))], predicts))
    }

    /// A pool that is not imported is not gone.
    pub(super) fn nothing_left(&self, zfs: &Zfs) -> Result<Plan, Refusal> {
        match zfs.others.iter().find(|other| other.name == *self.name) {
            None => Ok(Plan::empty()),
            Some(other) => Err(Refusal::new(format!("the pool {} is there, but not imported", other.name))
                .fact(format!("it lies on {}", other.devices.join(", ")))
                .help(format!(
                    "import it first (`state: {}`), so that what is in it can be seen",
                    state(State::Present)
                ))),
        }
    }

    pub(super) fn remove(machine: &Machine, zfs: &Zfs, pool: &Pool) -> Result<Plan, Refusal> {
        volumes_are_free(machine, zfs, &pool.name)?;
        let known = block(machine)?;
        let mut steps = Vec::new();
        let mut after = Vec::new();
        let mut predicts: Vec<Prediction> = unmounted(machine, &pool.name);
        predicts.push(Prediction::Zfs(ZfsEffect::PoolGone { name: pool.name.clone() }));
        for member in pool.members() {
            let Some(returned) = pool.returned(member, known) else { continue };
            let named = returned.disk().unwrap_or(returned.device()).device();
            steps.push(confirm(named, false));
            give_back(returned, &mut after, &mut predicts);
        }
        steps.push(Step::run(tool::destroy_pool(&pool.name)));
        steps.append(&mut after);
        let change = Change::destroy(
            "pool",
            &pool.name,
            format!("remove:{}", pool.identity()),
            loss(zfs, pool, known),
        );
        Ok(Plan::of(change, steps, predicts))
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Present => "present",
        State::Absent => "absent",
        State::Exported => "exported",
    }
}

fn not_exported(other: &Other) -> Refusal {
    let by = other.hostname.as_deref().unwrap_or("another host");
    Refusal::new(format!("the pool {} was not exported, and may be in use by {by}", other.name))
        .fact(format!("it lies on {}", other.devices.join(", ")))
        .fact("a pool that two hosts write to is lost")
        .help(format!(
            "export it there; or, when {by} surely has it no more, import it by hand: `zpool import -f {}`",
            other.guid
        ))
}

/// What its data sets hold. How much the pool has allocated is no measure of it: that changes while nobody writes, as it
/// frees blocks and keeps its own books.
fn loss(zfs: &Zfs, pool: &Pool, block: &Block) -> String {
    let count = |kind| zfs.below(&pool.name).filter(|one| one.kind == kind).count();
    let held: u64 = zfs
        .below(&pool.name)
        .chain(zfs.datasets.get(&pool.name))
        .map(|one| if one.kind == DatasetKind::Snapshot { one.used } else { one.referenced })
        .sum();
    let devices: Vec<String> = pool
        .members()
        .map(|member| match block.devices.get(member.named()) {
            Some(device) => shown(device),
            None => member.path.clone(),
        })
        .collect();
    format!(
        "the pool {} with {} in {} file systems, {} volumes and {} snapshots: {}",
        pool.name,
        Size(held),
        count(DatasetKind::FileSystem) + 1,
        count(DatasetKind::Volume),
        count(DatasetKind::Snapshot),
        devices.join(", ")
    )
}

fn pooled(path: &str, pool: Option<&str>) -> Prediction {
    Prediction::Block(crate::machine::block::BlockEffect::Pooled {
        path: path.to_owned(),
        pool: pool.map(str::to_owned),
    })
}

/// A file system of ZFS is mounted there.
pub(in crate::modules) fn mounted_at(dataset: &str, path: &str) -> Prediction {
    let mount = Live {
        target: path.to_owned(),
        source: dataset.to_owned(),
        fstype: "zfs".to_owned(),
        options: vec!["rw".to_owned()],
        root: "/".to_owned(),
    };
    Prediction::Mounts(MountsEffect::Live { target: path.to_owned(), mount: Some(mount) })
}

/// What is no longer mounted once a dataset is gone, with all that is in it.
pub(in crate::modules) fn unmounted(machine: &Machine, name: &str) -> Vec<Prediction> {
    let live = machine.mounts.iter().flat_map(|mounts| &mounts.live);
    let ours =
        live.filter(|live| live.fstype == "zfs" && (live.source == name || inside(&live.source, name)));
    ours.map(|live| Prediction::Mounts(MountsEffect::Live { target: live.target.clone(), mount: None }))
        .collect()
}

/// Refuses while somebody uses a volume, or has mounted something into a file system.
pub(in crate::modules) fn volumes_are_free(machine: &Machine, zfs: &Zfs, name: &str) -> Result<(), Refusal> {
    let known = block(machine)?;
    let volumes = zfs.datasets.values().filter(|one| one.kind == DatasetKind::Volume);
    for volume in volumes.filter(|one| one.name == name || inside(&one.name, name)) {
        let device = known.devices.get(&format!("/dev/zvol/{}", volume.name));
        if let Some(device) = device.filter(|device| device.kind == DeviceKind::Other) {
            machine.unused(device)?;
        }
    }
    let Some(mounts) = &machine.mounts else { return Ok(()) };
    let ours = |source: &str| source == name || inside(source, name);
    for live in mounts.live.iter().filter(|live| live.fstype == "zfs" && ours(&live.source)) {
        if let Some(other) = mounts.below(&live.target).find(|other| !ours(&other.source)) {
            return Err(Refusal::new(format!(
                "{} is in use: {} is mounted in it",
                live.source, other.target
            ))
            .fact(format!("it is mounted at {}", live.target))
            .help("unmount that first"));
        }
    }
    Ok(())
}
