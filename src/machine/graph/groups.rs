//! Volume groups and their volumes.

use super::devices::device_id;
use super::{Graph, Health, Layer, Node, id};
use crate::machine::block::{Block, Device};
use crate::machine::lvm::{Group, Logical, Lvm};
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
                self.volume(group, volume, block);
            }
            self.nodes.push(node);
        }
    }

    fn volume(&mut self, group: &Group, volume: &Logical, block: &Block) {
        let path = format!("/dev/{}/{}", group.name, volume.name);
        let own = device_id(&path);
        let below = block.devices.get(&path).and_then(|device| lower_volume(device, group, block));
        self.edge(below.map_or_else(|| id(Layer::Group, &group.name), |path| device_id(&path)), own.clone());
        if self.node(&own).is_none() {
            self.nodes.push(Node::new(Layer::Volume, "volume", &path));
        }
        let Some(node) = self.node_mut(&own) else { return };
        node.size = Some(volume.extents * group.extent);
        if volume.layout != "linear" {
            node.facts.push(volume.layout.clone());
        }
        if !volume.active {
            node.note(Health::Good, "not active");
        }
    }
}

/// The volume of the same group that a volume is made from: its pool or its origin.
fn lower_volume(device: &Device, group: &Group, block: &Block) -> Option<String> {
    device.sits_on.iter().find_map(|path| {
        let name = path.strip_prefix("/dev/")?.strip_prefix(&group.name)?.strip_prefix('/')?;
        let visible = |name: &str| group.logical.contains_key(name);
        // LVM puts a device of its own between a pool and its volumes.
        let name = ["-tpool", "-real"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
        let own = format!("/dev/{}/{name}", group.name);
        if visible(name) && own != device.path {
            return Some(own);
        }
        lower_volume(block.devices.get(path)?, group, block).filter(|found| *found != device.path)
    })
}
