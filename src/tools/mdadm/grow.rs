//! `mdadm --grow`: another level, more members, more of each member; and waiting until the kernel is done.

use std::time::Duration;

use crate::exec::{Command, WhenCut};
use crate::machine::array::Level;
use crate::machine::claim::BlankDevice;
use crate::units::KIB;

/// What an array is to become; nothing else changes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Growth<'a> {
    pub level: Option<Level>,
    pub devices: Option<u64>,
    /// Bytes of each member.
    pub used: Option<u64>,
    /// Where what is being moved is kept meanwhile, where the members have no room for it.
    pub backup: Option<&'a str>,
}

pub fn grow(array: &str, growth: Growth<'_>) -> Command {
    let mut command = Command::new("mdadm").args(["--grow", array]);
    if let Some(level) = growth.level {
        command = command.arg(format!("--level={}", level.name()));
    }
    if let Some(devices) = growth.devices {
        command = command.arg(format!("--raid-devices={devices}"));
    }
    if let Some(used) = growth.used {
        command = command.arg(format!("--size={}K", used / KIB));
    }
    match growth.backup {
        Some(file) => command.arg(format!("--backup-file={file}")),
        None => command,
    }
}

/// Makes a raid0 redundant, with the devices that takes.
pub fn leave_raid0(array: &str, level: Level, devices: u64, new: &[BlankDevice<'_>]) -> Command {
    let growth = Growth { level: Some(level), devices: Some(devices), ..Growth::default() };
    grow(array, growth).arg("--add").args(new.iter().map(|device| device.path()))
}

pub fn bitmap(array: &str, on: bool) -> Command {
    Command::new("mdadm").args(["--grow", array, if on { "--bitmap=internal" } else { "--bitmap=none" }])
}

/// Says how an array becomes consistent after a crash: `resync`, `ppl`.
pub fn policy(array: &str, policy: &str) -> Command {
    Command::new("mdadm").args([
        "--grow".to_owned(),
        array.to_owned(),
        format!("--consistency-policy={policy}"),
    ])
}

/// Waits until a resync, recovery or reshape ends, however long that takes; a lost connection ends only the waiting.
/// Ends with a status of its own when there was nothing to wait for.
pub fn wait(array: &str) -> Command {
    let command = Command::new("mdadm").args(["--wait", array]).deadline(Duration::from_hours(24 * 60));
    Command { when_cut: WhenCut::Kill, ..command }
}
