//! `btrfs_subvolume`: subvolumes and snapshots of a btrfs.

mod make;
mod remove;
mod settings;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::btrfs::reach;
use super::devices::{block, checked_text};
use super::{Describe, Done, Module};
use crate::machine::btrfs::{Inside, Look, Pool, PoolName};
use crate::machine::{Domain, Machine, Needs};
use crate::modules::presence::State;
use crate::plan::{Failure, Plan, Refusal};
use crate::units::Size;
use crate::value::{Map, Value};

checked_text!(
    /// A path from the top level of the file system.
    SubvolumePath,
    |text| {
        let bad = text.split('/').any(|part| matches!(part, "." | "..") || part.len() > 255);
        if text.is_empty() || bad || text.chars().any(char::is_control) || text.starts_with('-') {
            return Err(format!("`{text}` is no path of a subvolume: from the top level, without `..`"));
        }
        Ok(())
    }
);
checked_text!(
    /// Bytes, or `none`.
    Limit,
    |text| limit(text).map(drop)
);
checked_text!(
    /// An algorithm, and a level where it has some.
    Compression,
    |text| {
        let (name, level) = text.split_once(':').map_or((text, None), |(name, level)| (name, Some(level)));
        let most = match name {
            "zstd" => 15,
            "zlib" => 9,
            "lzo" | "none" => 0,
            _ => return Err(format!("`{text}` is no compression: `zstd`, `zlib`, `lzo`, `none`, `zstd:5`")),
        };
        match level.map(str::parse::<u8>) {
            None => Ok(()),
            Some(Ok(level)) if (1..=most).contains(&level) => Ok(()),
            Some(_) => Err(format!("`{text}`: {name} has levels up to {most}")),
        }
    }
);

fn limit(text: &str) -> Result<Option<u64>, String> {
    if text == "none" {
        return Ok(None);
    }
    match text.parse::<Size>() {
        Ok(Size(0)) => Err("a limit of 0 bytes lets nobody write; write `none` for no limit".to_owned()),
        Ok(Size(bytes)) => Ok(Some(bytes)),
        Err(error) => Err(error.to_string()),
    }
}

/// Makes, snapshots, limits or removes a subvolume of a btrfs.
///
/// The top level is mounted for each change, seen by nobody else, and gone after it, however it ends. A file system
/// that is mounted nowhere is looked into read-only, without replaying its log: that writes nothing.
///
/// Removing takes consent to exactly that subvolume; one that is mounted is never removed (the kernel would do it).
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BtrfsSubvolume {
    /// Its path from the top level of the file system: `/@home`. `/` is the top level itself.
    name: SubvolumePath,
    /// The file system, by label. With none of these three it is the only btrfs of the host.
    filesystem_label: Option<String>,
    /// The file system, by UUID.
    filesystem_uuid: Option<String>,
    /// The file system, by any of its devices.
    filesystem_device: Option<String>,
    /// Whether it may be changed while it is mounted nowhere.
    #[serde(default)]
    automount: bool,
    /// Whether the folders above it that are missing become subvolumes too; and whether those below go with it.
    #[serde(default)]
    recursive: bool,
    /// Whether it is what is mounted when no subvolume is asked for. `false` leaves that alone.
    #[serde(default)]
    default: bool,
    /// The subvolume it is a snapshot of.
    snapshot_source: Option<SubvolumePath>,
    /// What to do when there is a subvolume already: `skip` leaves it, `clobber` replaces it every time (with consent),
    /// `error` refuses.
    #[serde(default)]
    snapshot_conflict: Conflict,
    /// Whether it is read-only. Left out, it stays as it is.
    readonly: Option<bool>,
    /// The most bytes it may refer to, or `none`. Needs `quota: true` of `btrfs`.
    limit: Option<Limit>,
    /// The most bytes it may hold alone, or `none`.
    limit_exclusive: Option<Limit>,
    /// What new files are compressed with: `zstd`, `zlib`, `lzo`, `none`; `zstd:5` with a level.
    compression: Option<Compression>,
    /// Whether new files are written in place, without checksums: for disk images. What is there stays as it is.
    nodatacow: Option<bool>,
    /// Whether there is such a subvolume.
    #[serde(default)]
    state: State,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Conflict {
    #[default]
    Skip,
    Clobber,
    Error,
}

impl Describe for BtrfsSubvolume {
    const NAME: &'static str = "btrfs_subvolume";
    const ALIASES: &'static [&'static str] = &["community.general.btrfs_subvolume"];
    const EXAMPLE: &'static str = "\
btrfs_subvolume:
  filesystem_label: pool
  name: /@images
  nodatacow: true
  automount: true
";
}

