//! XFS: named mounted or not, grown while mounted, never made smaller.

use super::asked::Asked;
use super::kind::{Kind, Place, Rules, SLACK, Tuning};
use crate::exec::Command;
use crate::machine::claim::BlankDevice;
use crate::plan::{Refusal, Step};
use crate::tools::filesystem::{Make, xfs};
use crate::units::{MIB, Size};

pub(super) struct Xfs;

const RULES: Rules =
    Rules { label: xfs::LABEL, least: xfs::LEAST, slack: SLACK, sized: true, options: &xfs::OPTIONS };
/// What a log may differ from what was asked for: it is cut to whole stripes.
const LOG_SLACK: u64 = MIB;

impl Kind for Xfs {
    fn name(&self) -> &'static str {
        "xfs"
    }

    fn rules(&self) -> &'static Rules {
        &RULES
    }

    fn make(&self, device: BlankDevice<'_>, make: &Make<'_>, asked: &Asked) -> Result<Vec<Command>, String> {
        Ok(vec![xfs::make(device, make, asked.fixed()?)])
    }

    fn relabel(&self, place: &Place<'_>, label: &str) -> Result<Command, Refusal> {
        Ok(match place.mounted() {
            Some(target) => xfs::label_mounted(target, label),
            None => xfs::label(place.idle("the label")?, label),
        })
    }

    fn reidentify(&self, place: &Place<'_>, uuid: &str) -> Result<Vec<Step>, Refusal> {
        Ok(vec![Step::run(xfs::uuid(place.idle("the UUID")?, uuid))])
    }

    fn tune(&self, place: &Place<'_>, asked: &Asked) -> Result<Tuning, Refusal> {
        let fixed = asked.fixed().map_err(Refusal::new)?;
        let number = |name: &str| place.found.property(name).and_then(|text| text.parse::<u64>().ok());
        let word = |on: bool| if on { "on" } else { "off" }.to_owned();
        let mut differing = Vec::new();
        for (name, asked) in [("reflink", fixed.reflink), ("bigtime", fixed.bigtime)] {
            let found = place.found.property(name).map(|text| text == "true");
            if let (Some(asked), Some(found)) = (asked, found)
                && asked != found
            {
                differing.push(format!("`{name}` is {}, not {}", word(found), word(asked)));
            }
        }
        for (name, asked, slack) in
            [("inode_size", fixed.inode_size, 0), ("log_size", fixed.log_size, LOG_SLACK)]
        {
            if let (Some(asked), Some(found)) = (asked, number(name))
                && asked.abs_diff(found) > slack
            {
                differing.push(format!("`{name}` is {}, not {}", Size(found), Size(asked)));
            }
        }
        if differing.is_empty() {
            return Ok(Tuning::default());
        }
        let refusal = Refusal::new(format!("{} was made otherwise, and that is fixed", place.name()));
        let refusal = differing.into_iter().fold(refusal, Refusal::fact);
        Err(refusal.help("leave it out of `xfs` to keep what is there"))
    }

    fn grow(&self, place: &Place<'_>, to: Option<u64>) -> Result<Vec<Step>, Refusal> {
        let Some(target) = place.mounted() else {
            return Err(Refusal::new(format!("{} is smaller than it shall be", place.name()))
                .fact(format!(
                    "it has {} of {}",
                    Size(place.found.size.unwrap_or_default()),
                    Size(place.device.size)
                ))
                .help("xfs grows only while it is mounted; mount it first"));
        };
        let block = place.found.property("block_size").and_then(|text| text.parse().ok()).unwrap_or(4096);
        Ok(vec![Step::run(xfs::grow(target, to.map(|bytes| bytes / block)))])
    }

    fn shrink(&self, place: &Place<'_>, to: u64, _: bool) -> Result<Vec<Step>, Refusal> {
        let size = place.found.size.unwrap_or_default();
        let refusal = Refusal::new(format!("{} cannot be made smaller, no xfs can", place.name()))
            .fact(format!("it has {}, and {} was asked for", Size(size), Size(to)));
        let refusal = match place.found.used {
            Some(used) => refusal.fact(format!("{} of it are in use", Size(used))),
            None => refusal,
        };
        Err(refusal.help(
            "make a new volume of that size with a file system on it, copy with xfsdump and xfsrestore or rsync, mount \
             the new one in its place, and remove the old one",
        ))
    }
}
