//! Clearing a device for a new purpose: nothing to do, an empty table, or somebody's bytes, which takes consent.

use crate::machine::Prediction;
use crate::machine::block::{BlockEffect, Content, Device};
use crate::machine::claim::{BlankDevice, Claim};
use crate::plan::{Change, Plan, Step};
use crate::tools::{blkdiscard, wipefs};

/// Goes on only if the device is still what was planned with.
pub(in crate::modules) fn confirm(device: &Device, blank: bool) -> Step {
    Step::Confirm { device: device.path.clone(), serial: device.serial.clone(), size: device.size, blank }
}

/// Steps that leave both ends of a device empty, so that it is proven blank when looked at again.
pub(in crate::modules) fn empty_ends(path: &str, size: u64) -> impl Iterator<Item = Step> {
    blkdiscard::ends(path, size).into_iter().map(Step::run)
}

/// Plans what has to go before a device can be used: nothing, an empty table, or somebody's bytes, which takes consent.
pub(in crate::modules) fn clear<'a>(plan: &mut Plan, claim: Claim<'a>) -> BlankDevice<'a> {
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
pub(in crate::modules) fn blank_now(path: &str) -> Prediction {
    holds_now(path, Content::Blank { table: false })
}

/// The device holds this from now on.
pub(in crate::modules) fn holds_now(path: &str, content: Content) -> Prediction {
    Prediction::Block(BlockEffect::Content { path: path.to_owned(), content })
}
