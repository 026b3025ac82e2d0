//! `swap`: what is swapped to, now and at boot.

mod area;
mod file;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::{block, checked_text, clear, confirm, holds_now};
use super::mount::fstab::{self, Wanted};
use super::{Describe, Module};
use crate::machine::block::{Content, Device, FileSystem};
use crate::machine::fstab::Place;
use crate::machine::mounts::Mounts;
use crate::machine::{Domain, Machine, Needs};
use crate::modules::presence::State;
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{filesystem, udevadm};
use crate::units::{MIB, Size};

checked_text!(
    /// What is swapped to.
    SwapPath,
    |text| {
        let clean = !text.is_empty() && !text.split('/').any(|part| part == ".." || part == ".");
        if clean && !text.ends_with('/') { Ok(()) } else { Err(format!("`{text}` is no device and no file")) }
    }
);
checked_text!(
    /// The size of a file.
    FileSize,
    |text| {
        let size: Size = text.parse().map_err(|bad: crate::units::BadSize| bad.to_string())?;
        if size.0 >= MIB { Ok(()) } else { Err(format!("`{text}` is too small for swap: 1 MiB at least")) }
    }
);

/// Swaps to a device or to a file, now and at boot. What holds something else is never made a swap area without
/// consent to exactly that.
///
/// A file is made on ext4 or XFS only, readable by root alone. Swap is turned off only while memory and other swap
/// have room for what is swapped out to it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Swap {
    /// A device by any of its names, or the path of a file.
    path: SwapPath,
    /// The size of a file, in whole MiB; a file of another size is made anew. A device is used as a whole.
    size: Option<FileSize>,
    /// Higher is used first: 0 to 32767. Left out, it stays as it is.
    priority: Option<Priority>,
    /// What the device is told of blocks that are free again: `once` when it is turned on, `pages` as they become
    /// free, or `both`. In force from the next time it is turned on.
    discard: Option<Discard>,
    /// Writes every byte of a new file instead of reserving them: XFS of kernels before 4.18 needs that.
    #[serde(default)]
    written: bool,
    /// `present`: now and at boot. `absent`: neither, and a file is removed. A device keeps what is on it.
    #[serde(default)]
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Discard {
    Once,
    Pages,
    Both,
}

/// The kernel takes no higher one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u16", into = "u16")]
struct Priority(u16);

impl TryFrom<u16> for Priority {
    type Error = String;

    fn try_from(number: u16) -> Result<Self, String> {
        if number <= 32767 { Ok(Self(number)) } else { Err(format!("{number} is no priority: 0 to 32767")) }
    }
}

impl From<Priority> for u16 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

impl Describe for Swap {
    const NAME: &'static str = "swap";
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] =
        &[("dev", "path"), ("device", "path"), ("file", "path"), ("src", "path")];
    const EXAMPLE: &'static str = "\
swap:
  path: /var/swapfile
  size: 4GiB
  priority: 10
";
}

/// What is swapped to.
enum Area<'a> {
    Device(&'a Device),
    File(&'a str),
}

impl Area<'_> {
    fn path(&self) -> &str {
        match self {
            Self::Device(device) => &device.path,
            Self::File(path) => path,
        }
    }
}

impl Module for Swap {
    fn needs(&self) -> Needs {
        let mut needs = Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts, Domain::Memory]);
        if self.may_be_file() {
            needs = needs.path(&*self.path).path(file::folder(&self.path));
            needs.swap_files.push(self.path.to_string());
        }
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let mounts =
            machine.mounts.as_ref().ok_or_else(|| Refusal::new("the mounts of this host are not known"))?;
        let block = block(machine)?;
        let area = match block.find(&self.path) {
            Some(device) => Area::Device(device),
            None if self.may_be_file() => Area::File(&self.path),
            None if self.state == State::Absent => {
                let mut plan = Plan::empty();
                fstab::clear(block, mounts, &Place::Swap(self.path.to_string()), &mut plan)?;
                return Ok(plan);
            }
            None => Area::Device(super::devices::device(machine, &self.path, "swap")?),
        };
        let mut plan = Plan::empty();
        match self.state {
            State::Present => self.present(machine, mounts, &area, &mut plan)?,
            State::Absent => {
                area::off(machine, mounts, area.path(), &mut plan)?;
                fstab::clear(block, mounts, &Place::Swap(area.path().to_owned()), &mut plan)?;
                if let Area::File(path) = area {
                    file::remove(machine, mounts, path, &mut plan)?;
                }
            }
        }
        Ok(plan)
    }
}

