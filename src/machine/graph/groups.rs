//! Volume groups and their volumes.

use super::devices::device_id;
use super::{Graph, Health, Layer, Node, id};
use crate::machine::block::Block;
use crate::machine::lvm::{Group, Kind, Logical, Lvm};
use crate::units::Size;

impl Graph {
    pub(super) fn groups(&mut self, lvm: &Lvm, block: &Block) {
        for group in lvm.groups.values() {
            let mut node = Node::new(Layer::Group, "volume group", &group.name);
            node.size = Some(group.extents() * group.extent);
            node.used = Some((group.extents() - group.free()) * group.extent);
            node.facts.push(format!("{} extents", Size(group.extent)));
            if group.missing > 0 {
                node.note(Health::Critical, format!("physical volumes missing: {}", group.missing));
            }
            for device in group.physical.keys() {
                // LVM calls a device that is gone `[unknown]`.
                let gone = format!("a device of {}", group.name);
                let name = if device.starts_with('/') { device } else { &gone };
                if !block.devices.contains_key(device) {
                    self.ghost(name);
                }
                self.edge(device_id(name), node.id.clone());
            }
            for volume in group.logical.values() {
                self.volume(group, volume);
            }
            self.nodes.push(node);
        }
    }

    fn volume(&mut self, group: &Group, volume: &Logical) {
        let path = group.path_of(&volume.name);
        let own = device_id(&path);
        let below = lower_volume(volume).map(|name| device_id(&group.path_of(name)));
        self.edge(below.unwrap_or_else(|| id(Layer::Group, &group.name)), own.clone());
        if self.node(&own).is_none() {
            self.nodes.push(Node::new(Layer::Volume, "volume", &path));
        }
        let Some(node) = self.node_mut(&own) else { return };
        node.size = Some(volume.extents * group.extent);
        if volume.kind != Kind::Linear {
            node.facts.push(volume.kind.to_string());
        }
        if let Some(cache) = &volume.cache {
            node.facts.push(format!("{} {}", cache.mode.name(), cache.kind.name()));
        }
        if !volume.active {
            node.note(Health::Good, "not active");
        }
    }
}

/// The volume of the same group that a volume is made from: its pool or its origin.
fn lower_volume(volume: &Logical) -> Option<&str> {
    match &volume.kind {
        Kind::Thin { pool, .. } => Some(pool),
        Kind::Snapshot { origin } => Some(origin),
        _ => None,
    }
}
