//! Swap areas. One that nobody swaps to holds nothing, so it changes its size by being made anew under the same UUID.

use super::asked::Asked;
use super::kind::{Kind, Place, Rules};
use crate::exec::Command;
use crate::machine::claim::BlankDevice;
use crate::plan::{Refusal, Step};
use crate::tools::filesystem::{Make, swap};
use crate::units::KIB;

pub(super) struct Swap;

/// It is counted in pages, which can be that large.
const RULES: Rules =
    Rules { label: swap::LABEL, least: swap::LEAST, slack: 64 * KIB, sized: false, options: &swap::OPTIONS };

impl Kind for Swap {
    fn name(&self) -> &'static str {
        "swap"
    }

    fn rules(&self) -> &'static Rules {
        &RULES
    }

    fn make(&self, device: BlankDevice<'_>, make: &Make<'_>, _: &Asked) -> Result<Vec<Command>, String> {
        Ok(vec![swap::make(device, make)])
    }

    fn relabel(&self, place: &Place<'_>, label: &str) -> Result<Command, Refusal> {
        Ok(swap::label(place.idle("the label")?, label))
    }

    fn reidentify(&self, place: &Place<'_>, uuid: &str) -> Result<Vec<Step>, Refusal> {
        Ok(vec![Step::run(swap::uuid(place.idle("the UUID")?, uuid))])
    }

    fn grow(&self, place: &Place<'_>, to: Option<u64>) -> Result<Vec<Step>, Refusal> {
        again(place, to)
    }

    fn shrink(&self, place: &Place<'_>, to: u64, _: bool) -> Result<Vec<Step>, Refusal> {
        again(place, Some(to))
    }
}

fn again(place: &Place<'_>, to: Option<u64>) -> Result<Vec<Step>, Refusal> {
    let unused = place.idle("the size")?;
    // A late name, so that the plan is the same while the area is only foreseen.
    let uuid = format!("@{{uuid:{}}}", place.path());
    let make = Make { label: place.found.label.as_deref(), uuid: Some(&uuid), size: to, ..Make::default() };
    Ok(vec![Step::run(swap::again(unused, &make))])
}
