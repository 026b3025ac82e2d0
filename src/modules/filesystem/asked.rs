//! The arguments, and what can be said of them before any host is touched.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::kind::{Kind, kind};
use crate::modules::devices::DeviceRef;
use crate::modules::presence::State;
use crate::tools::filesystem::{ext, xfs};
use crate::units::Size;

/// The arguments as they are written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The device: a path, a link below `/dev/disk`, a serial or a WWN; or a mapping of what it has to be, such as
    /// `{path: /dev/vdb, serial: HF-1}`.
    pub(super) dev: DeviceRef,
    /// Which file system. Needed while it is `present`.
    pub(super) fstype: Option<Type>,
    /// Its label: at most 12 bytes for xfs, 16 for ext, 255 for btrfs and f2fs, 11 for vfat, 15 for swap. Left out, it
    /// stays as it is; empty, there is none.
    pub(super) label: Option<String>,
    /// Its UUID (`ABCD-1234` for vfat). Left out, it is made at random, and stays as it is. It is changed only while
    /// nobody uses the device; f2fs keeps the one it was made with.
    pub(super) uuid: Option<String>,
    /// More options of mkfs, used when it is made. Those that force, or that name another device, are refused.
    pub(super) opts: Option<String>,
    /// Asks to format what holds something else. It does not consent: the refusal names the token that does.
    #[serde(default)]
    pub(super) force: bool,
    /// Whether it grows to the size of its device.
    #[serde(default)]
    pub(super) resizefs: bool,
    /// The size it shall have, where that is less than its device has: `20g`. A larger one is made smaller if its kind
    /// can be: ext while it is not mounted, btrfs while it is.
    pub(super) size: Option<String>,
    /// Whether it may be unmounted for as long as it takes to make it smaller.
    #[serde(default)]
    pub(super) allow_offline: bool,
    /// What only xfs has; fixed when it is made.
    pub(super) xfs: Option<Xfs>,
    /// What only ext2, ext3 and ext4 have.
    pub(super) ext: Option<Ext>,
    /// Whether there is a file system; `absent` wipes it, with consent.
    #[serde(default)]
    pub(super) state: State,
}

/// The kinds that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Type {
    Xfs,
    Ext4,
    Ext3,
    Ext2,
    Btrfs,
    Vfat,
    Swap,
    F2fs,
}

/// What is fixed when an XFS is made. What is left out is what its mkfs does by itself.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Xfs {
    /// Whether files can share blocks.
    reflink: Option<bool>,
    /// Whether times go on after 2038.
    bigtime: Option<bool>,
    /// Bytes of an inode: 512, 1024 or 2048.
    inode_size: Option<u64>,
    /// The size of its log, 64 MiB at least: `128m`.
    log_size: Option<String>,
}

/// What can be set on an ext2, ext3 or ext4 at any time. What is left out stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Ext {
    /// Percent of it that only root may use.
    reserved: Option<u8>,
    /// What the kernel does when it finds an error.
    errors: Option<Errors>,
    /// Mounts until it is checked at boot; -1 is never.
    max_mounts: Option<i16>,
    /// Time until it is checked at boot: `30d`, `2w`; `0` is never.
    check_interval: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Errors {
    Continue,
    RemountRo,
    Panic,
}

impl Type {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Xfs => "xfs",
            Self::Ext4 => "ext4",
            Self::Ext3 => "ext3",
            Self::Ext2 => "ext2",
            Self::Btrfs => "btrfs",
            Self::Vfat => "vfat",
            Self::Swap => "swap",
            Self::F2fs => "f2fs",
        }
    }
}

