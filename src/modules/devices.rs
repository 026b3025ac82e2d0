//! What the storage modules share: naming devices, looking them up, and clearing them for a new purpose.

mod clear;
mod list;
mod reference;
mod zero;

pub(super) use clear::{blank_now, clear, confirm, holds_now, keep_table};
pub(super) use list::DeviceList;
pub(super) use reference::DeviceRef;
pub(super) use zero::{empty_disk_ends, empty_ends, empty_free_ends};

use crate::machine::Machine;
use crate::machine::block::{Block, Device, DeviceKind};
use crate::machine::claim::loss;
use crate::plan::Refusal;
use crate::units::Size;

/// A text argument that is checked when it is decoded, so that what is wrong is said before any host is touched.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let check: fn(&str) -> Result<(), String> = $check;
                check(&text).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(checked: $name) -> Self {
                checked.0
            }
        }

        impl std::ops::Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }
    };
}
pub(crate) use checked_text;

/// Whether a name is one that LVM takes.
pub(super) fn lvm_name(text: &str) -> Result<(), String> {
    let known = |letter: char| letter.is_ascii_alphanumeric() || "+_.-".contains(letter);
    if text.is_empty() || text.len() > 127 || text.starts_with('-') || matches!(text, "." | "..") {
        return Err(format!("`{text}` is no name LVM takes"));
    }
    match text.chars().find(|letter| !known(*letter)) {
        Some(letter) => Err(format!("`{text}` is no name LVM takes: `{letter}` is not allowed in it")),
        None => Ok(()),
    }
}

/// The block devices of a machine that was asked for them.
pub(super) fn block(machine: &Machine) -> Result<&Block, Refusal> {
    machine.block.as_ref().ok_or_else(|| Refusal::new("the block devices of this host are not known"))
}

/// The link by which a device is the same one over restarts, where it has one. What carries a serial says more to a
/// person than a number.
pub(super) fn by_id<'a>(block: &'a Block, path: &str) -> Option<&'a str> {
    let links = block.names.iter().filter(|(_, device)| *device == path).map(|(link, _)| link.as_str());
    // The link of a physical volume is by what is on it.
    let by_id = |link: &&str| link.starts_with("/dev/disk/by-id/") && !link.contains("/lvm-pv-uuid-");
    links.filter(by_id).min_by_key(|link| link.contains("/wwn-") || link.contains("/nvme-eui."))
}

/// The device of a name; refused with a list of what there is when there is none.
pub(super) fn device<'a>(machine: &'a Machine, name: &str, wanted_for: &str) -> Result<&'a Device, Refusal> {
    let block = block(machine)?;
    block.find(name).ok_or_else(|| {
        let twins = block.twins(name);
        if twins.len() > 1 {
            let count = twins.len();
            let title = format!("{wanted_for} needs {name}, and {count} disks have that serial or WWN");
            let refusal = twins.into_iter().fold(Refusal::new(title), |all, one| all.fact(shown(one)));
            return refusal.help("name it by path or by a link below /dev/disk/by-path");
        }
        listed(Refusal::new(format!("{wanted_for} needs {name}, and there is no such device")), block)
    })
}

/// The refusal with the disks that there are.
fn listed(refusal: Refusal, block: &Block) -> Refusal {
    let disks = block.devices.values().filter(|device| device.kind == DeviceKind::Disk);
    disks
        .fold(refusal, |all, disk| all.fact(loss(disk)))
        .help("name a device that is there: by path, by a link below /dev/disk, by serial or by WWN")
}

/// How a device is shown among others: its path, and its serial where it has one.
pub(super) fn shown(device: &Device) -> String {
    match &device.serial {
        Some(serial) => format!("{} ({serial}, {})", device.path, Size(device.size)),
        None => format!("{} ({})", device.path, Size(device.size)),
    }
}
