//! What is changed of a dataset that is there.

use super::super::zpool::dataset_properties;
use super::ZfsDataset;
use super::make::grown;
use crate::machine::zfs::{Dataset, DatasetKind, Zfs, ZfsEffect};
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{udevadm, zfs as tool};
use crate::units::Size;

impl ZfsDataset {
    pub(super) fn keep(&self, machine: &Machine, zfs: &Zfs, found: &Dataset) -> Result<Plan, Refusal> {
        let name = &*self.name;
        if self.kind() == DatasetKind::Volume && found.kind != DatasetKind::Volume {
            return Err(Refusal::new(format!("{name} is a {} and has no `volsize`", found.kind.name()))
                .help("give the volume another name"));
        }
        if let Some(origin) = &self.origin
            && found.origin.as_deref() != Some(&**origin)
        {
            let is = match &found.origin {
                Some(other) => format!("a clone of {other}"),
                None => "no clone".to_owned(),
            };
            return Err(Refusal::new(format!("{name} is {is}, and cannot become one of {origin}"))
                .help("make another clone, or destroy this one first")
                .help("where it was promoted, `origin` is now the other's: leave it out"));
        }
        let mut plan = self.resize(machine, found)?;
        plan.then(dataset_properties(zfs, name, &self.wishes())?);
        plan.then(self.hold(found));
        Ok(plan)
    }

    fn resize(&self, machine: &Machine, found: &Dataset) -> Result<Plan, Refusal> {
        let (Some(wanted), Some(size)) = (self.volsize()?, found.volsize) else { return Ok(Plan::empty()) };
        let name = &*self.name;
        if wanted == size {
            return Ok(Plan::empty());
        }
        if wanted < size {
            return Err(Refusal::new(format!(
                "the volume {name} of {} cannot shrink to {}",
                Size(size),
                Size(wanted)
            ))
            .fact("ZFS would cut off whatever lies at its end")
            .help("make another volume, and copy what is in this one there"));
        }
        let block = found.properties.as_ref().and_then(|all| all.get("volblocksize"));
        let block = block.and_then(|block| block.value.parse().ok());
        self.whole_blocks(wanted, block.unwrap_or(512))?;
        let change = Change::modify("dataset", name, "").attribute(
            "volsize",
            Some(Size(size).to_string()),
            Some(Size(wanted).to_string()),
        );
        let effect = ZfsEffect::Property {
            dataset: name.to_owned(),
            name: "volsize".to_owned(),
            value: Some(wanted.to_string()),
        };
        let mut predicts = vec![Prediction::Zfs(effect)];
        predicts.extend(grown(machine, name, wanted)?);
        let steps =
            [Step::run(tool::set(name, "volsize", &wanted.to_string())), Step::run(udevadm::settle())];
        Ok(Plan::of(change, steps, predicts))
    }
}
