//! `zpool`: a pool of ZFS, its virtual devices and its properties.
//!
//! The datasets in it, but for the first, belong to `zfs`.

mod make;
mod members;
mod partitions;
mod schedule;
mod settings;
mod vdevs;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::checked_text;
use super::{Describe, Module};
use crate::machine::zfs::{Pool, Zfs};
use crate::machine::{Domain, Machine, Needs};
use crate::plan::{Plan, Refusal};
use crate::tools::zfs as tool;
pub(super) use make::{mounted_at, unmounted, volumes_are_free};
pub(super) use settings::{Scalar, check_dataset, dataset as dataset_properties};
use vdevs::Vdev;

checked_text!(
    /// The name of a pool.
    PoolName,
    |text| {
        // Source: zpoolconcepts(7) and zpool-create(8).
        let known = |letter: char| letter.is_ascii_alphanumeric() || "_-.:".contains(letter);
        let reserved = ["mirror", "raidz", "draid", "spare"].iter().any(|word| text.starts_with(word));
        if !text.starts_with(|letter: char| letter.is_ascii_alphabetic())
            || !text.chars().all(known)
            || text.len() > tool::NAME
        {
            return Err(format!("`{text}` is no name of a pool: letters, digits and `_-.:`, a letter first"));
        }
        if reserved || text == "log" {
            return Err(format!("`{text}` is no name of a pool: ZFS keeps such names for itself"));
        }
        Ok(())
    }
);
checked_text!(
    /// Where a file system is mounted.
    Mountpoint,
    |text| {
        if matches!(text, "none" | "legacy") || text.starts_with('/') {
            return Ok(());
        }
        Err(format!("`{text}` is no mount point: a path, `none` or `legacy`"))
    }
);

/// Makes, changes or removes a pool of ZFS.
///
/// It is found by its name. One that was exported in order is imported, never made anew.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Zpool {
    /// The name.
    name: PoolName,
    /// Its virtual devices. Needed to make it.
    #[serde(default)]
    vdevs: Vec<Vdev>,
    /// The binary logarithm of the least that is read and written at once, 9 to 16: 12 is 4 KiB, and taken when nothing
    /// is said. It cannot be changed later.
    ashift: Option<u8>,
    /// Properties of the pool, such as `autotrim: true`.
    #[serde(default)]
    pool_properties: BTreeMap<String, Scalar>,
    /// Properties of its first file system, which all others inherit from, such as `compression: zstd`. `inherit` takes
    /// a value away.
    #[serde(default)]
    filesystem_properties: BTreeMap<String, Scalar>,
    /// Where its first file system is mounted: a path, `none` or `legacy`. Below the root when nothing is said.
    mountpoint: Option<Mountpoint>,
    /// Whether it is made without features that other systems may not know.
    #[serde(default)]
    disable_new_features: bool,
    /// Whether devices that `vdevs` does not name are taken out. Where one of the same virtual device is new, it takes
    /// such a device's place; a device that cannot be read any more is replaced without this.
    #[serde(default)]
    remove_extra_devices: bool,
    /// Whether what disks have got since is used.
    #[serde(default)]
    expand: bool,
    /// Whether a checkpoint is taken before virtual devices are added that could not be taken out again:
    /// `zpool import --rewind-to-checkpoint` goes back to it. While there is one, no device can leave the pool.
    #[serde(default = "yes")]
    checkpoint: bool,
    /// Whether a checkpoint that is there is given up, and none is taken.
    #[serde(default)]
    discard_checkpoint: bool,
    /// How often everything in it is read and checked. Debian does it once a month where nothing is said.
    scrub: Option<schedule::Scrub>,
    /// Whether its devices are told once a month which blocks are free. Debian does so where nothing is said and all of
    /// them are `NVMe` disks. `pool_properties: {autotrim: true}` tells them all the time.
    trim: Option<schedule::Trim>,
    /// Asks to make it on devices that hold something else. It does not consent: the refusal names the token that does.
    #[serde(default)]
    force: bool,
    /// Whether there is such a pool.
    #[serde(default)]
    state: State,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It is there and imported.
    #[default]
    Present,
    /// It is destroyed, and its devices are blank.
    Absent,
    /// It is not imported; its devices keep it.
    Exported,
}

impl Describe for Zpool {
    const NAME: &'static str = "zpool";
    const ALIASES: &'static [&'static str] = &["community.general.zpool"];
    const EXAMPLE: &'static str = "\
zpool:
  name: tank
  ashift: 12
  vdevs:
    - type: mirror
      disks:
        - /dev/disk/by-id/virtio-HF-DISK-1
        - /dev/disk/by-id/virtio-HF-DISK-2
    - role: log
      disks:
        - /dev/disk/by-id/virtio-HF-DISK-3
  pool_properties: {autotrim: true}
  filesystem_properties: {compression: zstd, atime: false}
