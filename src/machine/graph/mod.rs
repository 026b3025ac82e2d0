//! The storage of a host as a picture: what there is, what it is made of, how full and how well it is.
//!
//! Plain data, made from the [`Machine`] alone. Nothing here knows how a picture is drawn.

mod compare;
mod devices;
mod groups;
mod pools;
mod uses;

pub use compare::{Compared, Mark, Marked};

use serde::{Deserialize, Serialize};

use super::Machine;

/// Everything that stores, and what sits on what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Graph {
    /// From the disks up; those of one layer by name.
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

/// One thing that stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What it is recognised by later: its layer and its lasting name.
    pub id: String,
    pub layer: Layer,
    /// In the field's words: `disk`, `raid10`, `xfs`.
    pub what: String,
    pub name: String,
    /// What is worth knowing beside name and size, a few words each: serial, label, layout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
    /// Bytes, where it has a size of its own that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Bytes of it that are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<u64>,
    /// What somebody who looks after it should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

/// The layers of a stack, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    Disk,
    Partition,
    Array,
    /// Encrypted, multipath, loop: a device on a device.
    Device,
    Group,
    Volume,
    FileSystem,
    Mount,
    Export,
}

/// A remark, and how bad it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub health: Health,
    pub text: String,
}

/// How well something is, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    #[default]
    Good,
    Warning,
    Critical,
}

/// `to` is made of `from`, or lies on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    pub from: String,
    pub to: String,
    /// It only stands by.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spare: bool,
}

impl Layer {
    /// All of its kind, as a heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Disk => "disks",
            Self::Partition => "partitions",
            Self::Array => "arrays",
            Self::Device => "devices",
            Self::Group => "groups",
            Self::Volume => "volumes",
            Self::FileSystem => "file systems",
            Self::Mount => "mounts",
            Self::Export => "exports",
        }
    }
}

impl Node {
    fn new(layer: Layer, what: impl Into<String>, name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            id: id(layer, &name),
            layer,
            what: what.into(),
            name,
            facts: Vec::new(),
            size: None,
            used: None,
            notes: Vec::new(),
        }
    }

    fn note(&mut self, health: Health, text: impl Into<String>) {
        self.notes.push(Note { health, text: text.into() });
    }

    /// Where it comes in its layer: `vdb` before `vdaa`, `vda2` before `vda10`.
    fn turn(&self) -> impl Ord + use<> {
        let counted = matches!(self.layer, Layer::Disk | Layer::Partition | Layer::Array);
        let (folder, last) = self.name.rsplit_once('/').filter(|_| counted).unwrap_or((&self.name, ""));
        let mut runs: Vec<(usize, String)> = Vec::new();
        let mut digits = None;
        for letter in last.chars() {
            match runs.last_mut() {
                Some((length, run)) if digits == Some(letter.is_ascii_digit()) => {
                    *length += 1;
                    run.push(letter);
                }
                _ => runs.push((1, letter.to_string())),
            }
            digits = Some(letter.is_ascii_digit());
        }
        (self.layer, folder.to_owned(), runs, self.id.clone())
    }

    /// The worst of its notes.
    pub fn health(&self) -> Health {
        self.notes.iter().map(|note| note.health).max().unwrap_or_default()
    }

    /// Tenths of a percent that are used.
    pub fn permille(&self) -> Option<u64> {
        let (size, used) = (self.size.filter(|size| *size > 0)?, self.used?);
        u64::try_from(u128::from(used) * 1000 / u128::from(size)).ok().map(|part| part.min(1000))
    }
}

fn id(layer: Layer, name: &str) -> String {
    let kind = match layer {
        // Devices keep their identity when another layer is found for them.
        Layer::Disk | Layer::Partition | Layer::Array | Layer::Device | Layer::Volume => "device",
        Layer::Group => "group",
        Layer::FileSystem => "content",
        Layer::Mount => "mount",
        Layer::Export => "export",
    };
    format!("{kind}:{name}")
}

impl Graph {
    /// The picture of a machine, as far as it was looked at.
    pub fn of(machine: &Machine) -> Self {
        let mut graph = Self::default();
        if let Some(block) = &machine.block {
            graph.devices(block, machine);
        }
        if let (Some(lvm), Some(block)) = (&machine.lvm, &machine.block) {
            graph.groups(lvm, block);
        }
        if let (Some(zfs), Some(block)) = (&machine.zfs, &machine.block) {
            graph.pools(zfs, block);
        }
        if let (Some(mounts), Some(block)) = (&machine.mounts, &machine.block) {
            graph.mounts(mounts, block);
            if let Some(exports) = &machine.exports {
                graph.exports(exports, mounts);
            }
        }
        graph.nodes.sort_by_cached_key(Node::turn);
        graph.edges.sort();
        graph.edges.dedup();
        graph
    }

    pub fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    fn node_mut(&mut self, id: &str) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.id == id)
    }

    fn edge(&mut self, from: impl Into<String>, to: impl Into<String>) {
        self.edges.push(Edge { from: from.into(), to: to.into(), spare: false });
    }
}

#[cfg(test)]
pub(crate) mod tests;
