//! `zfs`: file systems, volumes and snapshots of ZFS, with their properties.
//!
//! The pool they are in, and its first file system, belong to `zpool`.

mod keep;
mod make;
mod remove;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::checked_text;
use super::zpool::{Scalar, check_dataset, known};
use super::{Describe, Module};
use crate::machine::zfs::{Dataset, DatasetKind};
use crate::machine::{Domain, Machine, Needs};
use crate::modules::presence::State;
use crate::plan::{Plan, Refusal};
use crate::tools::zfs as tool;
use crate::units::Size;

checked_text!(
    /// The name of a dataset.
    DatasetName,
    |text| {
        // Source: zfsconcepts(7).
        let known = |letter: char| letter.is_ascii_alphanumeric() || "_-.: ".contains(letter);
        let whole = |part: &str| !part.is_empty() && part.chars().all(known) && !matches!(part, "." | "..");
        let (path, snapshot) = text.split_once('@').map_or((text, None), |(path, name)| (path, Some(name)));
        let fine = path.split('/').all(whole) && snapshot.is_none_or(whole) && text.len() <= tool::NAME;
        if fine && text.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            return Ok(());
        }
        Err(format!("`{text}` is no name of a dataset: `pool/name`, or `pool/name@snapshot`"))
    }
);

/// Makes, changes or removes a file system, a volume or a snapshot of ZFS.
///
/// A name with `@` is a snapshot; with the property `volsize` it is a volume; everything else is a file system. Folders
/// of a name that are missing are made as file systems.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ZfsDataset {
    /// The name: `tank/vm/images`, `tank/vm@today`.
    name: DatasetName,
    /// The snapshot that it is a clone of.
    origin: Option<DatasetName>,
    /// Properties: `{compression: zstd, quota: 10G}`. A value counts only if it is the dataset's own, not when it is
    /// inherited; `inherit` takes its own value away, a received one too.
    #[serde(default)]
    extra_zfs_properties: BTreeMap<String, Scalar>,
    /// Whether a volume is made without reserving its bytes in the pool.
    #[serde(default)]
    sparse: bool,
    /// What keeps a snapshot from being destroyed: exactly these tags.
    holds: Option<Vec<String>>,
    /// Whether there is such a dataset; `absent` destroys it, with all that is in it.
    #[serde(default)]
    state: State,
}

impl Describe for ZfsDataset {
    const NAME: &'static str = "zfs";
    const ALIASES: &'static [&'static str] = &["community.general.zfs"];
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] =
        &[("properties", "extra_zfs_properties")];
    const EXAMPLE: &'static str = "\
zfs:
  name: tank/vm/images
  properties: {compression: zstd, recordsize: 64K, quota: 100G}
";
}

impl Module for ZfsDataset {
    fn needs(&self) -> Needs {
        let mut needs = Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts, Domain::Zfs]);
        needs.datasets.push(self.name.to_string());
        needs.datasets.extend(self.name.rsplit_once('/').map(|(parent, _)| parent.to_owned()));
        needs
    }

    fn further(&self, machine: &Machine) -> Needs {
        let mut needs = Needs::nothing();
        // Asked for before and after it is made: what was asked for is not taken back.
        if let (Some(zfs), State::Present, DatasetKind::FileSystem) = (&machine.zfs, self.state, self.kind())
        {
            needs.mount_points.extend(self.mounts_at(zfs));
        }
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        check_dataset(&self.extra_zfs_properties)?;
        self.check()?;
        let zfs = known(machine)?;
        match (self.state, zfs.datasets.get(&*self.name)) {
            (State::Absent, None) => Ok(Plan::empty()),
            (State::Absent, Some(found)) => remove::remove(machine, zfs, found),
            (State::Present, None) => self.create(machine, zfs),
            (State::Present, Some(found)) => self.keep(machine, zfs, found),
        }
    }
}

impl ZfsDataset {
    fn kind(&self) -> DatasetKind {
        if self.name.contains('@') {
            DatasetKind::Snapshot
        } else if self.extra_zfs_properties.contains_key("volsize") {
            DatasetKind::Volume
        } else {
            DatasetKind::FileSystem
        }
    }

    /// What is wished, but for the size of a volume.
    fn wishes(&self) -> BTreeMap<String, String> {
        let all = self.extra_zfs_properties.iter().filter(|(name, _)| *name != "volsize");
        all.map(|(name, value)| (name.clone(), value.text())).collect()
    }

    /// Bytes of a volume.
    fn volsize(&self) -> Result<Option<u64>, Refusal> {
        let Some(given) = self.extra_zfs_properties.get("volsize") else { return Ok(None) };
        let size = given.text().parse::<Size>().map_err(|bad| Refusal::new(bad.to_string()))?;
        Ok(Some(size.bytes()))
    }

    fn check(&self) -> Result<(), Refusal> {
        let name = &*self.name;
        self.volsize()?;
        if self.kind() != DatasetKind::Snapshot {
            if self.holds.is_some() {
                return Err(Refusal::new(format!("`holds` is for snapshots, and {name} is none")));
            }
        } else if self.origin.is_some() {
            return Err(Refusal::new(format!("the snapshot {name} can have no `origin`")));
        } else if let Some(other) = self.extra_zfs_properties.keys().find(|name| !name.contains(':')) {
            return Err(Refusal::new(format!("the snapshot {name} can have no {other} of its own"))
                .fact("snapshots keep what their dataset has; only properties of users, as `org.example:why`, are theirs"));
        }
        if self.origin.as_ref().is_some_and(|origin| !origin.contains('@')) {
            return Err(Refusal::new(format!("`origin` of {name} is no snapshot")));
        }
        if self.origin.is_some() && self.kind() == DatasetKind::Volume {
            return Err(Refusal::new(format!(
                "the clone {name} has the size of its origin; leave `volsize` out"
            )));
        }
        if self.sparse && self.kind() != DatasetKind::Volume {
            return Err(Refusal::new(format!("`sparse` is for volumes, and {name} has no `volsize`")));
        }
        Ok(())
    }

    /// Where a file system will be mounted.
    fn mounts_at(&self, zfs: &crate::machine::zfs::Zfs) -> Option<String> {
        let of = |name: &str| self.extra_zfs_properties.get(name).map(Scalar::text);
        if matches!(of("canmount").as_deref(), Some("off" | "noauto")) {
            return None;
        }
        let own = of("mountpoint").filter(|path| path != "inherit");
        own.or_else(|| zfs.mountpoint_of(&self.name)).filter(|path| path.starts_with('/'))
    }
}

impl std::fmt::Display for DatasetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What it is and how large, in words.
fn described(dataset: &Dataset) -> String {
    format!("{} ({}, {} used)", dataset.name, dataset.kind.name(), Size(dataset.used))
}

#[cfg(test)]
mod tests;
