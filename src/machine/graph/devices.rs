//! Disks, partitions, arrays and other devices, and what is on them.

use super::{Edge, Graph, Health, Layer, Node, id};
use crate::machine::Machine;
use crate::machine::array::Array;
use crate::machine::block::{Block, Content, Device, DeviceKind, FileSystem};
use crate::machine::lvm::Lvm;
use crate::units::Size;

/// Fuller than this and a person should look, in tenths of a percent.
const NEARLY_FULL: u64 = 900;
/// Fuller than this and writing will soon fail.
const FULL: u64 = 970;

impl Graph {
    pub(super) fn devices(&mut self, block: &Block, machine: &Machine) {
        for device in block.devices.values().filter(|device| !is_inside(device, machine.lvm.as_ref())) {
            let node = node(device, block, machine);
            let above = id(node.layer, &device.path);
            self.nodes.push(node);
            if device.kind != DeviceKind::Logical {
                for below in &device.sits_on {
                    let spare = device.array.as_ref().is_some_and(|array| is_spare(array, below));
                    self.edges.push(Edge { from: device_id(below), to: above.clone(), spare });
                }
                self.members(device, block);
            }
            self.content(device, block, machine);
        }
    }

    /// A member that the kernel does not list among those below: predicted, or gone.
    fn members(&mut self, device: &Device, block: &Block) {
        let Some(array) = &device.array else { return };
        for member in array.members.iter().filter(|member| !device.sits_on.contains(&member.device)) {
            if !block.devices.contains_key(&member.device) {
                self.ghost(&member.device);
            }
            self.edges.push(Edge {
                from: device_id(&member.device),
                to: device_id(&device.path),
                spare: member.spare,
            });
        }
    }

    /// A device that others speak of and that is not there.
    pub(super) fn ghost(&mut self, name: &str) {
        if self.node(&device_id(name)).is_none() {
            let mut node = Node::new(Layer::Disk, "missing", name);
            node.note(Health::Critical, "not there");
            self.nodes.push(node);
        }
    }

    fn content(&mut self, device: &Device, block: &Block, machine: &Machine) {
        if let Some(first) = first_of(device, block) {
            return self.edge(device_id(&device.path), id(Layer::FileSystem, &first.path));
        }
        let mut node = match &device.content {
            Content::FileSystem(found) => file_system(device, found),
            // What is made of it is drawn instead.
            Content::Other { .. } if block.holders(&device.path).next().is_some() => return,
            Content::Other { kind, label, .. } => {
                let mut node = Node::new(Layer::FileSystem, kind, &device.path);
                node.facts.extend(label.clone().filter(|label| !label.is_empty()));
                node
            }
            _ => return,
        };
        if machine.mounts.as_ref().is_some_and(|mounts| mounts.swapping(&device.path).is_some()) {
            node.note(Health::Good, "swapped to");
        }
        self.edge(device_id(&device.path), node.id.clone());
        self.nodes.push(node);
    }

    /// What is on a device, wherever it begins.
    pub(super) fn content_of(&self, path: &str) -> Option<String> {
        let own = device_id(path);
        let content = |edge: &&Edge| edge.from == own && edge.to.starts_with("content:");
        self.edges.iter().find(content).map(|edge| edge.to.clone())
    }
}

/// The first device of a file system that lies on several, where this is another one of them. They have one identity;
/// elsewhere two devices with one identity are a copy of each other.
fn first_of<'a>(device: &Device, block: &'a Block) -> Option<&'a Device> {
    let spans = |content: &Content| match content {
        Content::FileSystem(found) => matches!(found.kind.as_str(), "btrfs" | "bcachefs"),
        Content::Other { kind, .. } => kind == "zfs_member",
        _ => false,
    };
    let uuid = device.content.uuid().filter(|_| spans(&device.content))?;
    let first = block.devices.values().find(|one| spans(&one.content) && one.content.uuid() == Some(uuid))?;
    (first.path != device.path).then_some(first)
}

/// What a device is called in edges.
pub(super) fn device_id(path: &str) -> String {
    id(Layer::Disk, path)
}

