//! Members of an array that is there: taken in, replaced, taken out; and the array put together and ended.

use crate::exec::Command;
use crate::machine::claim::{BlankDevice, Copy};

/// How a member is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    pub write_mostly: bool,
    pub failfast: bool,
}

impl Flags {
    /// As options behind those that hold already: each holds for all devices behind it. None is ever taken back: mdadm
    /// has no word for that while it makes an array.
    pub(super) fn after(self, before: Self) -> impl Iterator<Item = &'static str> {
        let write_mostly = (self.write_mostly && !before.write_mostly).then_some("--write-mostly");
        let failfast = (self.failfast && !before.failfast).then_some("--failfast");
        write_mostly.into_iter().chain(failfast)
    }
}

/// Puts an array together from exactly these members. `degraded` starts it though some are missing.
pub fn assemble<'a>(
    array: &str,
    uuid: &str,
    members: impl IntoIterator<Item = &'a str>,
    degraded: bool,
) -> Command {
    let command =
        Command::new("mdadm").args(["--assemble".to_owned(), array.to_owned(), format!("--uuid={uuid}")]);
    // Without `--run` an array of which a part is missing is left as it is, not started.
    command.args(degraded.then_some("--run")).args(members)
}

/// Adds a spare, or a replacement for a member that is missing.
pub fn add(array: &str, device: BlankDevice<'_>, flags: Flags) -> Command {
    Command::new("mdadm")
        .args(["--manage", array, "--add"])
        .args(flags.after(Flags::default()))
        .arg(device.path())
}

/// Fills a spare with what a working member holds, which leaves the array when that is done.
pub fn replace(array: &str, old: &str, new: &str) -> Command {
    Command::new("mdadm").args(["--manage", array, "--replace", old, "--with", new])
}

/// Takes a member out that failed or stands by; mdadm refuses to take out one that works.
pub fn remove(array: &str, member: &str) -> Command {
    Command::new("mdadm").args(["--manage", array, "--remove", member])
}

/// Ends an array; its members keep their superblocks.
pub fn stop(array: &str) -> Command {
    Command::new("mdadm").args(["--stop", array])
}

/// Makes former members forget the array: what they hold is a copy, or the array was given up with consent.
pub fn forget<'a>(members: impl IntoIterator<Item = Copy<'a>>) -> Command {
    Command::new("mdadm").arg("--zero-superblock").args(members.into_iter().map(Copy::path))
}

/// Looks up the names of running arrays anew, in the configuration file.
pub fn rebuild_map() -> Command {
    Command::new("mdadm").args(["--incremental", "--rebuild-map"])
}
