//! What a lab consists of, as written in a labfile. Only reads and checks; nothing is started here.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use indexmap::IndexMap;
use serde::Deserialize;

use super::image::Flavour;
use crate::units::{MIB, Size};

/// The lab that `holdfast lab up` starts when no file is named.
pub const DEFAULT: &str = include_str!("default.yaml");

/// Hosts by name, in the order they were written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabFile {
    /// What is installed on all hosts: `plain` (a new server), `storage` (all storage packages) or `zfs`.
    #[serde(default)]
    pub image: Flavour,
    pub hosts: IndexMap<String, HostSpec>,
}

/// One machine.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// Written like `768MiB`; 1 GiB when left out.
    #[serde(default = "default_memory", deserialize_with = "size")]
    pub memory: Size,
    /// One when left out. An emulated processor is fastest alone.
    #[serde(default = "default_cpus")]
    pub cpus: u8,
    /// Blank disks, in the order of the guest's `/dev/vdb`, `/dev/vdc` ...
    #[serde(default)]
    pub disks: Vec<DiskSpec>,
    /// Inventory groups the host is in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Inventory variables of the host.
    #[serde(default)]
    pub vars: IndexMap<String, serde_json::Value>,
}

/// One blank disk.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskSpec {
    /// What the guest sees as the disk's serial number; virtio carries at most 20 characters.
    pub serial: String,
    #[serde(deserialize_with = "size")]
    pub size: Size,
}

impl LabFile {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path)
            .with_context(|| format!("cannot read the labfile {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is no valid labfile", path.display()))
    }

    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let file: Self = serde_yaml::from_str(text)?;
        ensure!(!file.hosts.is_empty(), "it names no host under `hosts`");
        for (name, host) in &file.hosts {
            host.check(name).with_context(|| format!("host `{name}`"))?;
        }
        Ok(file)
    }
}

impl HostSpec {
    fn check(&self, name: &str) -> anyhow::Result<()> {
        let label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            !name.is_empty() && name.len() <= 63 && name.chars().all(label) && !name.starts_with('-'),
            "a host's name consists of lower-case letters, digits and `-`"
        );
        ensure!(self.memory.bytes() >= 512 * MIB, "`memory` is at least 512MiB");
        ensure!((1..=16).contains(&self.cpus), "`cpus` is a number from 1 to 16");
        ensure!(self.disks.len() <= 20, "at most 20 disks fit into one machine");
        for (index, disk) in self.disks.iter().enumerate() {
            disk.check().with_context(|| format!("disk `{}`", disk.serial))?;
            if self.disks[..index].iter().any(|earlier| earlier.serial == disk.serial) {
                bail!("two disks have the serial `{}`", disk.serial);
            }
        }
        Ok(())
    }
}

impl DiskSpec {
    fn check(&self) -> anyhow::Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        ensure!(
            (1..=20).contains(&self.serial.len()) && self.serial.chars().all(plain),
            "a serial is 1 to 20 letters, digits, `-` and `_`"
        );
        ensure!(self.serial != "root", "`root` is the system's own disk; choose another serial");
        ensure!(self.size.bytes() >= MIB, "`size` is at least 1MiB");
        ensure!(self.size.bytes().is_multiple_of(512), "`size` is a multiple of 512 bytes");
        Ok(())
    }
}

fn default_memory() -> Size {
    Size(1024 * MIB)
}

fn default_cpus() -> u8 {
    1
}

fn size<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Size, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Bytes(u64),
        Text(String),
    }
    match Written::deserialize(deserializer)? {
        Written::Bytes(bytes) => Ok(Size(bytes)),
        Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::GIB;

    fn complaint(text: &str) -> String {
        format!("{:#}", LabFile::parse(text).unwrap_err())
    }

    #[test]
    fn the_default_lab_is_valid() {
        let lab = LabFile::parse(DEFAULT).unwrap();
        assert_eq!(lab.hosts["nas1"].disks.len(), 4);
        assert_eq!(lab.hosts["nas1"].disks[0].size, Size(4 * GIB));
    }

    #[test]
    fn a_host_needs_nothing_but_a_name() {
        let lab = LabFile::parse("hosts: {a: {}}").unwrap();
        assert_eq!((lab.hosts["a"].memory, lab.hosts["a"].cpus), (Size(GIB), 1));
    }

    #[test]
    fn complaints_name_the_host_and_the_disk() {
        assert_eq!(complaint("hosts: {}"), "it names no host under `hosts`");
        assert!(complaint("hosts: {a: {mem: 1}}").contains("unknown field `mem`"));
        assert!(complaint("hosts: {a: {memory: lots}}").contains("`lots` is no size"));
        let twice = "hosts: {a: {disks: [{serial: X, size: 1G}, {serial: X, size: 1G}]}}";
        assert_eq!(complaint(twice), "host `a`: two disks have the serial `X`");
        assert_eq!(
            complaint("hosts: {a: {disks: [{serial: 'a b', size: 1G}]}}"),
            "host `a`: disk `a b`: a serial is 1 to 20 letters, digits, `-` and `_`"
        );
    }
}
