//! F2FS: `mkfs.f2fs`, `f2fslabel` and `resize.f2fs`.

use super::{LONG, Make, Options};
use crate::exec::Command;
use crate::machine::claim::{BlankDevice, Unused};

/// Longest label that any version of the tools takes.
pub const LABEL: usize = 255;
/// mkfs makes nothing smaller.
pub const LEAST: u64 = 52 << 20;

pub const OPTIONS: Options = Options {
    program: "mkfs.f2fs",
    flags: &["-i"],
    valued: &["-O", "-o", "-s", "-z", "-w", "-e", "-E", "-g", "-R", "-T", "-t", "-a", "-C"],
    instead: &[
        ("-l", "use `label`"),
        ("-U", "use `uuid`"),
        ("-c", "devices beside `dev` are not supported yet"),
        ("-f", "it is never forced; `dev` is emptied first, with consent"),
    ],
};

pub fn make(device: BlankDevice<'_>, make: &Make<'_>) -> Command {
    let mut command = Command::new("mkfs.f2fs").arg("-q");
    for (option, value) in [("-l", make.label), ("-U", make.uuid)] {
        if let Some(value) = value {
            command = command.args([option, value]);
        }
    }
    command.args(make.options.iter().cloned()).arg(device.path())
}

/// Renames an unmounted one.
pub fn label(device: Unused<'_>, label: &str) -> Command {
    Command::new("f2fslabel").args([&device.device().path, label])
}

/// Grows an unmounted one to the size of its device.
pub fn grow(device: Unused<'_>) -> Command {
    Command::new("resize.f2fs").arg(&device.device().path).deadline(LONG)
}
