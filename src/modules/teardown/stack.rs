//! What lies on what, and the end of each thing, the top first.

use std::collections::BTreeSet;

use serde_json::json;

use super::is_container;
use crate::machine::block::{BlockEffect, Content, Device, DeviceKind};
use crate::machine::btrfs::BtrfsEffect;
use crate::machine::lvm::Kind;
use crate::machine::{Machine, Prediction};
use crate::modules::devices::{block, clear};
use crate::modules::md_array;
use crate::modules::stages::Stages;
use crate::plan::{Plan, Refusal};

/// A thing that goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    /// By lasting name.
    Device(String),
    Group(String),
    /// An array that does not run, by its name.
    Array(String),
    /// Only what is on the device: it shares a file system with one that goes.
    Content(String),
}

/// Everything that goes, in the order in which it can.
#[derive(Debug)]
pub(super) struct Stack {
    named: BTreeSet<Node>,
    order: Vec<Node>,
}

impl Stack {
    /// The named things with all that lies on them; with `below`, all that they lie on is named too.
    pub(super) fn on(machine: &Machine, mut named: BTreeSet<Node>, below: bool) -> Result<Self, Refusal> {
        block(machine)?;
        if below {
            let mut rest: Vec<Node> = named.iter().cloned().collect();
            while let Some(node) = rest.pop() {
                let under = under(machine, &node).into_iter().filter(|node| named.insert(node.clone()));
                rest.extend(under.collect::<Vec<_>>());
            }
        }
        let mut stack = Self { named: named.clone(), order: Vec::new() };
        let mut seen = BTreeSet::new();
        for node in named {
            stack.visit(machine, node, &mut seen);
        }
        Ok(stack)
    }

    fn visit(&mut self, machine: &Machine, node: Node, seen: &mut BTreeSet<Node>) {
        if !seen.insert(node.clone()) {
            return;
        }
        for above in above(machine, &node) {
            self.visit(machine, above, seen);
        }
        self.order.push(node);
    }

    /// The devices that go or lose what is on them.
    pub(super) fn devices(&self) -> impl Iterator<Item = &str> {
        self.order.iter().filter_map(|node| match node {
            Node::Device(path) | Node::Content(path) => Some(path.as_str()),
            Node::Group(_) | Node::Array(_) => None,
        })
    }

    /// Plans the end of all of it.
    pub(super) fn end(&self, stages: &mut Stages) -> Result<(), Refusal> {
        for node in &self.order {
            match node {
                Node::Group(name) => {
                    stages.task("lvg", &json!({"vg": name, "state": "absent", "force": true}))?;
                }
                Node::Array(name) => stages.task("md_array", &json!({"name": name, "state": "absent"}))?,
                Node::Content(path) => stages.then(|machine| wipe(machine, path))?,
                Node::Device(path) => self.end_device(stages, path)?,
            }
        }
        Ok(())
    }

    fn end_device(&self, stages: &mut Stages, path: &str) -> Result<(), Refusal> {
        let content = |stages: &Stages| {
            let found = stages.machine().block.as_ref().and_then(|block| block.devices.get(path));
            found.map(|device| device.content.clone())
        };
        if content(stages).is_some_and(|content| is_container(&content)) {
            stages.task("luks", &json!({"device": path, "state": "absent"}))?;
        }
        // A mapping went with its container.
        let machine = stages.machine().clone();
        let Some(device) = block(&machine)?.devices.get(path) else { return Ok(()) };
        let named = self.named.contains(&Node::Device(path.to_owned()));
        match (device.kind, &device.array) {
            (DeviceKind::Array, Some(array)) => {
                if matches!(device.content, Content::Partitions { .. }) {
                    stages.then(|machine| wipe(machine, path))?;
                }
                md_array::removal(stages, device, array)
            }
            (DeviceKind::Logical, _) => match machine.lvm.as_ref().and_then(|lvm| lvm.volume(path)) {
                Some((group, volume)) => {
                    let args = json!({"vg": group.name, "lv": volume.name, "state": "absent"});
                    stages.task("lvol", &args)
                }
                None => Err(Refusal::new(format!("{path} is a volume that LVM does not list"))),
            },
            (DeviceKind::Partition, _) => {
                let disk = device.sits_on.first().map_or("", String::as_str);
                match &device.slot {
                    // It goes with its disk.
                    _ if !named || self.named.contains(&Node::Device(disk.to_owned())) => Ok(()),
                    Some(slot) => {
                        let args = json!({"device": disk, "number": slot.number, "state": "absent"});
                        stages.task("partition", &args)
                    }
                    None => Err(Refusal::new(format!("which partition of {disk} {path} is, is not known"))),
                }
            }
            (DeviceKind::Disk, _) if named => {
                stages.task("disk", &json!({"device": path, "state": "blank"}))?;
                // An array of it that does not run is none any more, and has no place at boot.
                if let Content::Member { array, name } = &device.content {
                    let node = format!("/dev/md/{name}");
                    stages.then(|machine| md_array::unregistration(machine, &node, array.known()))?;
                }
                stages.then(|machine| forget_span(machine, path))
            }
            _ if named => stages.then(|machine| wipe(machine, path)),
            _ => Ok(()),
        }
    }
}

