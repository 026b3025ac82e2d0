//! What an action does to block devices, and whether it did.

use serde::{Deserialize, Serialize};

use super::{Block, Content, Device, Registered};
use crate::machine::span::Span;

/// What an action does to block devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockEffect {
    /// The device is there, like this. What is on it is said separately.
    Put(Box<Device>),
    Content {
        path: String,
        content: Content,
    },
    Gone {
        path: String,
    },
    /// A device that is there gets the name that lasts; it keeps what is on it and above it.
    Renamed {
        from: String,
        to: String,
    },
    /// udev makes a link to the device.
    Named {
        name: String,
        path: String,
    },
    Registered(Registered),
    Unregistered {
        path: String,
    },
    /// A ZFS pool has the device from now on, or none has.
    Pooled {
        path: String,
        pool: Option<String>,
    },
    /// A file system that lay on the devices `before` lies on these from now on, or nowhere.
    Span {
        before: Vec<String>,
        span: Option<Span>,
    },
}

impl BlockEffect {
    pub fn apply(&self, block: &mut Block) {
        match self {
            Self::Put(device) => {
                let content = block.devices.get(&device.path).map(|old| old.content.clone());
                let mut device = (**device).clone();
                if let Some(content) = content {
                    device.content = content;
                }
                let members = device.array.iter().flat_map(|array| &array.members);
                members.for_each(|member| drop(block.parts.remove(&member.device)));
                block.devices.insert(device.path.clone(), device);
            }
            Self::Content { path, content } => {
                if let Some(device) = block.devices.get_mut(path) {
                    device.content = content.clone();
                }
                if !matches!(content, Content::Member { .. }) {
                    block.parts.remove(path);
                }
            }
            Self::Gone { path } => {
                block.devices.remove(path);
                block.names.retain(|_, to| to != path);
            }
            Self::Renamed { from, to } => block.rename(from, to),
            Self::Named { name, path } => {
                block.names.insert(name.clone(), path.clone());
            }
            Self::Registered(line) => {
                block.registered.retain(|old| old.path != line.path);
                block.registered.push(line.clone());
            }
            Self::Unregistered { path } => block.registered.retain(|old| old.path != *path),
            Self::Pooled { path, pool } => match pool {
                Some(pool) => drop(block.pooled.insert(path.clone(), pool.clone())),
                None => drop(block.pooled.remove(path)),
            },
            Self::Span { before, span } => block.put_span(before, span.as_ref()),
        }
    }

    pub fn holds(&self, block: &Block) -> Result<(), String> {
        match self {
            Self::Put(want) => {
                let found =
                    block.devices.get(&want.path).ok_or_else(|| format!("{} is not there", want.path))?;
                if found.size != want.size {
                    return Err(format!("{} has {} bytes, not {}", want.path, found.size, want.size));
                }
                match (&want.array, &found.array) {
                    (Some(wanted), Some(array)) => wanted.agrees(&want.path, array),
                    (Some(_), None) => Err(format!("{} is no array", want.path)),
                    (None, _) => Ok(()),
                }
            }
            Self::Content { path, content } => {
                let found = block.devices.get(path).ok_or_else(|| format!("{path} is not there"))?;
                if content.agrees(&found.content) {
                    return Ok(());
                }
                Err(format!("{path} holds {}, not {}", found.content.describe(), content.describe()))
            }
            Self::Gone { path } if block.devices.contains_key(path) => Err(format!("{path} is still there")),
            Self::Renamed { from, to } => {
                let there = block.devices.get(to).and_then(|device| device.array.as_ref());
                let stays = block.devices.contains_key(from);
                if there.is_some() && !stays { Ok(()) } else { Err(format!("{from} has no name {to}")) }
            }
            Self::Named { name, path } if block.names.get(name) != Some(path) => {
                Err(format!("{name} does not lead to {path}"))
            }
            Self::Registered(line) => {
                let known = block.devices.get(&line.path).and_then(|device| device.array.as_ref());
                let known =
                    known.map(|array| &array.uuid).or(Some(&line.uuid).filter(|uuid| uuid.known().is_some()));
                let there = block.registered.iter().any(|found| {
                    found.path == line.path && known.is_some_and(|uuid| uuid.agrees(&found.uuid))
                });
                if there { Ok(()) } else { Err(format!("mdadm.conf does not name {}", line.path)) }
            }
            Self::Unregistered { path } if block.registered.iter().any(|found| found.path == *path) => {
                Err(format!("mdadm.conf still names {path}"))
            }
            Self::Pooled { path, pool } if block.pooled.get(path) != pool.as_ref() => {
                Err(format!("{path} belongs to the pool {:?}, not to {pool:?}", block.pooled.get(path)))
            }
            Self::Span { before, span } => block.holds_span(before, span.as_ref()),
            Self::Gone { .. } | Self::Named { .. } | Self::Pooled { .. } | Self::Unregistered { .. } => {
                Ok(())
            }
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::Gone { path }, Self::Put(device)) => *path == device.path,
            (Self::Put(later), Self::Put(earlier)) => later.path == earlier.path,
            (Self::Put(later), Self::Gone { path }) => later.path == *path,
            (Self::Gone { path } | Self::Renamed { from: path, .. }, Self::Renamed { to, .. }) => path == to,
            (Self::Renamed { from, .. }, Self::Put(device)) => device.path == *from,
            (Self::Renamed { from, .. }, Self::Content { path, .. }) => path == from,
            (Self::Gone { path }, Self::Named { path: other, .. })
            | (Self::Pooled { path, .. }, Self::Pooled { path: other, .. }) => path == other,
            (Self::Named { name, .. }, Self::Named { name: other, .. }) => name == other,
            (Self::Gone { path } | Self::Content { path, .. }, Self::Content { path: other, .. }) => {
                path == other
            }
            (Self::Registered(line), Self::Unregistered { path })
            | (Self::Unregistered { path }, Self::Registered(line)) => *path == line.path,
            (Self::Registered(later), Self::Registered(earlier)) => later.path == earlier.path,
            (Self::Span { before, .. }, Self::Span { span: Some(earlier), .. }) => {
                earlier.devices.iter().any(|device| before.contains(device))
            }
            _ => false,
        }
    }
}
