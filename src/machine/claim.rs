//! Proofs that something may be written over. Only this file makes them, and only from the model; the builders of
//! destructive commands accept nothing else.

use super::Machine;
use super::array::Stripe;
use super::block::{Block, Content, Device, DeviceKind};
use super::lvm::{Group, Logical};
use super::table::Table;
use super::unfinished::Unfinished;
use crate::plan::Refusal;
use crate::units::Size;

/// A device on which nothing is, or on which nothing will be by the time it is used.
#[derive(Debug, Clone, Copy)]
pub struct BlankDevice<'a>(&'a Device);

impl<'a> BlankDevice<'a> {
    pub fn device(self) -> &'a Device {
        self.0
    }

    pub fn path(self) -> &'a str {
        &self.0.path
    }
}

/// A device that nobody uses, whatever is on it.
#[derive(Debug, Clone, Copy)]
pub struct Unused<'a>(&'a Device);

impl<'a> Unused<'a> {
    pub fn device(self) -> &'a Device {
        self.0
    }
}

/// The right to a device: what has to be given up for it, if anything.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    device: &'a Device,
    unfinished: Option<&'a str>,
    block: Option<&'a Block>,
}

impl<'a> Claim<'a> {
    pub fn device(self) -> &'a Device {
        self.device
    }

    /// The partitions on it, which go with it. Nobody uses them either.
    pub fn partitions(self) -> Vec<Unused<'a>> {
        let holders = self.block.into_iter().flat_map(|block| block.holders(&self.device.path));
        holders.filter(|holder| holder.kind == DeviceKind::Partition).map(Unused).collect()
    }

    /// Whether bytes of somebody are lost.
    pub fn destroys(self) -> bool {
        !matches!(self.device.content, Content::Blank { .. }) && self.unfinished.is_none()
    }

    /// What an earlier run of ours began here and did not finish, where that is all there is.
    pub fn unfinished(self) -> Option<&'a str> {
        self.unfinished
    }

    /// Whether signatures have to be removed first.
    pub fn needs_wiping(self) -> bool {
        !matches!(self.device.content, Content::Blank { table: false })
    }

    /// The device as it is once it was wiped, which is a step of its own with its own consent.
    pub fn wiped(self) -> BlankDevice<'a> {
        BlankDevice(self.device)
    }

    pub fn unused(self) -> Unused<'a> {
        Unused(self.device)
    }

    /// The token that consents to the loss.
    pub fn token(self) -> String {
        token("format", self.device)
    }

    /// What is lost, with all partitions.
    pub fn loss(self) -> String {
        let parts: Vec<String> = self
            .partitions()
            .into_iter()
            .map(|Unused(part)| format!("{} ({}, {})", part.path, Size(part.size), held(part)))
            .collect();
        if parts.is_empty() {
            loss(self.device)
        } else {
            format!("{}: {}", loss(self.device), parts.join(", "))
        }
    }
}

/// Sectors of a disk that belong to no partition.
#[derive(Debug, Clone, Copy)]
pub struct FreeSectors<'a> {
    disk: &'a Device,
    start: u64,
    size: u64,
}

impl<'a> FreeSectors<'a> {
    pub fn disk(self) -> &'a Device {
        self.disk
    }

    /// Bytes from the beginning of the disk.
    pub fn start(self) -> u64 {
        self.start
    }

    /// Bytes.
    pub fn size(self) -> u64 {
        self.size
    }
}

impl Table {
    /// The sectors from `start` up to, but without, `end`, where no partition has any of them.
    pub fn free<'a>(&self, disk: &'a Device, start: u64, end: u64) -> Option<FreeSectors<'a>> {
        let inside =
            self.first <= start && start < end && end <= self.bound() && self.overlap(start, end).is_none();
        inside.then(|| FreeSectors { disk, start: start * self.sector, size: (end - start) * self.sector })
    }
}

/// Extents of a group that nothing uses.
#[derive(Debug, Clone, Copy)]
pub struct Room<'a> {
    group: &'a Group,
    extents: u64,
}

impl<'a> Room<'a> {
    pub fn group(self) -> &'a Group {
        self.group
    }

    pub fn extents(self) -> u64 {
        self.extents
    }
}

