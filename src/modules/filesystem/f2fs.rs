//! F2FS: named and grown while nobody uses it; its UUID is what it was made with.

use super::asked::Asked;
use super::kind::{Kind, Place, Rules, SLACK};
use crate::exec::Command;
use crate::machine::claim::BlankDevice;
use crate::plan::{Refusal, Step};
use crate::tools::filesystem::{Make, f2fs};

pub(super) struct F2fs;

const RULES: Rules =
    Rules { label: f2fs::LABEL, least: f2fs::LEAST, slack: SLACK, sized: false, options: &f2fs::OPTIONS };

impl Kind for F2fs {
    fn name(&self) -> &'static str {
        "f2fs"
    }

    fn rules(&self) -> &'static Rules {
        &RULES
    }

    fn make(&self, device: BlankDevice<'_>, make: &Make<'_>, _: &Asked) -> Result<Vec<Command>, String> {
        Ok(vec![f2fs::make(device, make)])
    }

    fn relabel(&self, place: &Place<'_>, label: &str) -> Result<Command, Refusal> {
        Ok(f2fs::label(place.idle("the label")?, label))
    }

    fn reidentify(&self, place: &Place<'_>, uuid: &str) -> Result<Vec<Step>, Refusal> {
        Err(Refusal::new(format!("the UUID of {} is fixed: no tool changes it", place.name()))
            .fact(format!(
                "it has {}, and {uuid} was asked for",
                place.found.uuid.known().unwrap_or("another")
            ))
            .help("leave `uuid` out to keep it"))
    }

    fn grow(&self, place: &Place<'_>, _: Option<u64>) -> Result<Vec<Step>, Refusal> {
        Ok(vec![Step::run(f2fs::grow(place.idle("the size")?))])
    }

    fn shrink(&self, place: &Place<'_>, _: u64, _: bool) -> Result<Vec<Step>, Refusal> {
        Err(Refusal::new(format!("making {} smaller is not supported yet", place.name())))
    }
}
