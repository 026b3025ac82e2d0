//! XFS: `mkfs.xfs`, `xfs_admin`, `xfs_io` and `xfs_growfs`.

use super::{Make, Options};
use crate::exec::Command;
use crate::machine::array::Stripe;
use crate::machine::claim::{BlankDevice, Unused};

/// Longest label.
pub const LABEL: usize = 12;
/// mkfs makes nothing smaller.
pub const LEAST: u64 = 300 << 20;
/// mkfs makes no smaller log.
pub const LEAST_LOG: u64 = 64 << 20;

pub const OPTIONS: Options = Options {
    program: "mkfs.xfs",
    flags: &["-K"],
    valued: &["-b", "-m", "-d", "-i", "-l", "-n", "-r", "-s"],
    instead: &[
        ("-L", "use `label`"),
        ("-f", "it is never forced; `dev` is emptied first, with consent"),
        ("-N", "a dry run is `--check`"),
        ("uuid=", "use `uuid`"),
        ("size=", "use `size`, and `xfs` for the sizes of inodes and the log"),
        ("reflink=", "use `xfs`"),
        ("bigtime=", "use `xfs`"),
        ("name=", "devices beside `dev` are not supported yet"),
        ("logdev=", "devices beside `dev` are not supported yet"),
        ("rtdev=", "devices beside `dev` are not supported yet"),
        ("file", "it is made on a device"),
    ],
};

/// What is fixed when one is made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fixed {
    pub reflink: Option<bool>,
    pub bigtime: Option<bool>,
    /// Bytes.
    pub inode_size: Option<u64>,
    /// Bytes.
    pub log_size: Option<u64>,
}

pub fn make(device: BlankDevice<'_>, make: &Make<'_>, fixed: Fixed) -> Command {
    let mut command = Command::new("mkfs.xfs").arg("-q");
    if let Some(label) = make.label {
        command = command.args(["-L", label]);
    }
    let flag = |name: &str, on: Option<bool>| on.map(|on| format!("{name}={}", u8::from(on)));
    let uuid = make.uuid.map(|uuid| format!("uuid={uuid}"));
    let meta: Vec<String> = uuid
        .into_iter()
        .chain(flag("reflink", fixed.reflink))
        .chain(flag("bigtime", fixed.bigtime))
        .collect();
    let stripe = make.stripe.map(|Stripe { unit, width }| format!("su={unit},sw={width}"));
    let data: Vec<String> = make.size.map(|size| format!("size={size}")).into_iter().chain(stripe).collect();
    for (option, words) in [("-m", meta), ("-d", data)] {
        if !words.is_empty() {
            command = command.args([option.to_owned(), words.join(",")]);
        }
    }
    for (option, size) in [("-i", fixed.inode_size), ("-l", fixed.log_size)] {
        if let Some(size) = size {
            command = command.args([option.to_owned(), format!("size={size}")]);
        }
    }
    command.args(make.options.iter().cloned()).arg(device.path())
}

/// Renames an unmounted one.
pub fn label(device: Unused<'_>, label: &str) -> Command {
    Command::new("xfs_admin").args(["-L", if label.is_empty() { "--" } else { label }, &device.device().path])
}

/// Renames a mounted one.
pub fn label_mounted(mountpoint: &str, label: &str) -> Command {
    let order = if label.is_empty() { "label -c".to_owned() } else { format!("label -s {label}") };
    Command::new("xfs_io").args(["-c", &order, mountpoint])
}

/// Gives an unmounted one another UUID.
pub fn uuid(device: Unused<'_>, uuid: &str) -> Command {
    Command::new("xfs_admin").args(["-U", uuid, &device.device().path])
}

/// Grows to the size of its device, or to so many blocks of its own; only while mounted.
pub fn grow(mountpoint: &str, blocks: Option<u64>) -> Command {
    let command = Command::new("xfs_growfs");
    match blocks {
        Some(blocks) => command.args(["-D".to_owned(), blocks.to_string(), mountpoint.to_owned()]),
        None => command.args(["-d", mountpoint]),
    }
}
