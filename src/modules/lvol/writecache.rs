//! What a writecache wants beside LVM: its kernel module where the host boots from, and blocks that suit what is on the
//! volume already.
//!
//! Seen on Debian 12: the hook of lvm2 puts dm-raid, dm-snapshot and dm-mirror into the initramfs, and not
//! dm-writecache. LVM activates the group in there all the same, and the volume is inactive after every restart.

use super::cache::WantedCache;
use crate::machine::block::{Content, Uuid};
use crate::machine::lvm::{Group, Logical};
use crate::machine::{Machine, Needs};
use crate::modules::devices::block;
use crate::modules::{boot_image, text_file};
use crate::plan::{Change, LineEdit, Plan, Refusal, Step};
use crate::tools::initramfs;

const MODULE: &str = "dm_writecache";
/// File systems whose blocks LVM finds out, by libblkid's `BLOCK_SIZE`.
const KNOWN: [&str; 5] = ["xfs", "ext4", "ext3", "ext2", "btrfs"];

impl WantedCache {
    /// What has to be looked at for [`at_boot`].
    pub(super) fn needs(&self) -> Needs {
        if self.writes() { initramfs::needs().content(initramfs::MODULES) } else { Needs::nothing() }
    }
}

/// The initramfs gets the module, before there is a volume that wants it. `volume` is the name that it goes by.
pub(super) fn at_boot(machine: &Machine, volume: &str) -> Result<Plan, Refusal> {
    let Some(rebuild) = initramfs::rebuild(machine) else { return Ok(Plan::empty()) };
    if !initramfs::is_debian(&rebuild) {
        return Err(Refusal::new(format!("a writecache over {volume} is not supported on this host yet"))
            .fact(format!(
                "`{}` makes its initramfs, and that the volume is active after a restart is proven for \
                 update-initramfs only",
                rebuild.program
            ))
            .help("`type: cache` with `mode: writeback` keeps writes too"));
    }
    let text = String::from_utf8_lossy(text_file::text(machine, initramfs::MODULES)?.unwrap_or_default());
    let named =
        |line: &str| line.split_whitespace().next().is_some_and(|name| name.replace('-', "_") == MODULE);
    let mut plan = Plan::empty();
    if !text.lines().any(named) {
        let change =
            Change::modify("initramfs", initramfs::MODULES, format!("{MODULE}, for {volume} at boot"));
        let edits = vec![LineEdit::Append { line: MODULE.to_owned() }];
        plan = text_file::lines(machine, initramfs::MODULES, edits, change)?;
        if let Some(action) = plan.actions.first_mut() {
            action.steps.push(Step::run(rebuild));
        }
    }
    boot_image::catch_up(machine, &mut plan);
    Ok(plan)
}

/// The bytes of the cache's blocks, where LVM's own choice would not do.
///
/// They become the sectors of the volume. LVM takes what suits the file system on it, and 4096 where it finds none,
/// which a container or a guest's partitions in sectors of 512 could not be read in any more.
pub(super) fn block_size(machine: &Machine, group: &Group, volume: &Logical) -> Result<Option<u64>, Refusal> {
    let block = block(machine)?;
    let Some(device) = block.find(&group.path_of(&volume.name)) else {
        // One that is inactive has the sectors of what it lies on.
        let below = volume.places.keys().filter_map(|path| Some(block.devices.get(path)?.sector));
        return Ok(below.max().filter(|_| volume.uuid != Uuid::Late));
    };
    let suits = match &device.content {
        Content::Blank { .. } => true,
        Content::FileSystem(found) => KNOWN.contains(&found.kind.as_str()),
        _ => false,
    };
    Ok((!suits).then_some(device.sector))
}