impl Swap {
    fn may_be_file(&self) -> bool {
        self.path.starts_with('/') && !self.path.starts_with("/dev/")
    }

    fn present(
        &self,
        machine: &Machine,
        mounts: &Mounts,
        area: &Area<'_>,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let (size, spec, device) = match area {
            Area::Device(device) => {
                if self.size.is_some() {
                    return Err(Refusal::new(format!("{} is a device, and used as a whole", device.path))
                        .help("`size` is for files; leave it out"));
                }
                make(machine, device, plan)?;
                (device.size, format!("UUID=@{{uuid:{}}}", device.path), Some(*device))
            }
            Area::File(path) => {
                let size = file::make(machine, mounts, path, self.bytes()?, self.written, plan)?;
                (size, (*path).to_owned(), None)
            }
        };
        let options = self.options(machine, mounts, area)?;
        let wanted = Wanted {
            place: Place::Swap(area.path().to_owned()),
            path: "none",
            spec,
            device,
            fstype: "swap",
            options: &options,
            numbers: (0, 0),
            read_later: false,
        };
        wanted.write(block(machine)?, mounts, plan)?;
        let on =
            area::On { path: area.path(), size, priority: self.priority.map(u16::from), options: &options };
        on.plan(machine, mounts, plan)
    }

    fn bytes(&self) -> Result<Option<u64>, Refusal> {
        let Some(size) = &self.size else { return Ok(None) };
        let size: Size = size.parse().map_err(|bad: crate::units::BadSize| Refusal::new(bad.to_string()))?;
        Ok(Some(size.round_up(Size(MIB)).0))
    }

    /// The options of the entry: what is asked for here, and of what somebody wrote there already all else.
    fn options(&self, machine: &Machine, mounts: &Mounts, area: &Area<'_>) -> Result<String, Refusal> {
        let (place, block) = (Place::Swap(area.path().to_owned()), block(machine)?);
        let old = mounts.fstab.iter().find(|entry| place.has(entry, Some(block)));
        let mut words: Vec<String> =
            old.map_or("sw", |entry| &entry.options).split(',').map(str::to_owned).collect();
        if let Some(priority) = self.priority {
            words.retain(|word| !word.starts_with("pri="));
            words.push(format!("pri={}", priority.0));
        }
        if let Some(discard) = self.discard {
            words.retain(|word| word != "discard" && !word.starts_with("discard="));
            words.push(match discard {
                Discard::Once => "discard=once".to_owned(),
                Discard::Pages => "discard=pages".to_owned(),
                Discard::Both => "discard".to_owned(),
            });
        }
        Ok(words.join(","))
    }
}

/// Makes a device a swap area, where it is none.
fn make(machine: &Machine, device: &Device, plan: &mut Plan) -> Result<(), Refusal> {
    let made = match &device.content {
        Content::Other { kind, .. } => kind == "swap",
        Content::FileSystem(found) => found.kind == "swap",
        _ => false,
    };
    if made {
        return Ok(());
    }
    let blank = clear(plan, machine.claim(device)?);
    let content = Content::FileSystem(FileSystem::new("swap"));
    plan.push(
        Change::create("swap area", &device.path, Size(device.size).to_string()),
        [
            confirm(device, true),
            Step::run(filesystem::swap::make(blank, &filesystem::Make::default())),
            Step::run(udevadm::settle()),
        ],
        [holds_now(&device.path, content)],
    );
    Ok(())
}
