//! FAT: `mkfs.vfat` and `fatlabel`.

use super::{Make, Options};
use crate::exec::Command;
use crate::machine::block::DeviceKind;
use crate::machine::claim::{BlankDevice, Unused};

/// Longest label.
pub const LABEL: usize = 11;
/// mkfs makes nothing smaller.
pub const LEAST: u64 = 64 << 10;

pub const OPTIONS: Options = Options {
    program: "mkfs.vfat",
    flags: &["-a"],
    valued: &["-F", "-s", "-S", "-R", "-r", "-f", "-h", "-M", "-b", "-g", "-D"],
    instead: &[
        ("-n", "use `label`"),
        ("-i", "use `uuid`"),
        ("-I", "it is never forced; `dev` is emptied first, with consent"),
    ],
};

/// `uuid` is `ABCD-1234`.
pub fn make(device: BlankDevice<'_>, make: &Make<'_>) -> Command {
    // Without `-I` older versions refuse whole disks.
    let mut command = Command::new("mkfs.vfat").arg("-I");
    // Newer ones give a whole disk a table with one partition that is all of it, and the kernel believes that.
    if !matches!(device.device().kind, DeviceKind::Partition | DeviceKind::Logical) {
        command = command.arg("--mbr=n");
    }
    if let Some(label) = make.label {
        command = command.args(["-n", label]);
    }
    if let Some(uuid) = make.uuid {
        command = command.args(["-i".to_owned(), uuid.replace('-', "")]);
    }
    command.args(make.options.iter().cloned()).arg(device.path())
}

/// Renames an unmounted one.
pub fn label(device: Unused<'_>, label: &str) -> Command {
    match label {
        "" => Command::new("fatlabel").args(["-r", &device.device().path]),
        label => Command::new("fatlabel").args([&device.device().path, label]),
    }
}

/// Gives an unmounted one another number, `ABCD-1234`.
pub fn uuid(device: Unused<'_>, uuid: &str) -> Command {
    Command::new("fatlabel").args(["-i", &device.device().path, &uuid.replace('-', "")])
}
