//! The words of linux-system-roles.storage for pools and volumes, and what of them cannot be done here.
//!
//! Source: that role's README, in an older version; the keys that came later (`partition` pools, `grow_to_fill`,
//! `storage_disklabel_type`) are as its users write them, and were not held against the role itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::modules::presence::State;
use crate::secret::Secret;

/// A pool of volumes.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Pool {
    /// The name of the volume group.
    pub(super) name: String,
    /// `lvm`, or `partition`: one disk, whose partitions are the volumes.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) state: State,
    /// Disks: `sdb`, paths, links below `/dev/disk`, serials or WWNs.
    pub(super) disks: Vec<String>,
    /// The volumes; their words are those of a volume.
    pub(super) volumes: Vec<Volume>,
    /// Whether the group takes what its disks have grown by.
    pub(super) grow_to_fill: Option<bool>,
    /// Only `false`: groups that several hosts share are not supported.
    pub(super) shared: Option<bool>,
    #[serde(flatten)]
    pub(super) raid: Raid,
    #[serde(flatten)]
    pub(super) encryption: Encryption,
}

/// A volume: what carries a file system.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Volume {
    pub(super) name: String,
    /// `lvm`, `disk`, `raid` or `partition`. In a pool it follows from the pool.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) state: State,
    pub(super) disks: Vec<String>,
    /// `100 GiB`, `400g`, or a share of the pool: `50%`.
    pub(super) size: Option<String>,
    /// `xfs` where nothing is given; `unformatted` for none.
    pub(super) fs_type: Option<String>,
    pub(super) fs_label: Option<String>,
    pub(super) fs_create_options: Option<String>,
    /// Whether another file system may be written over, with consent. Default: true.
    pub(super) fs_overwrite_existing: Option<bool>,
    /// Where it is mounted; `none` for nowhere.
    pub(super) mount_point: Option<String>,
    pub(super) mount_options: Option<String>,
    pub(super) mount_user: Option<String>,
    pub(super) mount_group: Option<String>,
    pub(super) mount_mode: Option<String>,
    /// For dump(8).
    pub(super) mount_check: Option<u32>,
    pub(super) mount_passno: Option<u32>,
    /// Only `uuid`.
    pub(super) mount_device_identifier: Option<String>,
    #[serde(flatten)]
    pub(super) raid: Raid,
    /// Bytes on one device of a logical volume before the next is used.
    pub(super) raid_stripe_size: Option<String>,
    /// The disks of the pool that a logical volume with `raid_level` is on.
    pub(super) raid_disks: Vec<String>,
    #[serde(flatten)]
    pub(super) encryption: Encryption,
    /// Not supported: VDO.
    pub(super) compression: Option<bool>,
    /// Not supported: VDO.
    pub(super) deduplication: Option<bool>,
    /// Not supported: VDO.
    pub(super) vdo_pool_size: Option<String>,
    pub(super) thin: Option<bool>,
    pub(super) thin_pool_name: Option<String>,
    pub(super) thin_pool_size: Option<String>,
    pub(super) cached: Option<bool>,
    pub(super) cache_size: Option<String>,
    /// `writethrough` or `writeback`.
    pub(super) cache_mode: Option<String>,
    pub(super) cache_devices: Vec<String>,
    /// Only `primary`.
    pub(super) part_type: Option<String>,
}

/// An array below a pool, or a volume that is one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "these are the words of the role")]
pub(super) struct Raid {
    pub(super) raid_level: Option<String>,
    /// How many of the disks are members.
    pub(super) raid_device_count: Option<usize>,
    /// How many of the disks stand by.
    pub(super) raid_spare_count: Option<usize>,
    /// Only `1.2`.
    pub(super) raid_metadata_version: Option<String>,
    pub(super) raid_chunk_size: Option<String>,
}