impl Asked {
    /// The kind that is wanted; there is one unless it shall be `absent`.
    pub(super) fn kind(&self) -> Option<&'static dyn Kind> {
        kind(self.fstype?.name())
    }

    pub(super) fn label(&self) -> Option<&str> {
        self.label.as_deref().filter(|label| !label.is_empty())
    }

    /// The UUID as its kind writes it.
    pub(super) fn uuid(&self) -> Result<Option<String>, String> {
        let Some(kind) = self.kind() else { return Ok(None) };
        self.uuid.as_deref().map(|uuid| kind.uuid(uuid)).transpose()
    }

    /// Bytes it shall have.
    pub(super) fn size(&self) -> Result<Option<u64>, String> {
        self.size.as_deref().map(bytes).transpose()
    }

    pub(super) fn options(&self) -> Result<Vec<String>, String> {
        match (&self.opts, self.kind()) {
            (Some(opts), Some(kind)) => kind.rules().options.read(opts),
            _ => Ok(Vec::new()),
        }
    }

    /// What of XFS is asked for.
    pub(super) fn fixed(&self) -> Result<xfs::Fixed, String> {
        let Some(asked) = &self.xfs else { return Ok(xfs::Fixed::default()) };
        Ok(xfs::Fixed {
            reflink: asked.reflink,
            bigtime: asked.bigtime,
            inode_size: asked.inode_size,
            log_size: asked.log_size.as_deref().map(bytes).transpose()?,
        })
    }

    /// What of ext is asked for.
    pub(super) fn tunables(&self) -> Result<ext::Tunables, String> {
        let Some(asked) = &self.ext else { return Ok(ext::Tunables::default()) };
        Ok(ext::Tunables {
            reserved: asked.reserved,
            errors: asked.errors.map(|errors| match errors {
                Errors::Continue => "continue",
                Errors::RemountRo => "remount-ro",
                Errors::Panic => "panic",
            }),
            max_mounts: asked.max_mounts,
            check_interval: asked.check_interval.as_deref().map(seconds).transpose()?,
        })
    }

    /// Everything that is wrong whatever the host looks like.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.state == State::Absent {
            return Ok(());
        }
        let kind = self
            .kind()
            .ok_or_else(|| format!("which file system {} shall hold is not given: `fstype`", self.dev))?;
        let (name, rules) = (kind.name(), kind.rules());
        if let Some(label) = &self.label {
            if label.len() > rules.label {
                let (has, most) = (label.len(), rules.label);
                return Err(format!(
                    "the label `{label}` is too long for {name}: it has {has} bytes, and {most} are possible"
                ));
            }
            if label.chars().any(|letter| letter.is_whitespace() || letter.is_control())
                || label.starts_with('-')
            {
                return Err(format!(
                    "the label `{label}` begins with `-`, or has blanks or control characters in it"
                ));
            }
            kind.label(label)?;
        }
        self.uuid()?;
        self.options()?;
        if self.size()?.is_some() && !rules.sized {
            return Err(format!("`size` is not supported for {name}: it is as large as its device"));
        }
        if self.size.is_some() && self.resizefs {
            return Err("`size` and `resizefs` contradict each other: give one of them".to_owned());
        }
        if self.xfs.is_some() && name != "xfs" {
            return Err(format!("`xfs` is given, and the file system is {name}"));
        }
        if self.ext.is_some() && !name.starts_with("ext") {
            return Err(format!("`ext` is given, and the file system is {name}"));
        }
        let (fixed, tunables) = (self.fixed()?, self.tunables()?);
        if let Some(size) = fixed.inode_size.filter(|size| !matches!(size, 256 | 512 | 1024 | 2048)) {
            return Err(format!("inodes of {size} bytes are not possible: 512, 1024 or 2048"));
        }
        if let Some(size) = fixed.log_size.filter(|size| *size < xfs::LEAST_LOG || size % 4096 != 0) {
            return Err(format!("a log of {} is not possible: 64 MiB or more, in whole blocks", Size(size)));
        }
        match tunables.reserved.filter(|percent| *percent > 50) {
            Some(percent) => Err(format!("{percent} percent cannot be reserved, 50 at most")),
            None => Ok(()),
        }
    }
}

fn bytes(text: &str) -> Result<u64, String> {
    let Size(bytes) = text.parse().map_err(|error: crate::units::BadSize| error.to_string())?;
    Ok(bytes)
}

fn seconds(text: &str) -> Result<u32, String> {
    let text = text.trim();
    let bad = || format!("`{text}` is no time between checks; write `30d`, `2w` or `0`");
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: u32 = text[..split].parse().map_err(|_| bad())?;
    let unit = match &text[split..] {
        "" if number == 0 => 1,
        "s" => 1,
        "h" => 3600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(bad()),
    };
    number.checked_mul(unit).ok_or_else(bad)
}
