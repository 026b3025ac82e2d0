//! `lvol`: LVM logical volumes for their whole life.
//!
//! What a volume is made like is never changed afterwards; only its size, its cache, its tags and whether it is active.

mod activate;
mod autoextend;
mod cache;
mod create;
mod grow;
mod keep;
mod remove;
mod shape;
mod shrink;
mod size;
mod snapshot;
#[cfg(test)]
mod tests;
mod thin;
mod writecache;

pub(super) use remove::{leaves_first, removal};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::{block, checked_text, device, lvm_name};
use super::filesystem;
use super::lvg::{Tag, named};
use super::{Describe, Module};
use crate::machine::lvm::Group;
use crate::machine::{Domain, Machine, Needs};
use crate::plan::{Plan, Refusal};
use crate::units::{KIB, MIB, Size};
use size::Wanted;

checked_text!(
    /// The name of a volume or group.
    Name,
    lvm_name
);
checked_text!(
    /// The size of a volume.
    VolumeSize,
    |text| Wanted::read(text).map(drop)
);
checked_text!(
    /// The size of what pools and stripes are given out in.
    ChunkSize,
    |text| {
        let Size(bytes) = text.parse().map_err(|error: crate::units::BadSize| error.to_string())?;
        if (4 * KIB..=1024 * MIB).contains(&bytes) && bytes.is_power_of_two() {
            return Ok(());
        }
        Err(format!("`{text}` is no size of a chunk: a power of two from 4 KiB on"))
    }
);
checked_text!(
    /// More options of lvcreate.
    CreateOptions,
    |text| create_options(text).map(drop)
);

/// Makes, grows, shrinks or removes an LVM logical volume. Sizes are counted in extents and rounded up to whole ones.
///
/// A percentage of `FREE` is resolved when the volume is made, and is satisfied by whatever size it has later. A volume
/// is made smaller only with `force: true`, and a file system on it is made smaller first (`resizefs: true`), or
/// nothing is done.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Lvol {
    /// The volume group.
    vg: Name,
    /// The name of the volume. With `snapshot`: of the volume that is snapshotted.
    lv: Option<Name>,
    /// `10g`, `512m`, `60%VG`, `100%FREE`, or `1000e` for extents; `20%ORIGIN` of a snapshot. A number alone counts
    /// MiB. Needed while `present`. Of a thin volume it is what is promised.
    size: Option<VolumeSize>,
    /// How it is made. Left out: `linear`, or `thin` where `lv` and `thinpool` are given, or `thin_pool` where only
    /// `thinpool` is. A volume that is there stays as it is made.
    #[serde(rename = "type")]
    kind: Option<Type>,
    /// Over how many devices data is spread in turn (`striped`, `raid5`, `raid6`, `raid10`; parity and copies come on
    /// top). Left out: as few as the type can have.
    stripes: Option<u64>,
    /// Bytes on one device before the next is used.
    stripe_size: Option<ChunkSize>,
    /// How many further copies `raid1` has.
    mirrors: Option<u64>,
    /// The pool: of a thin volume the one it takes from; without `lv` the one that is made.
    thinpool: Option<Name>,
    /// In what a thin pool gives out its room.
    chunk_size: Option<ChunkSize>,
    /// The size of a thin pool's metadata. Left out: 64 bytes for each chunk, and at least 4 MiB.
    metadata_size: Option<VolumeSize>,
    /// How much the volumes of a thin pool may promise together, in percent of the pool. Left out: any amount.
    overcommit: Option<u64>,
    /// When a thin pool grows by itself, and by how much.
    autoextend: Option<autoextend::Autoextend>,
    /// The name of a snapshot of `lv`. Of a thin volume it needs no size.
    snapshot: Option<Name>,
    /// A cache over the volume.
    cache: Option<cache::WantedCache>,
    /// Allows what a failure of one device can turn into loss: a writeback cache on a device without redundancy.
    #[serde(default)]
    accept_risk: bool,
    /// The devices it is made on: paths, links below `/dev/disk`, or serials. Left out: any of the group.
    #[serde(default)]
    pvs: Vec<String>,
    /// Options of lvcreate that do not change its shape: `--contiguous`, `--readahead`.
    opts: Option<CreateOptions>,
    /// The tags of the volume, all of them. Left out, they stay as they are.
    tags: Option<Vec<Tag>>,
    /// Whether there is such a volume. `merged`: its origin becomes what the snapshot shows, and the snapshot goes.
    #[serde(default)]
    state: State,
    /// Whether it is active.
    #[serde(default = "yes")]
    active: bool,
    /// `false` leaves a larger volume as it is, `true` makes it smaller if `force` asks for it too.
    #[serde(default = "yes")]
    shrink: bool,
    /// Asks to remove or shrink. It does not consent: the refusal names the token that does.
    #[serde(default)]
    force: bool,
    /// Whether the file system on it grows and shrinks with it.
    #[serde(default)]
    resizefs: bool,
    /// Whether a mounted file system may be unmounted to be made smaller; it is mounted again afterwards.
    #[serde(default)]
    allow_offline: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Present,
    Absent,
    Merged,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Type {
    Linear,
    Striped,
    Raid1,
    Raid5,
    Raid6,
    Raid10,
    #[serde(alias = "thin-pool")]
    ThinPool,
    Thin,
}

