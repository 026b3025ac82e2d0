//! Disks as the role names them, and what lies on them before there is a pool or a file system: partitions, an array, an
//! encrypted container.

use serde_json::{Value, json};

use super::Work;
use super::words::{Encryption, Raid};
use crate::machine::Machine;
use crate::machine::block::{Device, partition_path};
use crate::modules::devices::device;
use crate::modules::luks;
use crate::plan::Refusal;

/// The device of a name; `sdb` is `/dev/sdb`.
pub(super) fn disk<'a>(machine: &'a Machine, name: &str, purpose: &str) -> Result<&'a Device, Refusal> {
    let plain = machine.block.as_ref().and_then(|block| block.find(&format!("/dev/{name}")));
    match plain.filter(|_| !name.starts_with('/')) {
        Some(found) => Ok(found),
        None => device(machine, name, purpose),
    }
}

impl Work<'_> {
    /// The disks, or the one partition of each of them; with `lost`, their old content is named.
    pub(super) fn disks(
        &mut self,
        names: &[String],
        purpose: &str,
        (kind, lost): (&str, bool),
    ) -> Result<Vec<String>, Refusal> {
        let mut paths = Vec::new();
        for name in names {
            let path = disk(self.stages.machine(), name, purpose)?.path.clone();
            if paths.contains(&path) {
                return Err(Refusal::new(format!("{path} is given twice for {purpose}")));
            }
            self.named.extend(lost.then(|| path.clone()));
            paths.push(path);
        }
        if !self.storage.use_partitions {
            return Ok(paths);
        }
        let mut parts = Vec::new();
        for path in paths {
            let mut args = json!({"device": path, "number": 1, "type": kind});
            if let Some(label) = &self.storage.label {
                args["label"] = label.as_str().into();
            }
            self.stages.task("partition", &args)?;
            let part = partition_path(&path, 1);
            self.named.extend(lost.then(|| part.clone()));
            parts.push(part);
        }
        Ok(parts)
    }

    /// An array of these devices.
    pub(super) fn array(&mut self, name: &str, raid: &Raid, devices: &[String]) -> Result<String, Refusal> {
        let level = raid.raid_level.as_deref().unwrap_or_default();
        let members = raid.members(devices.len()).unwrap_or(devices.len());
        let (members, spares) = devices.split_at(members);
        let mut args = json!({"name": name, "level": level, "members": members, "spares": spares});
        if let Some(chunk) = &raid.raid_chunk_size {
            args["chunk"] = chunk.as_str().into();
        }
        self.stages.task("md_array", &args)?;
        let path = format!("/dev/md/{name}");
        self.named.add(path.as_str());
        Ok(path)
    }

    /// An open container on the device.
    pub(super) fn container(
        &mut self,
        name: &str,
        device: &str,
        how: &Encryption,
    ) -> Result<String, Refusal> {
        let args = container(name, device, how);
        let module = luks::with_passphrase(&args, how.encryption_password.clone())?;
        self.stages.of(&module)?;
        let path = format!("/dev/mapper/{name}");
        self.named.add(path.as_str());
        Ok(path)
    }
}

fn container(name: &str, device: &str, how: &Encryption) -> Value {
    let mut args = json!({"name": name, "device": device, "state": "opened", "boot": true});
    for (argument, value) in [
        ("keyfile", how.encryption_key.as_deref().map(Value::from)),
        ("cipher", how.encryption_cipher.as_deref().map(Value::from)),
        ("keysize", how.encryption_key_size.map(Value::from)),
    ] {
        if let Some(value) = value {
            args[argument] = value;
        }
    }
    args
}
