//! What makes and changes datasets.

use super::options;
use crate::exec::Command;

pub fn create_filesystem(name: &str, properties: &[(String, String)]) -> Command {
    Command::new("zfs").args(["create", "-p"]).args(options("-o", properties)).arg(name)
}

/// `size` in bytes; `sparse` reserves nothing for it.
pub fn create_volume(name: &str, size: u64, sparse: bool, properties: &[(String, String)]) -> Command {
    Command::new("zfs")
        .args(["create", "-p"])
        .args(sparse.then_some("-s"))
        .args(["-V".to_owned(), size.to_string()])
        .args(options("-o", properties))
        .arg(name)
}

pub fn clone(origin: &str, name: &str, properties: &[(String, String)]) -> Command {
    Command::new("zfs").args(["clone", "-p"]).args(options("-o", properties)).args([origin, name])
}

pub fn snapshot(name: &str, properties: &[(String, String)]) -> Command {
    Command::new("zfs").arg("snapshot").args(options("-o", properties)).arg(name)
}

pub fn set(name: &str, property: &str, value: &str) -> Command {
    Command::new("zfs").args(["set", &format!("{property}={value}"), name])
}

/// Takes a value of its own away, a received one too.
pub fn inherit(name: &str, property: &str) -> Command {
    Command::new("zfs").args(["inherit", property, name])
}

pub fn mount(name: &str) -> Command {
    Command::new("zfs").args(["mount", name])
}

pub fn hold(snapshot: &str, tag: &str) -> Command {
    Command::new("zfs").args(["hold", tag, snapshot])
}

pub fn release(snapshot: &str, tag: &str) -> Command {
    Command::new("zfs").args(["release", tag, snapshot])
}

/// With `below`, everything in it goes too: what is mounted, and snapshots.
pub fn destroy(name: &str, below: bool) -> Command {
    Command::new("zfs").arg("destroy").args(below.then_some("-r")).arg(name)
}
