//! Swap areas: `mkswap` and `swaplabel`.

use super::{Make, Options};
use crate::exec::Command;
use crate::machine::claim::{BlankDevice, Unused};

/// Longest label.
pub const LABEL: usize = 15;
/// mkswap makes nothing smaller: ten pages.
pub const LEAST: u64 = 40 << 10;

pub const OPTIONS: Options = Options {
    program: "mkswap",
    flags: &["-c", "--check"],
    valued: &["-p", "--pagesize", "-v", "--swapversion"],
    instead: &[
        ("-L", "use `label`"),
        ("--label", "use `label`"),
        ("-U", "use `uuid`"),
        ("--uuid", "use `uuid`"),
        ("-f", "it is never forced; `dev` is emptied first, with consent"),
        ("--force", "it is never forced; `dev` is emptied first, with consent"),
    ],
};

pub fn make(device: BlankDevice<'_>, wanted: &Make<'_>) -> Command {
    written(device.path(), wanted)
}

/// Makes it anew on a device that nobody swaps to: what was in it is of no use to anybody.
pub fn again(device: Unused<'_>, wanted: &Make<'_>) -> Command {
    written(&device.device().path, wanted)
}

fn written(device: &str, make: &Make<'_>) -> Command {
    let mut command = Command::new("mkswap");
    for (option, value) in [("--label", make.label), ("--uuid", make.uuid)] {
        if let Some(value) = value {
            command = command.args([option, value]);
        }
    }
    let command = command.args(make.options.iter().cloned()).arg(device);
    // It counts in KiB.
    command.args(make.size.map(|size| (size >> 10).to_string()))
}

/// Renames one that nobody swaps to.
pub fn label(device: Unused<'_>, label: &str) -> Command {
    Command::new("swaplabel").args(["--label", label, &device.device().path])
}

/// Gives one that nobody swaps to another UUID.
pub fn uuid(device: Unused<'_>, uuid: &str) -> Command {
    Command::new("swaplabel").args(["--uuid", uuid, &device.device().path])
}
