//! Devices as members of md arrays: in an array that runs, and by the superblocks of one that is not assembled.

use serde::{Deserialize, Serialize};

use super::array::{Array, Layout, Level, Shape};
use super::block::{Block, Uuid};

/// A device in an array that runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Member {
    pub device: String,
    /// It stands by, or is being filled.
    pub spare: bool,
    /// It failed and is in the array only by name.
    pub faulty: bool,
    /// It is read only when no other can be.
    pub write_mostly: bool,
    /// Its errors are not tried again.
    pub failfast: bool,
    /// Where its data begins, in bytes.
    pub offset: u64,
}

impl Member {
    pub fn of(device: impl Into<String>, spare: bool) -> Self {
        Self { device: device.into(), spare, ..Self::default() }
    }
}

/// How far a resync, a recovery or a reshape has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Sectors of a member, as the kernel counts them.
    pub done: u64,
    pub total: u64,
}

impl std::fmt::Display for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} % ({} of {} sectors)", self.done * 100 / self.total.max(1), self.done, self.total)
    }
}

/// What a member was when its superblock was last written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// With data, in that slot.
    Active(u64),
    /// In that slot, and not yet filled.
    Filling(u64),
    Spare,
    Failed,
    Journal,
}

/// The superblock of a device whose array is not assembled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// As mdadm writes it.
    pub uuid: String,
    /// Without home host.
    pub name: String,
    /// As md writes it.
    pub level: String,
    pub layout: Option<Layout>,
    /// Bytes.
    pub chunk: u64,
    pub slots: u64,
    /// Bytes used of each member; 0 for raid0, which uses all of each.
    pub used: u64,
    /// Bytes of this member that data can be on.
    pub room: u64,
    /// Where its data begins, in bytes.
    pub offset: u64,
    pub role: Role,
    pub bitmap: bool,
    /// Counts the changes of the superblocks: members that were left behind have a lower number.
    pub events: u64,
    /// Whether the array was being reshaped.
    pub reshaping: bool,
    /// The array that has it without running: `/dev/md127`.
    pub held_by: Option<String>,
}

/// The members of one array that is not assembled.
#[derive(Debug)]
pub struct Scattered<'a> {
    pub uuid: &'a str,
    /// Devices and their superblocks, in the order of their slots.
    pub parts: Vec<(&'a str, &'a Part)>,
}

impl Block {
    /// The arrays that are not assembled, by their superblocks.
    pub fn scattered(&self) -> Vec<Scattered<'_>> {
        let mut found: Vec<Scattered<'_>> = Vec::new();
        for (device, part) in &self.parts {
            let runs = |array: &Array| array.uuid.known() == Some(&part.uuid);
            if self.devices.values().filter_map(|device| device.array.as_ref()).any(runs) {
                continue;
            }
            match found.iter_mut().find(|one| one.uuid == part.uuid) {
                Some(one) => one.parts.push((device, part)),
                None => found.push(Scattered { uuid: &part.uuid, parts: vec![(device, part)] }),
            }
        }
        for one in &mut found {
            one.parts.sort_by_key(|(_, part)| match part.role {
                Role::Active(slot) | Role::Filling(slot) => slot,
                _ => u64::MAX,
            });
        }
        found
    }
}

impl<'a> Scattered<'a> {
    /// The superblock that was written last: what it says of the array holds.
    pub fn newest(&self) -> Option<&'a Part> {
        self.parts.iter().map(|(_, part)| *part).max_by_key(|part| part.events)
    }

    /// The devices that are up to date: what `mdadm --assemble` would take.
    pub fn fresh(&self) -> Vec<(&'a str, &'a Part)> {
        let newest = self.newest().map_or(0, |part| part.events);
        // A stop may reach one member and not the next: one event is no difference, as for mdadm.
        let fresh = |part: &Part| part.events + 1 >= newest && part.role != Role::Failed;
        self.parts.iter().copied().filter(|(_, part)| fresh(part)).collect()
    }

    /// How many active members are not there.
    pub fn missing(&self) -> u64 {
        let there = self.fresh().iter().filter(|(_, part)| matches!(part.role, Role::Active(_))).count();
        self.newest().map_or(0, |part| part.slots).saturating_sub(there as u64)
    }

    /// Whether its level has all data without what is missing.
    pub fn enough(&self) -> bool {
        let Some(newest) = self.newest() else { return false };
        let missing = self.missing();
        let there: Vec<u64> = self
            .fresh()
            .iter()
            .filter_map(|(_, part)| match part.role {
                Role::Active(slot) => Some(slot),
                _ => None,
            })
            .collect();
        match newest.level.as_str() {
            "raid1" => missing < newest.slots,
            "raid6" => missing <= 2,
            // With two near copies on an even number of members, the copies are neighbours; for others one may miss.
            "raid10"
                if newest.slots % 2 == 0
                    && newest.layout.is_some_and(|layout| layout.to_string() == "n2") =>
            {
                (0..newest.slots / 2)
                    .all(|pair| there.contains(&(2 * pair)) || there.contains(&(2 * pair + 1)))
            }
            "raid4" | "raid5" | "raid10" => missing <= 1,
            _ => false,
        }
    }

    /// The array as it is once these are put together, and its bytes; nothing for a level nobody can ask for.
    pub fn assembled(&self) -> Option<(Array, u64)> {
        let newest = self.newest()?;
        let level: Level = newest.level.parse().ok()?;
        let layout = newest.layout.unwrap_or(Layout::NEAR_2);
        let shape = Shape { level, layout, chunk: newest.chunk, slots: newest.slots };
        let fresh = self.fresh();
        let size = match level {
            Level::Raid0 => fresh.iter().map(|(_, part)| part.room / shape.chunk.max(1) * shape.chunk).sum(),
            _ => shape.size(newest.used),
        };
        let member = |(device, part): &(&str, &Part)| Member {
            offset: part.offset,
            ..Member::of(*device, !matches!(part.role, Role::Active(_)))
        };
        let array = Array {
            name: newest.name.clone(),
            level: newest.level.clone(),
            layout: newest.layout,
            chunk: newest.chunk,
            uuid: Uuid::Known(self.uuid.to_owned()),
            metadata: "1.2".to_owned(),
            slots: newest.slots,
            used: newest.used,
            members: fresh.iter().map(member).collect(),
            bitmap: newest.bitmap,
            degraded: self.missing(),
            doing: String::new(),
            progress: None,
            policy: String::new(),
        };
        Some((array, size))
    }
}