fn yes() -> bool {
    true
}

fn create_options(text: &str) -> Result<Vec<String>, String> {
    let words = shlex::split(text).ok_or_else(|| format!("`{text}` has an open quote"))?;
    let known = |word: &str| ["--contiguous", "--readahead"].contains(&word.split('=').next().unwrap_or(""));
    match words.iter().find(|word| word.starts_with('-') && !known(word)) {
        Some(word) if word.starts_with("--addtag") => {
            Err("`--addtag` of lvcreate is not given in `opts`: tags have an argument, `tags`".to_owned())
        }
        Some(word) => Err(format!("the option `{word}` of lvcreate is not supported yet")),
        None => Ok(words),
    }
}

impl Describe for Lvol {
    const NAME: &'static str = "lvol";
    const ALIASES: &'static [&'static str] = &["community.general.lvol"];
    const EXAMPLE: &'static str = "\
lvol:
  vg: vg_kvm
  lv: images
  size: 60%VG
";
}

impl Module for Lvol {
    fn needs(&self) -> Needs {
        let mut needs = Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts]);
        if let Some(cache) = &self.cache {
            needs = needs.and(cache.needs());
        }
        match &self.autoextend {
            Some(autoextend) => needs.content(autoextend.path()),
            None => needs,
        }
    }

    fn further(&self, machine: &Machine) -> Needs {
        let smaller = self.shrinks(machine);
        smaller.map_or_else(Needs::nothing, |(device, to)| filesystem::size::to_shrink(&device, to))
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        self.check()?;
        let Some(group) = named(machine, &self.vg)? else {
            return match self.state {
                State::Absent => Ok(Plan::empty()),
                _ => Err(Refusal::new(format!("there is no volume group {}", &*self.vg))
                    .fact(format!("the volume {} was to be in it", self.name()))
                    .help("make it first, with `lvg`")),
            };
        };
        let volume = group.logical.get(self.name());
        match (self.state, volume) {
            (State::Absent | State::Merged, None) => Ok(Plan::empty()),
            (State::Absent, Some(volume)) => {
                remove::check_dependents(group, volume)?;
                removal(machine, group, volume)
            }
            (State::Merged, Some(volume)) => self.merge(machine, group, volume),
            (State::Present, None) => self.create(machine, group),
            (State::Present, Some(volume)) => self.keep(machine, group, volume),
        }
    }
}

impl Lvol {
    /// What is spoken of: the snapshot, the volume or the pool.
    fn name(&self) -> &str {
        let name = self.snapshot.as_ref().or(self.lv.as_ref()).or(self.thinpool.as_ref());
        name.map_or("", |name| name)
    }

    fn path(&self) -> Option<String> {
        (!self.name().is_empty()).then(|| format!("/dev/{}/{}", &*self.vg, self.name()))
    }

    fn full_name(&self) -> String {
        format!("{}/{}", &*self.vg, self.name())
    }

    fn wanted(&self) -> Result<Wanted, Refusal> {
        match &self.size {
            Some(size) => Wanted::read(size).map_err(Refusal::new),
            None => Err(Refusal::new(format!(
                "the volume {} cannot be made: `size` is not given",
                self.full_name()
            ))),
        }
    }

