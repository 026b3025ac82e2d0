//! `teardown`: whole stacks of storage taken away, from what is exported down to the signatures of disks.
//!
//! It knows what lies on what, and in which order that goes. How each thing goes is known to the module of that thing:
//! the plan is theirs, stage by stage, each on the machine as the stages before leave it.

mod exports;
mod quiet;
mod stack;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::stack::{Node, Stack};
use super::devices::{DeviceRef, block};
use super::lvg::GroupName;
use super::mount::MountPath;
use super::stages::Stages;
use super::{Describe, Module, boot_image, md_array, xfs_quota};
use crate::machine::block::{Block, Content, DeviceKind};
use crate::machine::mounts::is_below;
use crate::machine::{Domain, Machine, Needs};
use crate::plan::{Plan, Refusal};

/// Takes storage away with everything that sits on it, top-down: exports, swap, mounts with their entries in fstab,
/// volumes, groups, arrays with their superblocks and their lines in mdadm.conf, encrypted containers with their lines in
/// crypttab, partitions, signatures; the initramfs is made anew once, at the end.
///
/// Each object that holds somebody's bytes takes its own consent. Without it, one refusal lists them all, with what each
/// holds and its token, and nothing is done. What cannot be ended in order is refused, whatever the consent: what the
/// system itself runs on, and what is held by something that no module here manages. Everything is unmounted before
/// anything is destroyed, so a file system that somebody works on stops the run with all bytes in place.
///
/// What lies below a named object stays, and is blank afterwards where the object was all that it held; `below: true`
/// takes that too. What is not there any more is fine, except for disks: a disk that cannot be found is an error.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Teardown {
    /// Disks, partitions, arrays, volumes or mappings, named as everywhere: paths, links below `/dev/disk`, serials,
    /// WWNs, or mappings of what a disk has to be.
    #[serde(default)]
    pub(super) devices: Vec<DeviceRef>,
    /// Names of arrays, without `/dev/md/`.
    #[serde(default)]
    pub(super) arrays: Vec<String>,
    /// Names of volume groups.
    #[serde(default)]
    pub(super) groups: Vec<GroupName>,
    /// Mount points: what is mounted there, or would be by fstab, goes with its device.
    #[serde(default)]
    pub(super) mounts: Vec<MountPath>,
    /// Whether all that the named objects sit on goes too, down to the disks, and with it everything else on those.
    #[serde(default)]
    pub(super) below: bool,
}

impl Describe for Teardown {
    const NAME: &'static str = "teardown";
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] = &[("disks", "devices")];
    const EXAMPLE: &'static str = "\
teardown:
  devices: [HF-DISK-1, HF-DISK-2]
  groups: [vg_kvm]
";
}

impl Module for Teardown {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Luks, Domain::Mounts, Domain::Memory, Domain::Exports])
            .and(md_array::boot_needs())
            .and(exports::needs())
            .and(xfs_quota::project_needs())
    }

    fn further(&self, machine: &Machine) -> Needs {
        let mut stages = Stages::looking(machine);
        // What is refused is said when it is planned.
        let _ = self.stages(&mut stages);
        stages.needs().and(exports::further(machine))
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let mut stages = Stages::on(machine);
        self.stages(&mut stages)?;
        let mut plan = boot_image::once(stages.plan());
        boot_image::catch_up(machine, &mut plan);
        Ok(plan)
    }
}

impl Teardown {
    fn stages(&self, stages: &mut Stages) -> Result<(), Refusal> {
        let machine = stages.machine().clone();
        let stack = Stack::on(&machine, self.named(&machine)?, self.below)?;
        let targets = quiet::targets(&machine, &stack, &self.mounts)?;
        stages.then(|machine| exports::withdraw(machine, &targets))?;
        quiet::swap(stages, &stack, &targets)?;
        quiet::unmount(stages, &targets)?;
        let goes = |path: &str| targets.iter().any(|target| path == target || is_below(path, target));
        stages.then(|machine| Ok(xfs_quota::forget(machine, goes)))?;
        stack.end(stages)
    }

    /// What is named and there.
    fn named(&self, machine: &Machine) -> Result<BTreeSet<Node>, Refusal> {
        let block = block(machine)?;
        let mut named = BTreeSet::new();
        for reference in &self.devices {
            if is_gone(machine, block, reference) {
                continue;
            }
            let device = reference.find(machine, "the teardown")?;
            let device = block.container(&device.path).unwrap_or(device);
            named.insert(Node::Device(device.path.clone()));
        }
        for name in &self.arrays {
            match block.array(name.trim_start_matches("/dev/md/")) {
                Some((device, _)) => drop(named.insert(Node::Device(device.path.clone()))),
                // What it says of an array that is not assembled, and what mdadm.conf still says of it.
                None => drop(named.insert(Node::Array(name.trim_start_matches("/dev/md/").to_owned()))),
            }
        }
        for name in &self.groups {
            if super::lvg::named(machine, name)?.is_some() {
                named.insert(Node::Group(name.to_string()));
            }
        }
        for path in &self.mounts {
            let source = quiet::source(machine, path);
            let device = source.and_then(|device| block.container(&device.path).or(Some(device)));
            named.extend(device.map(|device| Node::Device(device.path.clone())));
        }
        Ok(named)
    }
}

/// Whether a name is that of something that lay on a disk, and is no longer there.
fn is_gone(machine: &Machine, block: &Block, reference: &DeviceRef) -> bool {
    let DeviceRef::Name(name) = reference else { return false };
    if block.find(name).is_some() {
        return false;
    }
    let of_group = machine.lvm.is_some() && name.strip_prefix("/dev/").is_some_and(|rest| rest.contains('/'));
    let made = of_group && !name.starts_with("/dev/disk/");
    let digits = |letter: char| letter.is_ascii_digit();
    // The kernel's `/dev/vdb1` and udev's `...-part1`, of a disk that is there.
    let disk = name.trim_end_matches(digits);
    let whole = [disk, disk.trim_end_matches('p'), disk.trim_end_matches("-part")];
    made || disk != name
        && whole
            .iter()
            .filter(|whole| *whole != name)
            .any(|whole| block.find(whole).is_some_and(|found| found.kind == DeviceKind::Disk))
}

/// Whether that is an encrypted container.
fn is_container(content: &Content) -> bool {
    matches!(content, Content::Other { kind, .. } if kind == crate::machine::luks::KIND)
}
