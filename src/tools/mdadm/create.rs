//! `mdadm --create`.

use super::manage::Flags;
use crate::exec::Command;
use crate::machine::array::{Level, Shape};
use crate::machine::claim::BlankDevice;
use crate::units::KIB;

/// An array to be made. Offset and size are explicit, so that the array has exactly the foreseen size.
#[derive(Debug)]
pub struct Create<'a> {
    pub name: &'a str,
    pub shape: Shape,
    pub members: &'a [(BlankDevice<'a>, Flags)],
    pub spares: &'a [(BlankDevice<'a>, Flags)],
    pub data_offset: u64,
    /// Bytes used of each member; nothing for raid0, which uses all of each.
    pub used: Option<u64>,
    /// `bitmap`, `resync` or `ppl`; nothing for raid0, which has nothing to keep consistent.
    pub policy: Option<&'a str>,
    /// Whether the members are taken for equal already.
    pub assume_clean: bool,
}

/// The home host `any` gives the array its plain name on every host, and after that host was renamed.
pub fn create(array: &Create<'_>) -> Command {
    let Shape { level, layout, chunk, slots } = array.shape;
    let mut command = Command::new("mdadm").args([
        "--create".to_owned(),
        format!("/dev/md/{}", array.name),
        format!("--name={}", array.name),
        "--homehost=any".to_owned(),
        "--metadata=1.2".to_owned(),
        format!("--level={}", level.name()),
        format!("--raid-devices={slots}"),
    ]);
    if !array.spares.is_empty() {
        command = command.arg(format!("--spare-devices={}", array.spares.len()));
    }
    if level == Level::Raid10 {
        command = command.arg(format!("--layout={layout}"));
    }
    if level.striped() {
        command = command.arg(format!("--chunk={}K", chunk / KIB));
    }
    command = command.arg(format!("--data-offset={}K", array.data_offset / KIB));
    if let Some(used) = array.used {
        command = command.arg(format!("--size={}K", used / KIB));
    }
    command = match array.policy {
        Some("bitmap") => command.arg("--bitmap=internal"),
        Some("resync") => command.arg("--bitmap=none"),
        Some(policy) => command.arg(format!("--consistency-policy={policy}")),
        None => command,
    };
    if array.assume_clean && level.redundant() {
        command = command.arg("--assume-clean");
    }
    command = command.arg("--run");
    let mut before = Flags::default();
    for (device, flags) in array.members.iter().chain(array.spares) {
        command = command.args(flags.after(before)).arg(device.path());
        before = *flags;
    }
    command
}
