//! What a kind of file system has to say: its limits, and how it is made, named, grown and made smaller. A kind is one
//! file beside this one, and a line in [`kind`].

use super::asked::Asked;
use super::{btrfs, ext, f2fs, swap, vfat, xfs};
use crate::exec::Command;
use crate::machine::Machine;
use crate::machine::block::{Device, FileSystem};
use crate::machine::claim::{BlankDevice, Unused};
use crate::machine::mounts::Live;
use crate::plan::{Refusal, Step};
use crate::tools::filesystem::{Make, Options};
use crate::units::MIB;

/// What its tools can.
pub(super) struct Rules {
    /// Bytes of the longest label.
    pub(super) label: usize,
    /// Bytes of the smallest that its mkfs makes.
    pub(super) least: u64,
    /// Bytes it may leave unused at the end of its device.
    pub(super) slack: u64,
    /// Whether it can be smaller than its device.
    pub(super) sized: bool,
    pub(super) options: &'static Options,
}

/// The largest last allocation group or block group that is given up for being too small.
pub(super) const SLACK: u64 = 16 * MIB;

/// A kind of file system.
pub(super) trait Kind: Sync {
    fn name(&self) -> &'static str;

    fn rules(&self) -> &'static Rules;

    /// Says what is wrong with a label that is not too long.
    fn label(&self, label: &str) -> Result<(), String> {
        let _ = label;
        Ok(())
    }

    /// The UUID as this kind writes it.
    fn uuid(&self, text: &str) -> Result<String, String> {
        hex_uuid(text)
    }

    /// Makes it.
    fn make(&self, device: BlankDevice<'_>, make: &Make<'_>, asked: &Asked) -> Result<Vec<Command>, String>;

    /// Renames it; an empty label is none.
    fn relabel(&self, place: &Place<'_>, label: &str) -> Result<Command, Refusal>;

    /// Gives it another UUID.
    fn reidentify(&self, place: &Place<'_>, uuid: &str) -> Result<Vec<Step>, Refusal>;

    /// What of its own arguments is otherwise, and how that is put right.
    fn tune(&self, place: &Place<'_>, asked: &Asked) -> Result<Tuning, Refusal> {
        let _ = (place, asked);
        Ok(Tuning::default())
    }

    /// Grows it to so many bytes, or to the size of its device.
    fn grow(&self, place: &Place<'_>, to: Option<u64>) -> Result<Vec<Step>, Refusal>;

    /// Makes it smaller.
    fn shrink(&self, place: &Place<'_>, to: u64, allow_offline: bool) -> Result<Vec<Step>, Refusal>;
}

/// The kind of that name, if it is one that can be made.
pub(super) fn kind(name: &str) -> Option<&'static dyn Kind> {
    Some(match name {
        "xfs" => &xfs::Xfs,
        "ext4" => &ext::Ext("ext4"),
        "ext3" => &ext::Ext("ext3"),
        "ext2" => &ext::Ext("ext2"),
        "btrfs" => &btrfs::Btrfs,
        "vfat" => &vfat::Vfat,
        "swap" => &swap::Swap,
        "f2fs" => &f2fs::F2fs,
        _ => return None,
    })
}

/// What is otherwise than asked for.
#[derive(Debug, Default)]
pub(super) struct Tuning {
    /// Name, value now, value wanted.
    pub(super) differing: Vec<(&'static str, Option<String>, String)>,
    pub(super) steps: Vec<Step>,
}

/// A file system where it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) machine: &'a Machine,
    pub(super) device: &'a Device,
    pub(super) found: &'a FileSystem,
}

impl<'a> Place<'a> {
    pub(super) fn path(&self) -> &'a str {
        &self.device.path
    }

    /// `the xfs on /dev/vg/lv`.
    pub(super) fn name(&self) -> String {
        format!("the {} on {}", self.found.kind, self.device.path)
    }

    /// Everywhere it is mounted.
    pub(super) fn mounts(&self) -> impl Iterator<Item = &'a Live> {
        let (machine, path) = (self.machine, self.path());
        machine.mounts.iter().flat_map(move |mounts| mounts.of(path))
    }

    /// A mount point of it.
    pub(super) fn mounted(&self) -> Option<&'a str> {
        self.mounts().next().map(|live| live.target.as_str())
    }

    /// The device, which nobody uses; refused with what cannot be done while somebody does.
    pub(super) fn idle(&self, what: &str) -> Result<Unused<'a>, Refusal> {
        self.machine.unused(self.device).map_err(|mut refusal| {
            if let Some(user) = self.machine.user_of(self.device) {
                refusal.title = format!("{what} of {} cannot be changed while {user}", self.name());
                refusal.help = vec!["free it first: `mount` with `state: unmounted`, or swapoff".to_owned()];
            }
            refusal
        })
    }
}

/// The 36 characters of a UUID, in small letters.
fn hex_uuid(text: &str) -> Result<String, String> {
    let shape = |(at, letter): (usize, char)| match at {
        8 | 13 | 18 | 23 => letter == '-',
        _ => letter.is_ascii_hexdigit(),
    };
    if text.len() == 36 && text.chars().enumerate().all(shape) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("`{text}` is no UUID: 8, 4, 4, 4 and 12 hexadecimal digits with `-` between them"))
}
