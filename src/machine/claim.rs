//! Proofs that something may be written over. Only this file makes them, and only from the model; the builders of
//! destructive commands accept nothing else.

use std::collections::BTreeMap;

use super::Machine;
use super::array::{Array, Member, Stripe};
use super::block::{Block, Content, Device, DeviceKind};
use super::lvm::{Group, Kind, NoPlace, Shape};
use super::table::Table;
use super::unfinished::Unfinished;
use super::zfs::{Member as PoolMember, Pool};
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

    /// The members of an array that is given up.
    pub fn members(self) -> impl Iterator<Item = Copy<'a>> {
        self.0.array.iter().flat_map(|array| &array.members).map(|member| Copy(&member.device))
    }
}

/// A member whose bytes nobody misses: its array holds them without it, or was given up as a whole.
#[derive(Debug, Clone, Copy)]
pub struct Copy<'a>(&'a str);

impl<'a> Copy<'a> {
    pub fn path(self) -> &'a str {
        self.0
    }
}

/// A device that a ZFS pool gives back, and the disk that it had as a whole. What gives it back is a step before.
#[derive(Debug, Clone, Copy)]
pub struct Returned<'a> {
    device: Unused<'a>,
    disk: Option<Unused<'a>>,
}

impl<'a> Returned<'a> {
    pub fn device(self) -> Unused<'a> {
        self.device
    }

    pub fn disk(self) -> Option<Unused<'a>> {
        self.disk
    }
}

impl Pool {
    /// The device of a member, once the pool has let go of it; `None` where the device is not there.
    pub fn returned<'a>(&self, member: &PoolMember, block: &'a Block) -> Option<Returned<'a>> {
        let ours = self.members().any(|other| other == member);
        let device = block.devices.get(&member.path).filter(|_| ours)?;
        let disk = member.disk.as_ref().and_then(|disk| block.devices.get(disk));
        Some(Returned { device: Unused(device), disk: disk.map(Unused) })
    }
}

impl Array {
    /// A member that may forget the array, once it was replaced or has failed; refused while the array needs it.
    pub fn copy<'a>(&self, member: &'a Member) -> Result<Copy<'a>, Refusal> {
        if member.faulty || member.spare || self.degraded == 0 && self.level != "raid0" {
            return Ok(Copy(&member.device));
        }
        Err(Refusal::new(format!("the array {} cannot do without {}", self.name, member.device))
            .fact(format!("{} of its {} members are missing already", self.degraded, self.slots))
            .help("complete it first, and wait until it is whole again"))
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
#[derive(Debug, Clone)]
pub struct Room<'a> {
    group: &'a Group,
    places: BTreeMap<String, u64>,
}

impl<'a> Room<'a> {
    pub fn group(&self) -> &'a Group {
        self.group
    }

    /// By device, as LVM will probably choose them.
    pub fn places(&self) -> &BTreeMap<String, u64> {
        &self.places
    }
}

impl Group {
    /// Free extents of that shape, or why there are none.
    pub fn room(&self, shape: &Shape) -> Result<Room<'_>, NoPlace> {
        self.place(shape).map(|places| Room { group: self, places })
    }
}

/// The end of a volume on which nothing is, or on which nothing will be by the time it is cut off.
#[derive(Debug, Clone, Copy)]
pub struct Surplus<'a> {
    device: &'a Device,
    keep: u64,
}

impl<'a> Surplus<'a> {
    /// The end of what nobody uses and nothing, or only what was consented to, is on.
    pub fn of_claim(claim: Claim<'a>, keep: u64) -> Self {
        Self { device: claim.device, keep }
    }

    /// What lies behind a file system of `filesystem` bytes, which is what it has by then; `None` when that is more
    /// than is kept.
    pub fn behind(device: &'a Device, filesystem: u64, keep: u64) -> Option<Self> {
        (filesystem <= keep).then_some(Self { device, keep })
    }

    pub fn device(self) -> &'a Device {
        self.device
    }

    /// Bytes that stay.
    pub fn keep(self) -> u64 {
        self.keep
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
        // One that nobody swaps to holds nothing, and no other can be claimed.
        Content::FileSystem(found) if found.kind == "swap" => String::new(),
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
            // The kernel names one device of several; the others are as much in use.
            if let Some(span) = self.block.as_ref().and_then(|block| block.span(&device.path)) {
                let live = span.devices.iter().find_map(|other| mounts.of(other).next());
                if let Some(live) = live {
                    let others = span.devices.iter().filter(|other| **other != device.path);
                    let others = others.map(String::as_str).collect::<Vec<_>>().join(", ");
                    return Some(format!(
                        "it belongs to a {} with {others}, which is mounted at {}",
                        span.kind, live.target
                    ));
                }
                if span.elsewhere {
                    return Some(format!(
                        "its {} is mounted where this host's mounts do not show it",
                        span.kind
                    ));
                }
            }
            if mounts.swapping(&device.path).is_some() {
                return Some("it is swapped to".to_owned());
            }
        }
        if let Some((group, volume)) = self.lvm.as_ref().and_then(|lvm| lvm.volume(&device.path))
            && !volume.kind.has_device()
        {
            return Some(format!("it is the thin pool {}/{}", group.name, volume.name));
        }
        if let Some(group) = self.lvm.as_ref().and_then(|lvm| lvm.group_of(&device.path)) {
            return Some(format!("it belongs to the volume group {}", group.name));
        }
        let block = self.block.as_ref()?;
        if let Some(pool) = block.pool_of(device) {
            return Some(format!("it belongs to the ZFS pool {pool}"));
        }
        if let Some(array) = block.parts.get(&device.path).and_then(|part| part.held_by.as_ref()) {
            return Some(format!("the array {array} has it, though it does not run"));
        }
        block.holders(&device.path).find_map(|holder| match holder.kind {
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
            Some((group, volume)) => match volume.kind {
                // Where in its group it lies is known only once it is there; the answer must not depend on that.
                Kind::Linear => group.physical.keys().map(String::as_str).collect(),
                Kind::Striped { stripes, unit } => return Some(Stripe { unit, width: stripes }),
                Kind::Raid { level, images, unit } if unit > 0 => {
                    return Some(Stripe { unit, width: level.data(images) });
                }
                _ => return None,
            },
            None if device.kind == DeviceKind::Disk => return None,
            None => device.sits_on.iter().map(String::as_str).collect(),
        };
        let mut stripes =
            below.into_iter().map(|path| block.devices.get(path).and_then(|one| self.stripe(one)));
        let first = stripes.next()??;
        stripes.all(|stripe| stripe == Some(first)).then_some(first)
    }
}
