//! Turning swap on and off. Off is refused while there is no room for what is swapped out: the kernel would have to
//! end programs.

use crate::machine::mounts::{Mounts, MountsEffect};
use crate::machine::swap::Area;
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::swap as tool;
use crate::units::{KIB, Size};

/// Swap as it is to be on.
pub(super) struct On<'a> {
    pub(super) path: &'a str,
    pub(super) size: u64,
    pub(super) priority: Option<u16>,
    pub(super) options: &'a str,
}

impl On<'_> {
    pub(super) fn plan(&self, machine: &Machine, mounts: &Mounts, plan: &mut Plan) -> Result<(), Refusal> {
        let options: Vec<&str> = self
            .options
            .split(',')
            .filter(|word| word.starts_with("pri=") || word.starts_with("discard"))
            .collect();
        let on = Step::run(tool::on(self.path, &options.join(",")));
        // The first page says that it is swap.
        let size = self.size.saturating_sub(4 * KIB);
        let area = Area { path: self.path.to_owned(), size, used: 0, priority: self.priority };
        let predicts =
            [Prediction::Mounts(MountsEffect::Swap { path: self.path.to_owned(), area: Some(area) })];
        // What this plan turned off to make it anew is turned on again.
        let turned_off = plan.actions.iter().flat_map(|action| &action.predicts).any(
            |one| matches!(one, Prediction::Mounts(MountsEffect::Swap { path, area: None }) if path == self.path),
        );
        let Some(found) = mounts.swapping(self.path).filter(|_| !turned_off) else {
            plan.push(Change::create("swap", self.path, Size(self.size).to_string()), [on], predicts);
            return Ok(());
        };
        if self.priority.is_none_or(|wanted| found.priority == Some(wanted)) {
            return Ok(());
        }
        room(machine, mounts, found)?;
        let shown = |priority: Option<u16>| priority.map_or("the kernel's".to_owned(), |one| one.to_string());
        let change = Change::modify("swap", self.path, "").risk(Risk::Disruptive).attribute(
            "priority",
            Some(shown(found.priority)),
            Some(shown(self.priority)),
        );
        plan.push(change, [Step::run(tool::off(self.path)), on], predicts);
        Ok(())
    }
}

pub(super) fn off(machine: &Machine, mounts: &Mounts, path: &str, plan: &mut Plan) -> Result<(), Refusal> {
    let Some(found) = mounts.swapping(path) else { return Ok(()) };
    room(machine, mounts, found)?;
    plan.push(
        Change::remove("swap", path, Size(found.size).to_string()).risk(Risk::Disruptive),
        [Step::run(tool::off(path))],
        [Prediction::Mounts(MountsEffect::Swap { path: path.to_owned(), area: None })],
    );
    Ok(())
}

fn room(machine: &Machine, mounts: &Mounts, area: &Area) -> Result<(), Refusal> {
    let memory = machine.memory.ok_or_else(|| Refusal::new("the memory of this host is not known"))?;
    let others = mounts.swaps.iter().filter(|other| other.path != area.path);
    let elsewhere: u64 = others.map(|other| other.size.saturating_sub(other.used)).sum();
    if area.used <= memory.available.saturating_add(elsewhere) {
        return Ok(());
    }
    Err(Refusal::new(format!(
        "swap on {} cannot be turned off: {} are swapped out to it",
        area.path,
        Size(area.used)
    ))
    .fact(format!("{} of memory are available", Size(memory.available)))
    .fact(format!("{} of other swap are free", Size(elsewhere)))
    .help("end something that needs memory, or add other swap first"))
}
