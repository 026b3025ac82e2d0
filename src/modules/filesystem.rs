//! `filesystem`: XFS and ext4.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::{DeviceRef, clear, confirm, holds_now};
use super::{Describe, Module};
use crate::machine::block::{Content, Device, FileSystem};
use crate::machine::{Domain, Machine, Needs};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::{ext4, udevadm, xfs};
use crate::units::{MIB, Size};

/// Makes a file system, aligned to the stripes of the array below, names it, or grows it.
///
/// A device that holds something else is never formatted without consent to exactly that, whatever `force` says; one
/// that holds the file system already is left as it is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Filesystem {
    /// The device: a path, a link below `/dev/disk`, a serial or a WWN; or a mapping of what it has to be, such as
    /// `{path: /dev/vdb, serial: HF-1}`.
    dev: DeviceRef,
    /// Which file system. Needed while it is `present`.
    fstype: Option<Type>,
    /// Its label: 12 bytes at most for XFS, 16 for ext4. Left out, it stays as it is.
    label: Option<String>,
    /// More options of mkfs, used when it is made.
    opts: Option<String>,
    /// Asks to format what holds something else. It does not consent: the refusal names the token that does.
    #[serde(default)]
    force: bool,
    /// Whether it grows to the size of its device.
    #[serde(default)]
    resizefs: bool,
    /// Whether there is a file system; `absent` wipes it, with consent.
    #[serde(default)]
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Type {
    Xfs,
    Ext4,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum State {
    #[default]
    Present,
    Absent,
}

/// What a file system may leave unused at the end of its device: mkfs makes no allocation group smaller than this.
const SLACK: u64 = 16 * MIB;

impl Type {
    fn name(self) -> &'static str {
        match self {
            Self::Xfs => "xfs",
            Self::Ext4 => "ext4",
        }
    }
}

impl Describe for Filesystem {
    const NAME: &'static str = "filesystem";
    const ALIASES: &'static [&'static str] = &["community.general.filesystem"];
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] =
        &[("type", "fstype"), ("device", "dev")];
    const EXAMPLE: &'static str = "\
filesystem:
  dev: /dev/vg_kvm/images
  fstype: xfs
  label: images
";
}

impl Module for Filesystem {
    fn needs(&self) -> Needs {
        Needs::of([Domain::Block, Domain::Lvm, Domain::Mounts])
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let device = self.dev.find(machine, "the file system")?;
        let mut plan = Plan::empty();
        if self.state == State::Absent {
            if !matches!(device.content, Content::Blank { .. }) {
                clear(&mut plan, machine.claim(device)?);
            }
            return Ok(plan);
        }
        let kind = self.fstype.ok_or_else(|| {
            Refusal::new(format!("which file system {} shall hold is not given: `fstype`", self.dev))
        })?;
        self.check_label(kind)?;
        match &device.content {
            Content::FileSystem(found) if found.kind == kind.name() => {
                self.rename(machine, device, found, kind, &mut plan)?;
                if self.resizefs {
                    plan.then(grow(machine, device)?);
                }
            }
            _ => self.make(machine, device, kind, &mut plan)?,
        }
        Ok(plan)
    }
}

impl Filesystem {
    fn check_label(&self, kind: Type) -> Result<(), Refusal> {
        let Some(label) = &self.label else { return Ok(()) };
        let most = if kind == Type::Xfs { xfs::LABEL } else { ext4::LABEL };
        if label.len() > most {
            return Err(Refusal::new(format!("the label `{label}` is too long for {}", kind.name()))
                .fact(format!("it has {} bytes, and {most} are possible", label.len())));
        }
        match label.chars().find(|letter| letter.is_whitespace() || letter.is_control()) {
            Some(_) => {
                Err(Refusal::new(format!("the label `{label}` has blanks or control characters in it")))
            }
            None => Ok(()),
        }
    }

    fn wanted_label(&self) -> Option<String> {
        self.label.clone().filter(|label| !label.is_empty())
    }

