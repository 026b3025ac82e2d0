//! Making one, on a device that is blank or has consent to be.

use super::super::devices::{clear, confirm, holds_now};
use super::asked::Asked;
use super::kind::{Kind, Place};
use crate::machine::Machine;
use crate::machine::block::{Content, Device, FileSystem, Uuid};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::filesystem::Make;
use crate::tools::udevadm;
use crate::units::Size;

pub(super) fn make(
    machine: &Machine,
    device: &Device,
    kind: &dyn Kind,
    asked: &Asked,
    plan: &mut Plan,
) -> Result<(), Refusal> {
    let claim = machine.claim(device)?;
    let (path, name) = (&device.path, kind.name());
    let uuid = asked.uuid().map_err(Refusal::new)?;
    let size = asked.size().map_err(Refusal::new)?;
    let (has, least) = (size.unwrap_or(device.size), kind.rules().least);
    if has > device.size {
        return Err(super::size::too_large(device, has));
    }
    if has < least {
        return Err(Refusal::new(format!("{path} is too small for {name}")).fact(format!(
            "it has {}, and {name} needs {}",
            Size(has),
            Size(least)
        )));
    }
    if let Some(uuid) = &uuid {
        super::identity::free(machine, device, uuid)?;
    }
    let options = asked.options().map_err(Refusal::new)?;
    let stripe = machine.stripe(device).filter(|_| matches!(name, "xfs" | "ext4" | "ext3" | "ext2"));
    let blank = clear(plan, claim);
    let make = Make {
        label: asked.label(),
        uuid: uuid.as_deref(),
        size: size.filter(|size| *size < device.size),
        stripe,
        options: &options,
    };
    let commands = kind.make(blank, &make, asked).map_err(Refusal::new)?;
    let aligned = stripe
        .map_or_else(String::new, |stripe| format!(", aligned to {} × {}", stripe.width, Size(stripe.unit)));
    let mut change = Change::create("file system", path, format!("{name} on {}{aligned}", Size(device.size)));
    for (name, value) in [
        ("label", make.label.map(str::to_owned)),
        ("uuid", uuid.clone()),
        ("size", make.size.map(|size| Size(size).to_string())),
    ] {
        if value.is_some() {
            change = change.attribute(name, None, value);
        }
    }
    let mut made = FileSystem {
        uuid: uuid.clone().map_or(Uuid::Late, Uuid::Known),
        label: make.label.map(str::to_owned),
        size: Some(has),
        stripe,
        ..FileSystem::new(name)
    };
    let tuning = kind.tune(&Place { machine, device, found: &made.clone() }, asked)?;
    tuning.differing.into_iter().for_each(|(name, _, wanted)| made.put(name, &wanted));
    let mut steps = vec![confirm(device, true)];
    steps.extend(commands.into_iter().map(Step::run));
    steps.push(Step::run(udevadm::settle()));
    plan.push(change, steps, [holds_now(path, Content::FileSystem(made))]);
    Ok(())
}