";
}

impl Module for Zpool {
    fn needs(&self) -> Needs {
        let mut needs = Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts, Domain::Zfs]);
        needs.datasets.push(self.name.to_string());
        if self.scrub.is_some() || self.state == State::Absent {
            needs.services.extend(self.timers());
        }
        if self.state == State::Present {
            needs.mount_points.extend(self.mounts_at());
        }
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        self.check()?;
        let zfs = known(machine)?;
        match (self.state, zfs.pools.get(&*self.name)) {
            (State::Absent, None) => self.nothing_left(zfs),
            (State::Absent, Some(pool)) => {
                let mut plan = self.unscheduled(machine)?;
                plan.then(Self::remove(machine, zfs, pool)?);
                Ok(plan)
            }
            (State::Exported, None) => Ok(Plan::empty()),
            (State::Exported, Some(pool)) => Self::export(machine, zfs, pool),
            (State::Present, None) => match self.exported(zfs)? {
                Some(other) => self.import(machine, other),
                None => {
                    let mut plan = self.create(machine)?;
                    plan.then(self.scheduled(machine)?);
                    Ok(plan)
                }
            },
            (State::Present, Some(pool)) => self.keep(machine, zfs, pool),
        }
    }
}

impl Zpool {
    fn ashift(&self) -> Result<u64, Refusal> {
        let given = match self.pool_properties.get("ashift") {
            Some(given) => Some(
                given
                    .text()
                    .parse::<u64>()
                    .map_err(|_| Refusal::new(format!("`ashift: {}` is no number", given.text())))?,
            ),
            None => None,
        };
        match (self.ashift.map(u64::from), given) {
            (Some(one), Some(other)) if one != other => {
                Err(Refusal::new(format!("`ashift` is given twice, as {one} and as {other}")))
            }
            (one, other) => Ok(one.or(other).unwrap_or(12)),
        }
    }

    /// Whether somebody said what it shall be.
    fn ashift_is_given(&self) -> bool {
        self.ashift.is_some() || self.pool_properties.contains_key("ashift")
    }

    /// What is wrong with what was asked for, whatever is on the host.
    fn check(&self) -> Result<(), Refusal> {
        let ashift = self.ashift()?;
        if !(9..=16).contains(&ashift) {
            return Err(Refusal::new(format!(
                "`ashift: {ashift}` is none: 9 (512 bytes) to 16 (64 KiB) are"
            )));
        }
        settings::check_pool(&self.pool_properties)?;
        check_dataset(&self.filesystem_properties)?;
        if self.mountpoint.is_some() && self.filesystem_properties.contains_key("mountpoint") {
            return Err(Refusal::new("`mountpoint` is given twice, also in `filesystem_properties`"));
        }
        self.vdevs.iter().try_for_each(Vdev::check)
    }

    /// Where the first file system will be mounted when the pool is made.
    fn mounts_at(&self) -> Option<String> {
        let of = |name: &str| self.filesystem_properties.get(name).map(Scalar::text);
        if matches!(of("canmount").as_deref(), Some("off" | "noauto")) {
            return None;
        }
        let mountpoint = self.mountpoint.as_ref().map(ToString::to_string).or(of("mountpoint"));
        Some(mountpoint.unwrap_or_else(|| format!("/{}", &*self.name))).filter(|path| path.starts_with('/'))
    }

    fn keep(&self, machine: &Machine, zfs: &Zfs, pool: &Pool) -> Result<Plan, Refusal> {
        let mut plan = Plan::empty();
        self.same_ashift(pool)?;
        plan.then(self.topology(machine, pool)?);
        plan.then(settings::pool(pool, &self.pool_properties)?);
        plan.then(settings::dataset(zfs, &self.name, &self.root_wishes())?);
        plan.then(self.scheduled(machine)?);
        Ok(plan)
    }

    /// What is wished of the first file system.
    fn root_wishes(&self) -> BTreeMap<String, String> {
        let mut wishes: BTreeMap<String, String> =
            self.filesystem_properties.iter().map(|(name, value)| (name.clone(), value.text())).collect();
        if let Some(mountpoint) = &self.mountpoint {
            wishes.insert("mountpoint".to_owned(), mountpoint.to_string());
        }
        wishes.extend(self.periodic());
        wishes
    }
}

impl std::fmt::Display for Mountpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for PoolName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The pools of a machine that was asked for them.
pub(super) fn known(machine: &Machine) -> Result<&Zfs, Refusal> {
    machine.zfs.as_ref().ok_or_else(|| Refusal::new("the pools of this host are not known"))
}

#[cfg(test)]
mod tests;
