//! What actions do to btrfs file systems.

use serde::{Deserialize, Serialize};

use super::{Btrfs, GroupKind, Inside, Pool, Subvolume};
use crate::exec::{Kind, Seen};
use crate::units::MIB;

/// What an action does to a btrfs. It is found by any of the devices it lies on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BtrfsEffect {
    /// The file system on the devices `before` is this from now on. What is inside stays where `pool` does not say.
    Put {
        before: Vec<String>,
        pool: Box<Pool>,
    },
    Gone {
        devices: Vec<String>,
    },
    /// There is a subvolume like this, and this is seen of it.
    Subvolume {
        device: String,
        subvolume: Box<Subvolume>,
        seen: Option<Seen>,
    },
    SubvolumeGone {
        device: String,
        path: String,
    },
    /// What is mounted when no subvolume is asked for.
    Default {
        device: String,
        path: String,
    },
}

impl BtrfsEffect {
    pub fn apply(&self, part: &mut Btrfs) {
        let inside = |part: &mut Btrfs, device: &str, change: &dyn Fn(&mut Inside)| {
            let pool = part.pools.iter_mut().find(|pool| pool.has(device));
            pool.and_then(|pool| pool.inside.as_mut()).into_iter().for_each(change);
        };
        match self {
            Self::Put { before, pool } => {
                let is = |old: &Pool| {
                    before.iter().any(|path| old.has(path)) || pool.paths().iter().any(|path| old.has(path))
                };
                let old = part.pools.iter().find(|old| is(old)).cloned();
                part.pools.retain(|old| !is(old));
                let mut new = (**pool).clone();
                if let (Some(new), Some(old)) = (&mut new.inside, old.and_then(|old| old.inside)) {
                    new.subvolumes = old.subvolumes;
                    new.default = old.default;
                    new.seen = old.seen;
                }
                part.pools.push(new);
            }
            Self::Gone { devices } => {
                part.pools.retain(|pool| !devices.iter().any(|path| pool.has(path)));
            }
            Self::Subvolume { device, subvolume, seen } => inside(part, device, &|inside| {
                inside.subvolumes.insert(subvolume.path.clone(), (**subvolume).clone());
                if seen.is_some() {
                    inside.seen.insert(subvolume.path.clone(), seen.clone());
                }
            }),
            Self::SubvolumeGone { device, path } => inside(part, device, &|inside| {
                inside.subvolumes.remove(path);
                inside.seen.insert(path.clone(), None);
            }),
            Self::Default { device, path } => {
                inside(part, device, &|inside| inside.default.clone_from(path));
            }
        }
    }

    pub fn holds(&self, part: &Btrfs) -> Result<(), String> {
        let inside = |device: &str| {
            let found = part.on(device).and_then(|pool| pool.inside.as_ref());
            found.ok_or_else(|| format!("the btrfs on {device} could not be looked into again"))
        };
        match self {
            Self::Put { pool, .. } => holds_pool(pool, part),
            Self::Gone { devices } => match devices.iter().find(|path| part.on(path).is_some()) {
                Some(path) => Err(format!("{path} still holds a btrfs")),
                None => Ok(()),
            },
            Self::Subvolume { device, subvolume: want, seen } => {
                let inside = inside(device)?;
                let path = &want.path;
                let found =
                    inside.subvolumes.get(path).ok_or_else(|| format!("there is no subvolume {path}"))?;
                if found.read_only != want.read_only {
                    let not = if found.read_only { "" } else { "not " };
                    return Err(format!("the subvolume {path} is {not}read-only"));
                }
                if (found.limit, found.limit_exclusive) != (want.limit, want.limit_exclusive) {
                    return Err(format!(
                        "the subvolume {path} is limited to {:?} and {:?} bytes, not to {:?} and {:?}",
                        found.limit, found.limit_exclusive, want.limit, want.limit_exclusive
                    ));
                }
                let (Some(want), Some(found)) = (seen, inside.seen.get(path).and_then(Option::as_ref)) else {
                    return Ok(());
                };
                // What nobody asked for may come from the folder it was made in.
                let compressed = want.compression.is_none() || want.compression == found.compression;
                if compressed && (found.nodatacow || !want.nodatacow) {
                    return Ok(());
                }
                Err(format!(
                    "the subvolume {path} has compression {:?} and nodatacow {}, not {:?} and {}",
                    found.compression, found.nodatacow, want.compression, want.nodatacow
                ))
            }
            Self::SubvolumeGone { device, path } => match inside(device)?.subvolumes.contains_key(path) {
                true => Err(format!("the subvolume {path} is still there")),
                false => Ok(()),
            },
            Self::Default { device, path } => match &inside(device)?.default {
                found if found == path => Ok(()),
                found => Err(format!("the default subvolume is `{found}`, not `{path}`")),
            },
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Put { before, .. } | Self::Gone { devices: before }, Self::Put { pool, .. }) => {
                before.iter().any(|path| pool.has(path))
            }
            (Self::Put { pool, .. }, Self::Gone { devices }) => devices.iter().any(|path| pool.has(path)),
            (Self::Subvolume { subvolume: later, .. }, Self::Subvolume { subvolume: earlier, .. }) => {
                later.path == earlier.path
            }
            (Self::Subvolume { subvolume, .. }, Self::SubvolumeGone { path, .. })
            | (Self::SubvolumeGone { path, .. }, Self::Subvolume { subvolume, .. }) => {
                subvolume.path == *path
            }
            (Self::Default { .. }, Self::Default { .. }) => true,
            _ => false,
        }
    }
}

fn holds_pool(want: &Pool, part: &Btrfs) -> Result<(), String> {
    let name = want.name();
    let found = want.devices.iter().find_map(|device| part.on(&device.path));
    let found = found.ok_or_else(|| format!("there is no btrfs {name}"))?;
    let sorted = |pool: &Pool| {
        let mut paths = pool.paths();
        paths.sort();
        paths
    };
    if sorted(found) != sorted(want) {
        return Err(format!(
            "the btrfs {name} lies on {}, not on {}",
            sorted(found).join(", "),
            sorted(want).join(", ")
        ));
    }
    if found.label != want.label {
        return Err(format!("the btrfs {name} has the label {:?}, not {:?}", found.label, want.label));
    }
    for device in &want.devices {
        let size = found.devices.iter().find(|other| other.path == device.path).map_or(0, |other| other.size);
        // Sizes are counted in sectors, and mkfs may leave the last of them out.
        if size.abs_diff(device.size) > MIB {
            return Err(format!(
                "the btrfs {name} uses {size} bytes of {}, not {}",
                device.path, device.size
            ));
        }
    }
    let (Some(want), Some(found)) = (&want.inside, &found.inside) else { return Ok(()) };
    for kind in [GroupKind::Data, GroupKind::Metadata, GroupKind::System] {
        let (want, found) = (want.profiles(kind), found.profiles(kind));
        // An empty file system may have no block groups for data.
        if want != found && !found.is_empty() {
            return Err(format!("the btrfs {name} has {kind:?} as {found:?}, not as {want:?}"));
        }
    }
    if want.quota != found.quota {
        return Err(format!(
            "the btrfs {name} {} its subvolumes",
            if found.quota { "counts" } else { "does not count" }
        ));
    }
    Ok(())
}

impl Seen {
    /// A folder that is about to be made.
    pub fn new_subvolume() -> Self {
        // 256 is the number of the root folder of every subvolume.
        Self { kind: Kind::Directory, inode: 256, nodatacow: false, compression: None }
    }
}
