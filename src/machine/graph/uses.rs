//! What storage is used for: mounts, and what is offered to others.

use super::{Graph, Health, Layer, Node, id};
use crate::machine::block::{Block, Content, Device};
use crate::machine::exports::Exports;
use crate::machine::fstab::FstabEntry;
use crate::machine::mounts::{Live, Mounts};

impl Graph {
    /// Only what is mounted from storage: not what the kernel shows of itself, not memory.
    pub(super) fn mounts(&mut self, mounts: &Mounts, block: &Block) {
        for live in &mounts.live {
            // A later mount at the same place hides this one.
            let seen = mounts.at(&live.target) == Some(live);
            if !seen || self.node(&id(Layer::Mount, &live.target)).is_some() {
                continue;
            }
            let Some(from) = self.source(live, block) else { continue };
            let node = mounted(live, mounts);
            self.edge(from, node.id.clone());
            self.nodes.push(node);
        }
        for entry in &mounts.fstab {
            self.unmounted(entry, mounts, block);
        }
    }

    /// What a mount shows, where it is storage.
    fn source(&mut self, live: &Live, block: &Block) -> Option<String> {
        let content = id(Layer::FileSystem, &live.source);
        if block.devices.contains_key(&live.source) {
            return Some(self.content_of(&live.source).unwrap_or_else(|| {
                // Nothing says what is on the device but that it is mounted.
                self.nodes.push(Node::new(Layer::FileSystem, &live.fstype, &live.source));
                self.edge(id(Layer::Disk, &live.source), content.clone());
                content
            }));
        }
        let elsewhere = ["nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.glusterfs", "zfs", "9p"];
        if !elsewhere.contains(&live.fstype.as_str()) {
            return None;
        }
        if self.node(&content).is_none() {
            self.nodes.push(Node::new(Layer::FileSystem, &live.fstype, &live.source));
            let pool = live.source.split('/').next().filter(|_| live.fstype == "zfs");
            let member = |device: &&Device| {
                matches!(&device.content,
                Content::Other { kind, label, .. } if kind == "zfs_member" && label.as_deref() == pool)
            };
            let below = pool.and_then(|_| block.devices.values().find(member));
            if let Some(below) = below.and_then(|device| self.content_of(&device.path)) {
                self.edge(below, content.clone());
            }
        }
        Some(content)
    }

    /// What fstab promises and is not there.
    fn unmounted(&mut self, entry: &FstabEntry, mounts: &Mounts, block: &Block) {
        let is_path = entry.path.starts_with('/');
        let options = || entry.options.split(',');
        let waits = options().any(|option| matches!(option, "noauto" | "x-systemd.automount"));
        if !is_path || waits || mounts.at(&entry.path).is_some() {
            return;
        }
        let mut node = Node::new(Layer::Mount, "mount", &entry.path);
        match entry.device(block) {
            Some(device) => {
                let content = id(Layer::FileSystem, &device.path);
                let from =
                    if self.node(&content).is_some() { content } else { id(Layer::Disk, &device.path) };
                self.edge(from, node.id.clone());
                node.note(Health::Warning, "in fstab, but not mounted");
            }
            None if is_device(&entry.spec) => {
                // With `nofail` the host starts all the same.
                let bad =
                    if options().any(|one| one == "nofail") { Health::Warning } else { Health::Critical };
                node.note(bad, format!("in fstab, but there is no {}", entry.spec));
            }
            None if entry.fstype == "tmpfs" || entry.fstype == "proc" => return,
            None => {
                node.facts.push(entry.spec.clone());
                node.note(Health::Warning, "in fstab, but not mounted");
            }
        }
        self.nodes.push(node);
    }

    pub(super) fn exports(&mut self, exports: &Exports, mounts: &Mounts) {
        for (path, clients) in &exports.live {
            let mut node = Node::new(Layer::Export, "NFS export", path);
            node.facts.extend(clients.iter().map(|(client, options)| {
                let word = |option: &'static str| options.contains(option).then_some(option);
                let telling = ["rw", "ro", "no_root_squash"].into_iter().filter_map(word);
                let telling: Vec<&str> = telling.collect();
                format!("{client} {}", telling.join(",")).trim_end().to_owned()
            }));
            let around = mounts.around(path).map(|live| id(Layer::Mount, &live.target));
            if let Some(mount) = around.filter(|mount| self.node(mount).is_some()) {
                self.edge(mount, node.id.clone());
            }
            self.nodes.push(node);
        }
    }
}

fn is_device(spec: &str) -> bool {
    let (by, _) = spec.split_once('=').unwrap_or((spec, ""));
    spec.starts_with("/dev/") || matches!(by, "UUID" | "LABEL" | "PARTUUID" | "PARTLABEL")
}

fn mounted(live: &Live, mounts: &Mounts) -> Node {
    let mut node = Node::new(Layer::Mount, "mount", &live.target);
    if live.root != "/" {
        node.facts.push(format!("of {}", live.root));
    }
    let entry = mounts.fstab.iter().find(|entry| entry.path == live.target);
    if live.options.iter().any(|option| option == "ro") {
        match entry {
            Some(entry) if !entry.options.split(',').any(|option| option == "ro") => {
                node.note(Health::Critical, "read-only, and fstab does not say so");
            }
            _ => node.note(Health::Good, "read-only"),
        }
    }
    if entry.is_none() {
        node.note(Health::Good, "not in fstab");
    }
    node
}