/// LUKS below a pool, or on a volume.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "these are the words of the role")]
pub(super) struct Encryption {
    pub(super) encryption: Option<bool>,
    pub(super) encryption_password: Option<Secret>,
    /// A key file on the host.
    pub(super) encryption_key: Option<String>,
    pub(super) encryption_cipher: Option<String>,
    /// Bits.
    pub(super) encryption_key_size: Option<u64>,
    /// Only `luks2`.
    pub(super) encryption_luks_version: Option<String>,
    /// Not supported.
    pub(super) encryption_clevis_pin: Option<String>,
    /// Not supported.
    pub(super) encryption_tang_url: Option<String>,
    /// Not supported.
    pub(super) encryption_tang_thumbprint: Option<String>,
}

/// What a pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PoolKind {
    Lvm,
    Partition,
}

/// What a volume is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VolumeKind {
    Lvm,
    Disk,
    Raid,
    Partition,
}

impl Pool {
    pub(super) fn kind(&self) -> Result<PoolKind, String> {
        match self.kind.as_deref().unwrap_or("lvm") {
            "lvm" => Ok(PoolKind::Lvm),
            "partition" => Ok(PoolKind::Partition),
            other => {
                Err(format!("`type: {other}` of the pool {} is not supported: lvm or partition", self.name))
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let of = format!("the pool {}", self.name);
        let kind = self.kind()?;
        if self.name.is_empty() {
            return Err("a pool has no `name`".to_owned());
        }
        if self.shared == Some(true) {
            return Err(format!("`shared` of {of} is not supported: a group belongs to one host"));
        }
        self.raid.check(&of, self.disks.len())?;
        self.encryption.check(&of)?;
        if kind == PoolKind::Partition && self.state == State::Present {
            if self.disks.len() != 1 {
                return Err(format!(
                    "`disks` of {of}: partitions are of one disk, and {} are given",
                    self.disks.len()
                ));
            }
            if self.raid.raid_level.is_some() || self.encryption.encryption == Some(true) {
                return Err(format!(
                    "`raid_level` and `encryption` of {of}: its volumes are partitions, and have their own"
                ));
            }
        }
        let wanted = if kind == PoolKind::Lvm { VolumeKind::Lvm } else { VolumeKind::Partition };
        for (at, volume) in self.volumes.iter().enumerate() {
            if volume.kind()?.unwrap_or(wanted) != wanted {
                let kind = volume.kind.as_deref().unwrap_or_default();
                return Err(format!("`type: {kind}` of the volume {} does not fit {of}", volume.name));
            }
            if self.volumes[..at].iter().any(|other| other.name == volume.name) {
                return Err(format!("{of} has two volumes called `{}`", volume.name));
            }
            volume.check(wanted)?;
        }
        Ok(())
    }
}

impl Volume {
    pub(super) fn kind(&self) -> Result<Option<VolumeKind>, String> {
        Ok(Some(match self.kind.as_deref() {
            None => return Ok(None),
            Some("lvm") => VolumeKind::Lvm,
            Some("disk") => VolumeKind::Disk,
            Some("raid") => VolumeKind::Raid,
            Some("partition") => VolumeKind::Partition,
            Some(other) => {
                return Err(format!(
                    "`type: {other}` of the volume {} is not supported: lvm, disk, raid or partition",
                    self.name
                ));
            }
        }))
    }

    /// What is wrong with it, whatever the host looks like.
    pub(super) fn check(&self, kind: VolumeKind) -> Result<(), String> {
        let of = format!("the volume {}", self.name);
        if self.name.is_empty() {
            return Err("a volume has no `name`".to_owned());
        }
        let unsupported = [
            (self.compression == Some(true), "compression", "VDO is not supported"),
            (self.deduplication == Some(true), "deduplication", "VDO is not supported"),
            (self.vdo_pool_size.is_some(), "vdo_pool_size", "VDO is not supported"),
            (self.fs_type.as_deref() == Some("stratis"), "fs_type", "stratis is not supported"),
            (
                self.mount_device_identifier.as_deref().is_some_and(|one| one != "uuid"),
                "mount_device_identifier",
                "fstab names file systems by `uuid` here",
            ),
            (
                self.part_type.as_deref().is_some_and(|one| one != "primary"),
                "part_type",
                "only `primary` partitions are made",
            ),
        ];
        let lvm = [
            (self.thin == Some(true), "thin"),
            (self.thin_pool_name.is_some(), "thin_pool_name"),
            (self.thin_pool_size.is_some(), "thin_pool_size"),
            (self.cached == Some(true), "cached"),
            (self.cache_size.as_deref().is_some_and(|size| size != "0"), "cache_size"),
            (!self.cache_devices.is_empty(), "cache_devices"),
            (!self.raid_disks.is_empty(), "raid_disks"),
            (self.raid_stripe_size.is_some(), "raid_stripe_size"),
        ];
        if let Some((_, key, why)) = unsupported.iter().find(|(given, ..)| *given) {
            return Err(format!("`{key}` of {of}: {why}"));
        }
        if let Some((_, key)) = lvm.iter().find(|(given, _)| *given && kind != VolumeKind::Lvm) {
            return Err(format!("`{key}` of {of} is for logical volumes"));
        }
        if (self.thin_pool_name.is_some() || self.thin_pool_size.is_some()) && self.thin != Some(true) {
            return Err(format!("`thin_pool_name` and `thin_pool_size` of {of} are for `thin: true`"));
        }
        if self.cached == Some(true) && (self.cache_size.is_none() || self.cache_devices.is_empty()) {
            return Err(format!("`cached` of {of} needs `cache_size` and `cache_devices`"));
        }
        if let Some(mode) =
            self.cache_mode.as_deref().filter(|mode| !matches!(*mode, "writethrough" | "writeback"))
        {
            return Err(format!("`cache_mode: {mode}` of {of}: writethrough or writeback"));
        }
        self.encryption.check(&of)?;
        match kind {
            VolumeKind::Lvm => self.check_spread(&of)?,
            VolumeKind::Raid => {
                self.raid.check(&of, self.disks.len())?;
                if self.raid.raid_level.is_none() && self.state == State::Present {
                    return Err(format!("`raid_level` of {of} is not given"));
                }
                if self.disks.is_empty() && self.state == State::Present {
                    return Err(format!("`disks` of {of} are not given"));
                }
            }
            VolumeKind::Disk if self.disks.len() != 1 => {
                return Err(format!(
                    "`disks` of {of}: it is on one disk, and {} are given",
                    self.disks.len()
                ));
            }
            VolumeKind::Disk | VolumeKind::Partition if self.raid.raid_level.is_some() => {
                return Err(format!("`raid_level` of {of}: it is no array and no logical volume"));
            }
            VolumeKind::Disk | VolumeKind::Partition => {}
        }
        let whole = self.size.as_deref().is_none_or(|size| matches!(size.trim(), "100%" | "0"));
        if matches!(kind, VolumeKind::Disk | VolumeKind::Raid) && !whole {
            return Err(format!("`size` of {of}: it is as large as its disks"));
        }
        if let Some(path) = self.mount_point.as_deref().filter(|path| *path != "none") {
            if !path.starts_with('/') {
                return Err(format!("`mount_point: {path}` of {of} is no absolute path"));
            }
            if matches!(self.fs_type.as_deref(), Some("unformatted" | "swap")) {
                return Err(format!("`mount_point` of {of}: there is no file system that could be mounted"));
            }
        }
        self.check_tasks()
    }

    /// A logical volume over several devices.
    fn check_spread(&self, of: &str) -> Result<(), String> {
        let Some(level) = self.raid.raid_level.as_deref() else {
            return match self.raid_disks.is_empty() && self.raid_stripe_size.is_none() {
                true => Ok(()),
                false => Err(format!("`raid_disks` and `raid_stripe_size` of {of} are for `raid_level`")),
            };
        };
        if !matches!(level, "raid0" | "striped" | "raid1" | "raid5" | "raid6" | "raid10") {
            return Err(format!(
                "`raid_level: {level}` of {of} is not supported: raid0, striped, raid1, raid5, raid6 or raid10"
            ));
        }
        if self.raid_disks.is_empty() && self.state == State::Present {
            return Err(format!("`raid_level` of {of} needs `raid_disks`"));
        }
        for (given, key) in [
            (self.raid.raid_device_count.is_some(), "raid_device_count"),
            (self.raid.raid_spare_count.is_some(), "raid_spare_count"),
            (self.raid.raid_chunk_size.is_some(), "raid_chunk_size"),
            (self.raid.raid_metadata_version.is_some(), "raid_metadata_version"),
        ] {
            if given {
                return Err(format!("`{key}` of {of} is for arrays, and this is a logical volume"));
            }
        }
        Ok(())
    }
}

impl Raid {
    /// How many of the disks are members; the rest stand by.
    pub(super) fn members(&self, disks: usize) -> Option<usize> {
        match (self.raid_device_count, self.raid_spare_count) {
            (Some(members), Some(spares)) => (members + spares == disks).then_some(members),
            (Some(members), None) => (members <= disks).then_some(members),
            (None, Some(spares)) => disks.checked_sub(spares),
            (None, None) => Some(disks),
        }
    }

    fn check(&self, of: &str, disks: usize) -> Result<(), String> {
        let others = [
            (self.raid_device_count.is_some(), "raid_device_count"),
            (self.raid_spare_count.is_some(), "raid_spare_count"),
            (self.raid_chunk_size.is_some(), "raid_chunk_size"),
        ];
        let Some(level) = self.raid_level.as_deref() else {
            return match others.iter().find(|(given, _)| *given) {
                Some((_, key)) => Err(format!("`{key}` of {of} is for `raid_level`, which is not given")),
                None => Ok(()),
            };
        };
        if !matches!(level, "raid0" | "raid1" | "raid5" | "raid6" | "raid10") {
            return Err(format!(
                "`raid_level: {level}` of {of} is not supported: raid0, raid1, raid5, raid6 or raid10"
            ));
        }
        if level == "raid1" && self.raid_chunk_size.is_some() {
            return Err(format!("`raid_chunk_size` of {of} has no meaning for raid1"));
        }
        if let Some(version) =
            self.raid_metadata_version.as_deref().filter(|version| !matches!(*version, "1.2" | "default"))
        {
            return Err(format!("`raid_metadata_version: {version}` of {of} is not supported: 1.2"));
        }
        match self.members(disks) {
            None if disks > 0 => Err(format!(
                "`raid_device_count` and `raid_spare_count` of {of} do not fit its {disks} disks"
            )),
            _ => Ok(()),
        }
    }
}

impl Encryption {
    fn check(&self, of: &str) -> Result<(), String> {
        for (given, key) in [
            (&self.encryption_clevis_pin, "encryption_clevis_pin"),
            (&self.encryption_tang_url, "encryption_tang_url"),
            (&self.encryption_tang_thumbprint, "encryption_tang_thumbprint"),
        ] {
            if given.is_some() {
                return Err(format!("`{key}` of {of} is not supported: keys are files or passphrases"));
            }
        }
        if let Some(version) =
            self.encryption_luks_version.as_deref().filter(|version| !matches!(*version, "luks2" | "2"))
        {
            return Err(format!("`encryption_luks_version: {version}` of {of} is not supported: luks2"));
        }
        if self.encryption_password.is_some() && self.encryption_key.is_some() {
            return Err(format!(
                "`encryption_password` and `encryption_key` of {of} are both given, and one key is meant"
            ));
        }
        match self.encryption {
            Some(true) if self.encryption_password.is_none() && self.encryption_key.is_none() => {
                Err(format!("`encryption` of {of} needs `encryption_password` or `encryption_key`"))
            }
            _ => Ok(()),
        }
    }
}
