//! `md_array`: software RAID, from the first superblock to the last.
//!
//! An array is changed stage by stage, each planned on the machine as the stages before leave it: recognised or made,
//! named, completed, replaced in, reshaped, resized. A stage that finds nothing missing plans nothing.

mod arguments;
mod assembly;
mod completion;
mod creation;
mod growth;
mod levels;
mod naming;
mod recognition;
mod removal;
mod replacement;
mod reshape;
mod settled;
#[cfg(test)]
mod tests;

pub(super) use naming::{DEBIAN, config, needs as boot_needs, unregistration};
pub(super) use removal::removal;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::DeviceList;
use super::stages::Stages;
use super::{Describe, Module, boot_image};
use crate::machine::{Domain, Machine, Needs};
use crate::modules::presence::State;
use crate::plan::{Plan, Refusal};
use arguments::{ArrayName, BackupFile, ChunkSize, LayoutName, LevelName, Metadata12, Policy, Use};

/// Makes, recognises, completes, reshapes or removes a software RAID array. The array gets the lasting name
/// `/dev/md/NAME`, an entry in mdadm.conf, and a place in the initramfs, so that it is there again after a reboot.
///
/// Only devices that are proven blank are used without asking; what another device holds is named, with the token that
/// would allow to destroy it. An array that is there is recognised by its superblocks: under another name it gets its
/// own, and where it is not assembled it is assembled of exactly its members.
///
/// More `members` than it has are taken in, and it is reshaped; another `level` is reached on the way the kernel has,
/// with redundancy at each step wherever it began with it: raid1 of 2 to raid5, raid5 to raid6, raid6 to raid5, raid0
/// to raid5 or raid10. No reshape is begun while another one, a resync or a recovery runs. Layout and chunk size of an
/// array that is there are never changed.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MdArray {
    /// The name of the array: `kvm` becomes `/dev/md/kvm`.
    name: ArrayName,
    /// `raid0`, `raid1`, `raid5`, `raid6` or `raid10`; the number alone will do. Needed while it is `present`.
    level: Option<LevelName>,
    /// The disks or partitions it is made of: paths, links below `/dev/disk`, serials, or mappings of what a disk has
    /// to be; or `unused: {count: 4, min_size: 1TiB}` for disks that nobody uses. Needed while it is `present`.
    #[serde(default)]
    members: DeviceList,
    /// How many members there have to be. Given, another number of `members` is refused.
    devices: Option<u64>,
    /// Devices that stand by, named like `members`.
    #[serde(default)]
    spares: DeviceList,
    /// Members that are read only when no other can be, for a slow copy of a fast disk. Only for raid1.
    #[serde(default)]
    write_mostly: Vec<String>,
    /// Members whose errors are not tried again, for an array that is to answer quickly. Only for raid1 and raid10.
    #[serde(default)]
    failfast: Vec<String>,
    /// Bytes on one disk before the next is used: 512K where nothing is given. Not for raid1. An array that is there
    /// keeps its own unless another is given, which is refused.
    chunk: Option<ChunkSize>,
    /// How raid10 spreads its copies: `n2`, `f2`, `o2`. `n2` where nothing is given.
    layout: Option<LayoutName>,
    /// Whether a write-intent bitmap shortens the resync after a crash. Left out, a new array has one, and an array that
    /// is there keeps what it has. Not for raid0, nor for what was one, and not together with `ppl`.
    bitmap: Option<bool>,
    /// What makes it consistent after a crash: `bitmap` (as `bitmap: true`), `resync` (as `bitmap: false`), or for raid5
    /// `ppl`, which closes the write hole. `journal` is not supported yet.
    consistency_policy: Option<Policy>,
    /// `max`: an array uses all that its members have by now. Left out, it keeps the size it has. Not for raid0.
    size: Option<Use>,
    /// Whether a device in `members` that is not in the array takes the place of a working member that is not in
    /// `members`. A missing or failed member is replaced without that.
    #[serde(default)]
    replace: bool,
    /// Whether an array that is not assembled is started though members are missing, as long as its level allows it.
    #[serde(default)]
    degraded: bool,
    /// Whether the members are taken for equal already, so that nothing is synchronised. Needs consent: what they do not
    /// have in common is read as it comes.
    #[serde(default)]
    assume_clean: bool,
    /// Where a reshape keeps what it is moving, for arrays whose members have no room for that. On another device.
    backup_file: Option<BackupFile>,
    /// The version of the superblock.
    #[serde(default)]
    metadata: Metadata12,
    /// Whether there is such an array.
    #[serde(default)]
    state: State,
}

impl Describe for MdArray {
    const NAME: &'static str = "md_array";
    const ALIASES: &'static [&'static str] = &["mdadm"];
    const EXAMPLE: &'static str = "\
md_array:
  name: kvm
  level: raid10
  devices: 4
  members:
    - /dev/disk/by-id/virtio-HF-DISK-1
    - /dev/disk/by-id/virtio-HF-DISK-2
    - /dev/disk/by-id/virtio-HF-DISK-3
    - /dev/disk/by-id/virtio-HF-DISK-4
";
}

impl Module for MdArray {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts]).and(naming::needs())
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let mut stages = Stages::on(machine);
        match self.state {
            State::Absent => self.remove(&mut stages)?,
            State::Present => self.become_as_described(&mut stages)?,
        }
        let mut plan = stages.plan();
        boot_image::catch_up(machine, &mut plan);
        Ok(plan)
    }
}

impl MdArray {
    fn become_as_described(&self, stages: &mut Stages) -> Result<(), Refusal> {
        self.check()?;
        stages.then(|machine| self.assemble(machine))?;
        stages.then(|machine| self.create(machine))?;
        stages.then(|machine| self.register(machine))?;
        stages.then(|machine| self.rename(machine))?;
        stages.then(|machine| self.take_out_failed(machine))?;
        stages.then(|machine| self.complete(machine))?;
        stages.then(|machine| self.replace_working(machine))?;
        self.reshape(stages)?;
        // Where it is not the last member that goes when there are fewer, the one that was left over takes its place.
        stages.then(|machine| self.replace_working(machine))?;
        stages.then(|machine| self.resize(machine))?;
        stages.then(|machine| self.stand_by(machine))?;
        stages.then(|machine| self.keep_consistent(machine))?;
        stages.then(|machine| self.as_described(machine))
    }
}
