//! XFS: making, naming and growing it.

use crate::exec::Command;
use crate::machine::array::Stripe;
use crate::machine::claim::{BlankDevice, Unused};

/// Longest label.
pub const LABEL: usize = 12;
/// mkfs makes nothing smaller.
pub const LEAST: u64 = 300 << 20;

pub fn make(
    device: BlankDevice<'_>,
    label: Option<&str>,
    stripe: Option<Stripe>,
    options: &[String],
) -> Command {
    let mut command = Command::new("mkfs.xfs").arg("-q");
    if let Some(label) = label {
        command = command.args(["-L", label]);
    }
    if let Some(Stripe { unit, width }) = stripe {
        command = command.args(["-d".to_owned(), format!("su={unit},sw={width}")]);
    }
    command.args(options.iter().cloned()).arg(device.path())
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

/// Grows to the size of its device; only while mounted.
pub fn grow(mountpoint: &str) -> Command {
    Command::new("xfs_growfs").args(["-d", mountpoint])
}