impl Group {
    /// Free extents, or why there are none.
    pub fn room(&self, extents: u64) -> Option<Room<'_>> {
        (extents > 0 && extents <= self.free()).then_some(Room { group: self, extents })
    }
}

/// The token for a change that destroys what is on a device: bound to its serial, or to the identity of its content.
pub fn token(verb: &str, device: &Device) -> String {
    let slot = device
        .slot
        .as_ref()
        .and_then(|slot| slot.serial.as_ref().map(|serial| format!("{serial}-part{}", slot.number)));
    if let Some(slot) = slot {
        return format!("{verb}:{slot}");
    }
    let identity = device.serial.as_deref().or(device.content.uuid()).unwrap_or(&device.path);
    format!("{verb}:{identity}")
}

/// What is lost with a device: serial, content, label, used size.
pub fn loss(device: &Device) -> String {
    let name = match &device.serial {
        Some(serial) => format!("{serial} ({})", device.path),
        None => device.path.clone(),
    };
    format!("{name}, {} of {}, holds {}", device.kind.name(), Size(device.size), held(device))
}

/// What a device holds, and how much of it is used.
fn held(device: &Device) -> String {
    let used = match &device.content {
        Content::FileSystem(found) => match found.used {
            Some(used) => format!(", {} used", Size(used)),
            None => ", used size unknown".to_owned(),
        },
        _ => String::new(),
    };
    format!("{}{used}", device.content.describe())
}

impl Machine {
    /// Who uses a device: it is mounted, swapped to, held by an array or a volume group. `None` when nobody does.
    pub fn user_of(&self, device: &Device) -> Option<String> {
        if let Some(mounts) = &self.mounts {
            if let Some(live) = mounts.of(&device.path).next() {
                return Some(format!("it is mounted at {}", live.target));
            }
            if mounts.swaps.contains(&device.path) {
                return Some("it is swapped to".to_owned());
            }
        }
        if let Some(group) = self.lvm.as_ref().and_then(|lvm| lvm.group_of(&device.path)) {
            return Some(format!("it belongs to the volume group {}", group.name));
        }
        self.block.as_ref()?.holders(&device.path).find_map(|holder| match holder.kind {
            // A partition alone is content; what uses the partition uses the disk.
            DeviceKind::Partition => self.user_of(holder).map(|user| format!("{}: {user}", holder.path)),
            _ => Some(format!("{} sits on it", holder.path)),
        })
    }

    /// The right to write over a device; refused while anybody uses it, whatever the consent.
    pub fn claim<'a>(&'a self, device: &'a Device) -> Result<Claim<'a>, Refusal> {
        if let Some(user) = self.user_of(device) {
            return Err(Refusal::new(format!("{} is in use: {user}", device.path))
                .fact(loss(device))
                .help("what is in use is never written over, whatever the consent; free it first"));
        }
        if device.read_only {
            return Err(Refusal::new(format!("{} is read-only", device.path)));
        }
        let unfinished =
            self.block.as_ref().and_then(|block| Unfinished::explains(&block.unfinished, device));
        Ok(Claim { device, unfinished, block: self.block.as_ref() })
    }

    /// A device that nobody uses, to be removed with all that is on it.
    pub fn unused<'a>(&'a self, device: &'a Device) -> Result<Unused<'a>, Refusal> {
        self.claim(device).map(Claim::unused)
    }

    /// What a file system on this device should be aligned to: the stripe of the arrays below, where they agree.
    pub fn stripe(&self, device: &Device) -> Option<Stripe> {
        if let Some(array) = &device.array {
            return array.stripe();
        }
        let block = self.block.as_ref()?;
        let below: Vec<&str> = match self.lvm.as_ref().and_then(|lvm| lvm.volume(&device.path)) {
            Some((group, Logical { layout, .. })) if layout == "linear" => {
                group.physical.keys().map(String::as_str).collect()
            }
            Some(_) => return None,
            None if device.kind == DeviceKind::Disk => return None,
            None => device.sits_on.iter().map(String::as_str).collect(),
        };
        let mut stripes =
            below.into_iter().map(|path| block.devices.get(path).and_then(|one| self.stripe(one)));
        let first = stripes.next()??;
        stripes.all(|stripe| stripe == Some(first)).then_some(first)
    }
}