    fn make(&self, machine: &Machine, device: &Device, kind: Type, plan: &mut Plan) -> Result<(), Refusal> {
        let claim = machine.claim(device)?;
        if kind == Type::Xfs && device.size < xfs::LEAST {
            return Err(Refusal::new(format!("{} is too small for xfs", device.path)).fact(format!(
                "it has {}, and xfs needs {}",
                Size(device.size),
                Size(xfs::LEAST)
            )));
        }
        let options = match &self.opts {
            Some(opts) => {
                shlex::split(opts).ok_or_else(|| Refusal::new(format!("`{opts}` has an open quote")))?
            }
            None => Vec::new(),
        };
        let blank = clear(plan, claim);
        let label = self.wanted_label();
        let stripe = machine.stripe(device);
        let command = match kind {
            Type::Xfs => xfs::make(blank, label.as_deref(), stripe, &options),
            Type::Ext4 => ext4::make(blank, label.as_deref(), stripe, &options),
        };
        let aligned = stripe.map_or_else(String::new, |stripe| {
            format!(", aligned to {} × {}", stripe.width, Size(stripe.unit))
        });
        let detail = format!("{} on {}{aligned}", kind.name(), Size(device.size));
        let mut change = Change::create("file system", &device.path, detail);
        if label.is_some() {
            change = change.attribute("label", None, label.clone());
        }
        let made = FileSystem { label, size: Some(device.size), stripe, ..FileSystem::new(kind.name()) };
        let content = Content::FileSystem(made);
        let steps = [confirm(device, true), Step::run(command), Step::run(udevadm::settle())];
        plan.push(change, steps, [holds_now(&device.path, content)]);
        Ok(())
    }

    fn rename(
        &self,
        machine: &Machine,
        device: &Device,
        found: &FileSystem,
        kind: Type,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let wanted = self.wanted_label();
        if self.label.is_none() || wanted == found.label {
            return Ok(());
        }
        let word = wanted.clone().unwrap_or_default();
        let mounted = mounted_at(machine, device);
        let command = match (kind, mounted) {
            (Type::Ext4, _) => ext4::label(&device.path, &word),
            (Type::Xfs, Some(target)) => xfs::label_mounted(target, &word),
            (Type::Xfs, None) => xfs::label(machine.unused(device)?, &word),
        };
        let change = Change::modify("file system", &device.path, "").attribute(
            "label",
            found.label.clone(),
            wanted.clone(),
        );
        let content = Content::FileSystem(FileSystem { label: wanted, ..found.clone() });
        plan.push(
            change,
            [confirm(device, false), Step::run(command), Step::run(udevadm::settle())],
            [holds_now(&device.path, content)],
        );
        Ok(())
    }
}

fn mounted_at<'a>(machine: &'a Machine, device: &Device) -> Option<&'a str> {
    machine
        .mounts
        .as_ref()?
        .live
        .iter()
        .find(|live| live.source == device.path)
        .map(|live| live.target.as_str())
}

/// Grows the file system on a device to the device's size, where it is smaller.
pub(super) fn grow(machine: &Machine, device: &Device) -> Result<Plan, Refusal> {
    let Content::FileSystem(found) = &device.content else { return Ok(Plan::empty()) };
    let Some(size) = found.size.filter(|size| size + SLACK <= device.size) else { return Ok(Plan::empty()) };
    let command = match found.kind.as_str() {
        "xfs" => match mounted_at(machine, device) {
            Some(target) => xfs::grow(target),
            None => {
                return Err(Refusal::new(format!("the xfs on {} is smaller than its device", device.path))
                    .fact(format!("it has {} of {}", Size(size), Size(device.size)))
                    .help("xfs grows only while it is mounted; mount it first"));
            }
        },
        "ext4" => {
            // resize2fs wants an unmounted file system to be checked first.
            if mounted_at(machine, device).is_none() {
                return Err(Refusal::new(format!("the ext4 on {} is smaller than its device", device.path))
                    .fact(format!("it has {} of {}", Size(size), Size(device.size)))
                    .help("growing an ext4 that is not mounted is not supported yet; mount it first"));
            }
            ext4::grow(&device.path)
        }
        other => {
            return Err(Refusal::new(format!("growing the {other} on {} is not supported yet", device.path)));
        }
    };
    let content = Content::FileSystem(FileSystem { size: Some(device.size), ..found.clone() });
    let change = Change::modify("file system", &device.path, "").attribute(
        "size",
        Some(Size(size).to_string()),
        Some(Size(device.size).to_string()),
    );
    Ok(Plan::of(change, [Step::run(command)], [holds_now(&device.path, content)]))
}