    /// Arguments that contradict each other.
    fn check(&self) -> Result<(), Refusal> {
        let name = self.name();
        if name.is_empty() {
            return Err(Refusal::new(
                "which volume is spoken of is not given: `lv`, `snapshot` or `thinpool`",
            ));
        }
        let both = |one: &str, other: &str| {
            Err(Refusal::new(format!("`{one}` and `{other}` of {} contradict each other", self.full_name())))
        };
        if self.snapshot.is_some() {
            let origin = self
                .lv
                .as_deref()
                .ok_or_else(|| Refusal::new(format!("of what {name} is a snapshot is not given: `lv`")))?;
            if origin == name {
                return Err(Refusal::new(format!(
                    "the volume {} cannot be a snapshot of itself",
                    self.full_name()
                )));
            }
            if self.kind.is_some() {
                return both("snapshot", "type");
            }
            if self.cache.is_some() {
                return both("snapshot", "cache");
            }
        } else if self.state == State::Merged {
            return Err(Refusal::new("which snapshot is to be merged is not given: `snapshot`"));
        }
        if self.lv.is_some() && self.lv == self.thinpool {
            return Err(Refusal::new(format!("the volume {} cannot be its own pool", self.full_name())));
        }
        let kind = self.kind();
        let pool = kind == Type::ThinPool;
        if pool && self.lv.is_some() && self.thinpool.is_some() {
            return both("type: thin_pool", "thinpool");
        }
        if kind == Type::Thin && self.thinpool.is_none() && self.state == State::Present {
            return Err(Refusal::new(format!("from what pool {name} takes is not given: `thinpool`")));
        }
        if self.kind.is_some_and(|kind| !matches!(kind, Type::Thin | Type::ThinPool))
            && self.thinpool.is_some()
        {
            return both("type", "thinpool");
        }
        for (given, argument) in [
            (self.chunk_size.is_some(), "chunk_size"),
            (self.metadata_size.is_some(), "metadata_size"),
            (self.autoextend.is_some(), "autoextend"),
        ] {
            if given && !pool {
                return Err(Refusal::new(format!("`{argument}` is for a thin pool, and {name} is none")));
            }
        }
        if self.overcommit.is_some() && kind != Type::Thin {
            return Err(Refusal::new(format!("`overcommit` is for a thin volume, and {name} is none")));
        }
        Ok(())
    }

    /// What it is to be made like; of a snapshot that is not asked.
    fn kind(&self) -> Type {
        self.kind.unwrap_or(match (&self.snapshot, &self.lv, &self.thinpool) {
            (None, Some(_), Some(_)) => Type::Thin,
            (None, None, Some(_)) => Type::ThinPool,
            _ => Type::Linear,
        })
    }

    /// The devices that are named, which have to be of the group.
    fn on(&self, machine: &Machine, group: &Group) -> Result<Vec<String>, Refusal> {
        devices_of(machine, group, &self.pvs, &format!("the volume {}", self.full_name()))
    }

    /// Refuses a name that the kernel has and LVM does not.
    fn check_free(&self, machine: &Machine) -> Result<(), Refusal> {
        let Some(path) = self.path() else { return Ok(()) };
        match block(machine)?.find(&path) {
            Some(_) => Err(Refusal::new(format!("{path} is there, and LVM does not know it"))),
            None => Ok(()),
        }
    }
}

/// Refuses to take extents of a group that is not whole, or of which nobody knows yet which will be free.
fn check_whole(group: &Group) -> Result<(), Refusal> {
    if group.missing > 0 {
        return Err(Refusal::new(format!(
            "{} devices of the volume group {} are missing",
            group.missing, group.name
        ))
        .help("bring them back, or take them out with `vgreduce --removemissing`"));
    }
    if group.moving.is_empty() {
        return Ok(());
    }
    let devices: Vec<&str> = group.moving.iter().map(String::as_str).collect();
    Err(Refusal::new(format!("the volume group {} is moving what is on {}", group.name, devices.join(", ")))
        .help("`pvmove` without arguments goes on with that, `pvmove --abort` takes it back"))
}

/// Devices by any of their names; refused where one is not of the group.
fn devices_of(
    machine: &Machine,
    group: &Group,
    names: &[String],
    purpose: &str,
) -> Result<Vec<String>, Refusal> {
    let mut paths = Vec::new();
    for name in names {
        let path = &device(machine, name, purpose)?.path;
        if !group.physical.contains_key(path) {
            let devices: Vec<&str> = group.physical.keys().map(String::as_str).collect();
            return Err(Refusal::new(format!("{path} is not in the volume group {}", group.name))
                .fact(format!("its devices are {}", devices.join(", ")))
                .help("add it to the group first, with `lvg`"));
        }
        if !paths.contains(path) {
            paths.push(path.clone());
        }
    }
    Ok(paths)
}
