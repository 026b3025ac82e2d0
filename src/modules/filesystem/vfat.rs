//! FAT: named while nobody uses it; its size is what it was made with.

use super::asked::Asked;
use super::kind::{Kind, Place, Rules, SLACK};
use crate::exec::Command;
use crate::machine::claim::BlankDevice;
use crate::plan::{Refusal, Step};
use crate::tools::filesystem::{Make, vfat};

pub(super) struct Vfat;

const RULES: Rules =
    Rules { label: vfat::LABEL, least: vfat::LEAST, slack: SLACK, sized: false, options: &vfat::OPTIONS };

impl Kind for Vfat {
    fn name(&self) -> &'static str {
        "vfat"
    }

    fn rules(&self) -> &'static Rules {
        &RULES
    }

    fn label(&self, label: &str) -> Result<(), String> {
        let bad = |letter: char| !letter.is_ascii() || "\"*+,./:;<=>?[\\]|".contains(letter);
        if label == "NO_NAME" || label.chars().any(|letter| letter.is_ascii_lowercase() || bad(letter)) {
            return Err(format!(
                "the label `{label}` is none of vfat: capitals, digits, `_`, `-` and the like"
            ));
        }
        Ok(())
    }

    fn uuid(&self, text: &str) -> Result<String, String> {
        let digits = text.replacen('-', "", 1).to_ascii_uppercase();
        if digits.len() == 8 && digits.chars().all(|letter| letter.is_ascii_hexdigit()) {
            return Ok(format!("{}-{}", &digits[..4], &digits[4..]));
        }
        Err(format!("`{text}` is no UUID of vfat: `ABCD-1234`"))
    }

    fn make(&self, device: BlankDevice<'_>, make: &Make<'_>, _: &Asked) -> Result<Vec<Command>, String> {
        Ok(vec![vfat::make(device, make)])
    }

    fn relabel(&self, place: &Place<'_>, label: &str) -> Result<Command, Refusal> {
        Ok(vfat::label(place.idle("the label")?, label))
    }

    fn reidentify(&self, place: &Place<'_>, uuid: &str) -> Result<Vec<Step>, Refusal> {
        Ok(vec![Step::run(vfat::uuid(place.idle("the UUID")?, uuid))])
    }

    fn grow(&self, place: &Place<'_>, _: Option<u64>) -> Result<Vec<Step>, Refusal> {
        Err(fixed(place))
    }

    fn shrink(&self, place: &Place<'_>, _: u64, _: bool) -> Result<Vec<Step>, Refusal> {
        Err(fixed(place))
    }
}

fn fixed(place: &Place<'_>) -> Refusal {
    Refusal::new(format!("the size of {} cannot be changed: there is no tool for it", place.name()))
        .help("copy what is in it, make it anew, and copy it back; or leave `resizefs` out")
}
