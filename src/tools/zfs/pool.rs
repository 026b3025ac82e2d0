//! What makes and changes pools. Never with `-f`: what `zpool` finds in the way is a reason to stop.

use std::time::Duration;

use crate::exec::Command;
use crate::machine::claim::BlankDevice;

/// Longest name of a pool or dataset (`ZFS_MAX_DATASET_NAME_LEN` without its zero).
pub const NAME: usize = 255;
/// The least a device has to have (`SPA_MINDEVSIZE`).
pub const LEAST: u64 = 64 << 20;
/// Copying a disk takes as long as it takes.
const LONG: Duration = Duration::from_hours(24 * 30);

/// A virtual device to make, as the words of a command: `log`, `mirror`, and devices that were proven blank.
#[derive(Debug)]
pub struct Group<'a> {
    /// `log`, `cache`, `spare`, `special`, `dedup`.
    pub class: Option<&'static str>,
    /// `mirror`, `raidz2`, `draid1:4d:7c:1s`; `None` for a device alone.
    pub layout: Option<String>,
    pub devices: Vec<Named<'a>>,
}

/// A blank device and the name by which ZFS shall know it: one that outlives a change of the disks' order.
#[derive(Debug, Clone)]
pub struct Named<'a> {
    pub blank: BlankDevice<'a>,
    pub name: String,
}

fn words(groups: &[Group<'_>]) -> Vec<String> {
    let mut words = Vec::new();
    // A class counts for all that follows it, so data comes first and each class is named once.
    let mut class = None;
    for group in groups {
        if group.class != class {
            words.extend(group.class.map(str::to_owned));
            class = group.class;
        }
        words.extend(group.layout.clone());
        words.extend(group.devices.iter().map(|device| device.name.clone()));
    }
    words
}

/// Properties as options: `-o ashift=12`.
pub fn options(flag: &str, properties: &[(String, String)]) -> Vec<String> {
    properties.iter().flat_map(|(name, value)| [flag.to_owned(), format!("{name}={value}")]).collect()
}

/// Makes a pool. `plain`: without features that other systems may not know.
pub fn create(
    name: &str,
    groups: &[Group<'_>],
    pool: &[(String, String)],
    root: &[(String, String)],
    plain: bool,
) -> Command {
    Command::new("zpool")
        .arg("create")
        .args(plain.then_some("-d"))
        .args(options("-o", pool))
        .args(options("-O", root))
        .arg(name)
        .args(words(groups))
}

pub fn add(name: &str, groups: &[Group<'_>], ashift: u64) -> Command {
    Command::new("zpool").args(["add", "-o", &format!("ashift={ashift}"), name]).args(words(groups))
}

/// Makes a device a mirror of another one, and waits until it is.
pub fn attach(name: &str, old: &str, new: &Named<'_>, ashift: u64) -> Command {
    Command::new("zpool")
        .args(["attach", "-w", "-o", &format!("ashift={ashift}"), name, old, &new.name])
        .deadline(LONG)
}

/// Takes a device out of a mirror.
pub fn detach(name: &str, member: &str) -> Command {
    Command::new("zpool").args(["detach", name, member])
}

/// Puts a device in another one's place, and waits until it has everything.
pub fn replace(name: &str, old: &str, new: &Named<'_>, ashift: u64) -> Command {
    Command::new("zpool")
        .args(["replace", "-w", "-o", &format!("ashift={ashift}"), name, old, &new.name])
        .deadline(LONG)
}

/// Takes a spare, a cache or a whole virtual device away, and waits until what was on it is elsewhere.
pub fn remove(name: &str, member: &str) -> Command {
    Command::new("zpool").args(["remove", "-w", name, member]).deadline(LONG)
}

/// Uses all of a device that has grown.
pub fn expand(name: &str, member: &str) -> Command {
    Command::new("zpool").args(["online", "-e", name, member])
}

pub fn set_pool(name: &str, property: &str, value: &str) -> Command {
    Command::new("zpool").args(["set", &format!("{property}={value}"), name])
}

pub fn destroy_pool(name: &str) -> Command {
    Command::new("zpool").args(["destroy", name])
}

pub fn export(name: &str) -> Command {
    Command::new("zpool").args(["export", name])
}

/// Imports a pool that was exported in order; by number, as two may have one name.
pub fn import(guid: &str) -> Command {
    Command::new("zpool").args(["import", "-d", "/dev/disk/by-id", "-d", "/dev", guid])
}

pub fn checkpoint(name: &str) -> Command {
    Command::new("zpool").args(["checkpoint", name])
}

pub fn discard_checkpoint(name: &str) -> Command {
    Command::new("zpool").args(["checkpoint", "-d", "-w", name]).deadline(LONG)
}
