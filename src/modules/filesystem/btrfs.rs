//! btrfs on one device: named mounted or not, grown and made smaller while mounted. Its profiles, devices and
//! subvolumes are the business of other modules.

use super::asked::Asked;
use super::kind::{Kind, Place, Rules};
use crate::exec::Command;
use crate::machine::claim::BlankDevice;
use crate::plan::{Refusal, Step};
use crate::tools::filesystem::{Make, btrfs};
use crate::units::KIB;

pub(super) struct Btrfs;

/// It uses all of its device but for part of a block.
const RULES: Rules = Rules {
    label: btrfs::LABEL,
    least: btrfs::LEAST,
    slack: 64 * KIB,
    sized: true,
    options: &btrfs::OPTIONS,
};

impl Kind for Btrfs {
    fn name(&self) -> &'static str {
        "btrfs"
    }

    fn rules(&self) -> &'static Rules {
        &RULES
    }

    fn make(&self, device: BlankDevice<'_>, make: &Make<'_>, _: &Asked) -> Result<Vec<Command>, String> {
        Ok(vec![btrfs::make(device, make)])
    }

    fn relabel(&self, place: &Place<'_>, label: &str) -> Result<Command, Refusal> {
        Ok(match place.mounted() {
            Some(target) => btrfs::label_mounted(target, label),
            None => btrfs::label(place.idle("the label")?, label),
        })
    }

    fn reidentify(&self, place: &Place<'_>, uuid: &str) -> Result<Vec<Step>, Refusal> {
        Ok(vec![Step::run(btrfs::uuid(place.idle("the UUID")?, uuid))])
    }

    fn grow(&self, place: &Place<'_>, to: Option<u64>) -> Result<Vec<Step>, Refusal> {
        resize(place, to)
    }

    fn shrink(&self, place: &Place<'_>, to: u64, _: bool) -> Result<Vec<Step>, Refusal> {
        resize(place, Some(to))
    }
}

fn resize(place: &Place<'_>, to: Option<u64>) -> Result<Vec<Step>, Refusal> {
    let Some(target) = place.mounted() else {
        return Err(Refusal::new(format!("{} is not mounted", place.name()))
            .help("the size of a btrfs changes only while it is mounted; mount it first"));
    };
    let number = place.found.property("device").unwrap_or("1");
    Ok(vec![Step::run(btrfs::resize(target, number, to))])
}
