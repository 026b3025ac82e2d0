//! ext2, ext3 and ext4: named and grown mounted or not, made smaller while not mounted.

use super::asked::Asked;
use super::kind::{Kind, Place, Rules, SLACK, Tuning};
use crate::exec::Command;
use crate::machine::claim::BlankDevice;
use crate::machine::mounts::Live;
use crate::plan::{Accept, Refusal, Step};
use crate::tools::filesystem::{Make, ext};
use crate::tools::mount as tool;

pub(super) struct Ext(pub(super) &'static str);

const RULES: Rules =
    Rules { label: ext::LABEL, least: ext::LEAST, slack: SLACK, sized: true, options: &ext::OPTIONS };

impl Kind for Ext {
    fn name(&self) -> &'static str {
        self.0
    }

    fn rules(&self) -> &'static Rules {
        &RULES
    }

    fn make(&self, device: BlankDevice<'_>, make: &Make<'_>, asked: &Asked) -> Result<Vec<Command>, String> {
        let command = ext::make(device, self.0, make);
        let tune = ext::tune(device.path(), asked.tunables()?);
        Ok(std::iter::once(command).chain(tune).collect())
    }

    fn relabel(&self, place: &Place<'_>, label: &str) -> Result<Command, Refusal> {
        Ok(ext::label(place.path(), label))
    }

    fn reidentify(&self, place: &Place<'_>, uuid: &str) -> Result<Vec<Step>, Refusal> {
        let unused = place.idle("the UUID")?;
        // Where its checksums depend on it, it wants to be checked first.
        Ok(vec![check(place.path()), Step::run(ext::uuid(unused, uuid))])
    }

    fn tune(&self, place: &Place<'_>, asked: &Asked) -> Result<Tuning, Refusal> {
        let wanted = asked.tunables().map_err(Refusal::new)?;
        let differs = |name: &str, value: Option<String>| {
            value.is_some_and(|value| place.found.property(name) != Some(value.as_str()))
        };
        let mut missing = ext::Tunables::default();
        let mut differing = Vec::new();
        let mut note = |name: &'static str, value: String| {
            differing.push((name, place.found.property(name).map(str::to_owned), value));
        };
        if let Some(percent) = wanted.reserved
            && differs("reserved", Some(percent.to_string()))
        {
            missing.reserved = Some(percent);
            note("reserved", percent.to_string());
        }
        if let Some(errors) = wanted.errors
            && differs("errors", Some(errors.to_owned()))
        {
            missing.errors = Some(errors);
            note("errors", errors.to_owned());
        }
        // 0 and -1 both are never.
        let never = |count: i16| if count <= 0 { -1 } else { count };
        let found = place.found.property("max_mounts").and_then(|text| text.parse().ok()).map(never);
        if let Some(count) = wanted.max_mounts.map(never)
            && found != Some(count)
        {
            missing.max_mounts = Some(count);
            note("max_mounts", count.to_string());
        }
        if let Some(seconds) = wanted.check_interval
            && differs("check_interval", Some(seconds.to_string()))
        {
            missing.check_interval = Some(seconds);
            note("check_interval", seconds.to_string());
        }
        let steps = ext::tune(place.path(), missing).map(Step::run).into_iter().collect();
        Ok(Tuning { differing, steps })
    }

    fn grow(&self, place: &Place<'_>, to: Option<u64>) -> Result<Vec<Step>, Refusal> {
        let grow = Step::run(ext::grow(place.path(), to));
        if place.mounted().is_some() {
            return Ok(vec![grow]);
        }
        place.idle("the size")?;
        Ok(vec![check(place.path()), grow])
    }

    fn shrink(&self, place: &Place<'_>, to: u64, allow_offline: bool) -> Result<Vec<Step>, Refusal> {
        let steps = [check(place.path()), Step::run(ext::shrink(place.path(), to))];
        let mounts: Vec<&Live> = place.mounts().collect();
        let [live] = mounts.as_slice() else {
            // Nobody, or nobody who could be asked to let go for a moment.
            place.idle("the size")?;
            return Ok(steps.into());
        };
        let target = live.target.as_str();
        let refusal = Refusal::new(format!(
            "{} is mounted at {target}, and has to be unmounted to be made smaller",
            place.name()
        ));
        if !allow_offline {
            return Err(refusal.help("`allow_offline: true` unmounts it for as long as that takes"));
        }
        let below = |other: &&Live| target == "/" || other.target.starts_with(&format!("{target}/"));
        if let Some(other) = place.machine.mounts.iter().flat_map(|mounts| &mounts.live).find(below) {
            return Err(refusal.fact(format!("it cannot be: {} is mounted below it", other.target)));
        }
        // What SELinux adds is no option of mount.
        let options: Vec<&str> =
            live.options.iter().map(String::as_str).filter(|option| *option != "seclabel").collect();
        let mut all = vec![Step::run(tool::unmount(target))];
        all.extend(steps);
        all.push(Step::run(tool::mount(place.path(), target, &live.fstype, &options.join(","))));
        Ok(all)
    }
}

fn check(device: &str) -> Step {
    Step::Run { command: ext::check(device), accept: Accept::AtMost(ext::CORRECTED) }
}