/// What a device holds goes, and the device stays.
fn wipe(machine: &Machine, path: &str) -> Result<Plan, Refusal> {
    let mut plan = Plan::empty();
    if let Some(device) = block(machine)?.devices.get(path)
        && !matches!(device.content, Content::Blank { .. })
    {
        clear(&mut plan, machine.claim(device)?);
    }
    plan.then(forget_span(machine, path)?);
    Ok(plan)
}

/// A file system of several devices is none any more once its content is gone.
fn forget_span(machine: &Machine, path: &str) -> Result<Plan, Refusal> {
    let Some(span) = block(machine)?.span(path) else { return Ok(Plan::empty()) };
    let left = span.devices.iter().filter_map(|one| machine.block.as_ref()?.devices.get(one));
    let mut plan = Plan::empty();
    if left.clone().all(|device| matches!(device.content, Content::Blank { .. })) {
        let gone = BlockEffect::Span { before: span.devices.clone(), span: None };
        let change =
            crate::plan::Change::wait("end of", format!("{} on {}", span.kind, span.devices.join(", ")));
        let pool = BtrfsEffect::Gone { devices: span.devices.clone() };
        plan.push(change, [], [Prediction::Block(gone), Prediction::Btrfs(pool)]);
    }
    Ok(plan)
}

/// What lies directly on a thing, or lives off it.
fn above(machine: &Machine, node: &Node) -> Vec<Node> {
    let (Some(block), lvm) = (&machine.block, machine.lvm.as_ref()) else { return Vec::new() };
    let mut found = Vec::new();
    match node {
        Node::Group(name) => {
            let volumes =
                lvm.and_then(|lvm| lvm.groups.get(name)).into_iter().flat_map(|group| group.logical.values());
            let paths = volumes.map(|volume| format!("/dev/{name}/{}", volume.name));
            // One that is not active has no device, and is refused with its group.
            found.extend(paths.filter(|path| block.devices.contains_key(path)).map(Node::Device));
        }
        Node::Device(path) => {
            let holders = block.holders(path).filter(|holder| holder.kind != DeviceKind::Logical);
            found.extend(holders.map(|holder| Node::Device(holder.path.clone())));
            let member = |device: &&Device| {
                device.array.as_ref().is_some_and(|array| array.members.iter().any(|one| one.device == *path))
            };
            found.extend(
                block.devices.values().filter(member).map(|device| Node::Device(device.path.clone())),
            );
            found.extend(lvm.and_then(|lvm| lvm.group_of(path)).map(|group| Node::Group(group.name.clone())));
            if let Some((group, volume)) = lvm.and_then(|lvm| lvm.volume(path)) {
                let depend = group.snapshots_of(&volume.name).chain(
                    group.of_pool(&volume.name).filter(|_| matches!(volume.kind, Kind::ThinPool { .. })),
                );
                found.extend(depend.map(|one| Node::Device(group.path_of(&one.name))));
            }
            let span = block.span(path).into_iter().flat_map(|span| &span.devices);
            found.extend(span.filter(|other| *other != path).cloned().map(Node::Content));
        }
        Node::Array(_) | Node::Content(_) => {}
    }
    found
}

/// What a thing lies on.
fn under(machine: &Machine, node: &Node) -> Vec<Node> {
    let lvm = machine.lvm.as_ref();
    let physical = |name: &str| lvm.and_then(|lvm| lvm.groups.get(name)).map(|group| group.physical.keys());
    match node {
        Node::Group(name) => physical(name).into_iter().flatten().cloned().map(Node::Device).collect(),
        Node::Device(path) | Node::Content(path) => {
            let Some(device) = machine.block.as_ref().and_then(|block| block.devices.get(path)) else {
                return Vec::new();
            };
            if let Some((group, _)) = lvm.and_then(|lvm| lvm.volume(path)) {
                return vec![Node::Group(group.name.clone())];
            }
            let members = device.array.iter().flat_map(|array| &array.members).map(|member| &member.device);
            device.sits_on.iter().chain(members).cloned().map(Node::Device).collect()
        }
        Node::Array(_) => Vec::new(),
    }
}