/// Whether a device is one that LVM made for its own use: half of a mirror, the metadata of a pool.
fn is_inside(device: &Device, lvm: Option<&Lvm>) -> bool {
    device.kind == DeviceKind::Logical && lvm.is_some_and(|lvm| lvm.volume(&device.path).is_none())
}

fn is_spare(array: &Array, path: &str) -> bool {
    array.members.iter().any(|member| member.device == path && member.spare)
}

fn node(device: &Device, block: &Block, machine: &Machine) -> Node {
    let layer = match device.kind {
        DeviceKind::Disk => Layer::Disk,
        DeviceKind::Partition => Layer::Partition,
        DeviceKind::Array => Layer::Array,
        DeviceKind::Logical => Layer::Volume,
        DeviceKind::Other => Layer::Device,
    };
    let what = match (&device.array, device.kind) {
        (Some(array), _) => array.level.as_str(),
        (None, DeviceKind::Logical) => "volume",
        (None, DeviceKind::Other) if device.sits_on.iter().any(|below| is_encrypted(block, below)) => {
            "decrypted"
        }
        (None, kind) => kind.name(),
    };
    let mut node = Node::new(layer, what, &device.path);
    node.size = Some(device.size);
    node.facts.extend(device.serial.clone());
    node.facts.extend(device.model.clone());
    if let Some(array) = &device.array {
        describe(&mut node, array);
    }
    if device.read_only {
        node.note(Health::Good, "read-only");
    }
    let held = block.holders(&device.path).next().is_some();
    let grouped = machine.lvm.as_ref().is_some_and(|lvm| lvm.group_of(&device.path).is_some());
    match &device.content {
        Content::Blank { .. } if !held && !grouped => node.note(Health::Good, "unused"),
        Content::Member { .. } if !held && !is_member(block, &device.path) => {
            node.note(
                Health::Warning,
                format!("holds {}, which is not assembled", device.content.describe()),
            );
        }
        Content::Physical if !grouped => node.note(Health::Good, "a physical volume of no group"),
        Content::Partitions { table } if !held => {
            node.note(Health::Good, format!("a {table} partition table"));
        }
        Content::Partitions { table } => node.facts.push(table.clone()),
        Content::Other { kind, .. } if held => node.facts.push(kind.clone()),
        Content::Unknown { why } => node.note(Health::Good, format!("unknown content: {why}")),
        _ => {}
    }
    node
}

fn is_encrypted(block: &Block, path: &str) -> bool {
    let content = block.devices.get(path).map(|device| &device.content);
    matches!(content, Some(Content::Other { kind, .. }) if kind == "crypto_LUKS")
}

fn is_member(block: &Block, path: &str) -> bool {
    let arrays = block.devices.values().filter_map(|device| device.array.as_ref());
    arrays.flat_map(|array| &array.members).any(|member| member.device == path)
}

fn describe(node: &mut Node, array: &Array) {
    node.facts.extend(array.layout.map(|layout| layout.to_string()));
    node.facts.push(format!("{} members", array.slots));
    if array.chunk > 0 {
        node.facts.push(format!("{} chunks", Size(array.chunk)));
    }
    if array.degraded > 0 {
        let bad = if array.degraded >= array.slots { Health::Critical } else { Health::Warning };
        node.note(bad, format!("degraded: {} of {} members missing", array.degraded, array.slots));
    }
    if !matches!(array.doing.as_str(), "" | "idle" | "none" | "frozen") {
        node.note(Health::Good, format!("busy: {}", array.doing));
    }
}

fn file_system(device: &Device, found: &FileSystem) -> Node {
    let mut node = Node::new(Layer::FileSystem, &found.kind, &device.path);
    node.facts.extend(found.label.clone().filter(|label| !label.is_empty()));
    (node.size, node.used) = (found.size, found.used);
    if let Some(permille) = node.permille().filter(|permille| *permille >= NEARLY_FULL) {
        let free = found.size.unwrap_or(0).saturating_sub(found.used.unwrap_or(0));
        let bad = if permille >= FULL { Health::Critical } else { Health::Warning };
        node.note(bad, format!("nearly full: {} free", Size(free)));
    }
    node
}
