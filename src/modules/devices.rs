//! What the storage modules share: looking a device up, and clearing it for a new purpose.

use crate::machine::block::{Block, BlockEffect, Content, Device};
use crate::machine::claim::{BlankDevice, Claim, loss};
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{blkdiscard, wipefs};
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

/// The device of a name; refused with a list of what there is when there is none.
pub(super) fn device<'a>(machine: &'a Machine, name: &str, wanted_for: &str) -> Result<&'a Device, Refusal> {
    let block = block(machine)?;
    block.find(name).ok_or_else(|| {
        let mut refusal = Refusal::new(format!("{wanted_for} needs {name}, and there is no such device"));
        for device in
            block.devices.values().filter(|device| device.kind == crate::machine::block::DeviceKind::Disk)
        {
            refusal = refusal.fact(loss(device));
        }
        refusal.help("name a device that is there: by path, by a link below /dev/disk, or by serial")
    })
}

/// How a device is shown among others: its path, and its serial where it has one.
pub(super) fn shown(device: &Device) -> String {
    match &device.serial {
        Some(serial) => format!("{} ({serial}, {})", device.path, Size(device.size)),
        None => format!("{} ({})", device.path, Size(device.size)),
    }
}

/// Goes on only if the device is still what was planned with.
pub(super) fn confirm(device: &Device, blank: bool) -> Step {
    Step::Confirm { device: device.path.clone(), serial: device.serial.clone(), size: device.size, blank }
}

/// Steps that leave both ends of a device empty, so that it is proven blank when looked at again.
pub(super) fn empty_ends(path: &str, size: u64) -> impl Iterator<Item = Step> {
    blkdiscard::ends(path, size).into_iter().map(Step::run)
}

/// Plans what has to go before a device can be used: nothing, an empty table, or somebody's bytes, which takes consent.
pub(super) fn clear<'a>(plan: &mut Plan, claim: Claim<'a>) -> BlankDevice<'a> {
    let device = claim.device();
    let blank = claim.wiped();
    if !claim.needs_wiping() {
        return blank;
    }
    let predicts = [blank_now(&device.path)];
    if claim.destroys() {
        let change = Change::destroy("content of", &device.path, claim.token(), claim.loss());
        let mut steps = vec![confirm(device, false), Step::run(wipefs::all(claim.unused()))];
        steps.extend(empty_ends(&device.path, device.size));
        plan.push(change, steps, predicts);
    } else {
        let change = match claim.unfinished() {
            Some(making) => Change::remove("unfinished bytes on", &device.path, format!("of the {making}")),
            None => Change::remove("empty partition table of", &device.path, ""),
        };
        let mut steps = vec![confirm(device, false), Step::run(wipefs::table(blank))];
        steps.extend(empty_ends(&device.path, device.size));
        plan.push(change, steps, predicts);
    }
    blank
}

/// Nothing is on the device any more.
pub(super) fn blank_now(path: &str) -> Prediction {
    holds_now(path, Content::Blank { table: false })
}

/// The device holds this from now on.
pub(super) fn holds_now(path: &str, content: Content) -> Prediction {
    Prediction::Block(BlockEffect::Content { path: path.to_owned(), content })
}