/// A path as `btrfs subvolume list` has it.
fn plain(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

/// The folders above a path, the outermost first.
fn above(path: &str) -> Vec<String> {
    path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect()
}

impl Module for BtrfsSubvolume {
    fn needs(&self) -> Needs {
        let mut needs = Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts, Domain::Btrfs]);
        let path = self.path();
        let mut paths = above(&path);
        paths.push(path);
        paths.extend(self.source());
        needs.btrfs.push(Look { pool: self.pool_name(), paths });
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        if self.nodatacow == Some(true) && self.compression.as_ref().is_some_and(|word| &**word != "none") {
            return Err(Refusal::new(
                "what is written in place cannot be compressed: `nodatacow` and `compression`",
            ));
        }
        let pool = self.pool(machine)?;
        let inside = reach::inside(pool)?;
        let plan = match self.state {
            State::Present => self.complete(machine, pool, inside)?,
            State::Absent => self.remove(machine, pool, inside)?,
        };
        if !plan.is_empty() && !self.automount && reach::live(machine, pool).next().is_none() {
            return Err(Refusal::new(format!("the btrfs {} is not mounted", pool.name()))
                .fact(reach::described(pool))
                .help("mount it first, or say `automount: true`: it is mounted for the change, and seen by nobody else"));
        }
        Ok(plan)
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        let mut result = Map::new();
        let pool = self.pool(done.after).ok();
        let found = pool.and_then(|pool| pool.inside.as_ref()?.subvolumes.get(&self.path()));
        result.insert("target_subvolume_id".to_owned(), found.and_then(|found| found.id).into());
        Ok(result)
    }

    fn repeats(&self) -> bool {
        self.snapshot_source.is_some() && self.snapshot_conflict != Conflict::Skip
    }
}

impl BtrfsSubvolume {
    fn path(&self) -> String {
        plain(&self.name)
    }

    fn source(&self) -> Option<String> {
        self.snapshot_source.as_ref().map(|source| plain(source))
    }

    fn pool_name(&self) -> PoolName {
        match (&self.filesystem_uuid, &self.filesystem_label, &self.filesystem_device) {
            (Some(uuid), _, _) => PoolName::Uuid(uuid.clone()),
            (None, Some(label), _) => PoolName::Label(label.clone()),
            (None, None, Some(device)) => PoolName::Device(device.clone()),
            (None, None, None) => PoolName::Only,
        }
    }

    fn pool<'a>(&self, machine: &'a Machine) -> Result<&'a Pool, Refusal> {
        let known = reach::known(machine)?;
        let names = [
            self.filesystem_uuid.clone().map(PoolName::Uuid),
            self.filesystem_label.clone().map(PoolName::Label),
            self.filesystem_device.clone().map(PoolName::Device),
        ];
        let mut found: Vec<&Pool> = known.pools.iter().collect();
        for name in names.into_iter().flatten() {
            let named: Vec<&Pool> = known.named(&name, block(machine)?).collect();
            found.retain(|pool| named.iter().any(|other| std::ptr::eq(*pool, *other)));
        }
        match found.as_slice() {
            [one] => Ok(one),
            [] => Err(reach::list(
                Refusal::new(format!("there is no btrfs for the subvolume {}", &*self.name)),
                known,
            )
            .help("make it first, with `btrfs`, or name another by label, UUID or device")),
            several => Err(reach::list(
                Refusal::new(format!("{} btrfs file systems go by that name", several.len())),
                known,
            )
            .help("say which one with `filesystem_uuid`")),
        }
    }
}

/// How a subvolume is spoken of.
fn named(pool: &Pool, path: &str) -> String {
    format!("{}:/{path}", pool.name())
}

/// The device by which predictions find the file system.
fn lead(pool: &Pool) -> String {
    pool.paths().into_iter().min().unwrap_or_default()
}

/// What is seen at a path, as far as somebody looked.
fn seen<'a>(inside: &'a Inside, path: &str) -> Option<&'a crate::exec::Seen> {
    inside.seen.get(path).and_then(Option::as_ref)
}

#[cfg(test)]
mod tests;
