//! How a task names one device: by a name, or by what the device has to be. What several devices have in common names
//! none of them; nothing is ever guessed.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::{block, device, listed, shown};
use crate::machine::Machine;
use crate::machine::block::{Device, DeviceKind};
use crate::plan::Refusal;
use crate::units::Size;
use crate::value::{Map, Value};

/// A device: a path, a link below `/dev/disk`, a serial or a WWN; or a mapping of what it has to be, such as
/// `{path: /dev/vdb, serial: HF-1}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub(in crate::modules) enum DeviceRef {
    Name(String),
    Traits(Traits),
}

/// What a disk has to be. All that is given has to agree, and exactly one disk may agree with it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::modules) struct Traits {
    /// Where it has to be: a path or a link below `/dev/disk`. The device there has to be all the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    /// The serial of the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) serial: Option<String>,
    /// The WWN of the disk, with or without `0x`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wwn: Option<String>,
    /// The model of the disk, as `lsblk` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    /// Its size, give or take one percent: makers round.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) size: Option<Bytes>,
}

/// A size: bytes, or text with a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "u64")]
pub(in crate::modules) struct Bytes(pub u64);

impl TryFrom<Value> for Bytes {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match &value {
            Value::Number(number) => number.as_u64().map(Self),
            Value::String(text) => {
                return text.parse().map(|Size(bytes)| Self(bytes)).map_err(|bad| bad.to_string());
            }
            _ => None,
        }
        .ok_or_else(|| format!("`{value}` is no size; write bytes or text such as `4TiB`"))
    }
}

impl From<Bytes> for u64 {
    fn from(bytes: Bytes) -> Self {
        bytes.0
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({"type": ["string", "integer"]})
    }
}

/// The schema of a [`DeviceRef`], which is decoded by hand so that what is wrong with it is said in words.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Written {
    Name(String),
    Traits(Traits),
}

impl JsonSchema for DeviceRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Device".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}

impl TryFrom<Value> for DeviceRef {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::String(name) if !name.trim().is_empty() => Ok(Self::Name(name.trim().to_owned())),
            // A serial may be all digits.
            Value::Number(number) => Ok(Self::Name(number.to_string())),
            Value::Object(traits) => Traits::read(traits).map(Self::Traits),
            other => Err(format!("`{other}` names no device")),
        }
    }
}

impl From<DeviceRef> for Value {
    fn from(reference: DeviceRef) -> Self {
        match reference {
            DeviceRef::Name(name) => name.into(),
            DeviceRef::Traits(traits) => serde_json::to_value(traits).unwrap_or_default(),
        }
    }
}

impl Traits {
    fn read(mut traits: Map<String, Value>) -> Result<Self, String> {
        traits.retain(|_, value| !value.is_null());
        for (_, value) in traits.iter_mut().filter(|(name, value)| *name != "size" && value.is_number()) {
            *value = value.to_string().into();
        }
        if traits.is_empty() {
            return Err(
                "a device needs at least one of `path`, `serial`, `wwn`, `model` and `size`".to_owned()
            );
        }
        serde_json::from_value(traits.into()).map_err(|error| error.to_string())
    }

    /// What of a device is not as it has to be: `its serial is HF-2, not HF-1`.
    fn disagrees(&self, device: &Device) -> Option<String> {
        let is = |what: &str, found: Option<&str>, wanted: &str| {
            Some(format!("its {what} is {}, not {wanted}", found.unwrap_or("unknown")))
        };
        if let Some(serial) = self.serial.as_deref().filter(|one| device.serial.as_deref() != Some(one)) {
            return is("serial", device.serial.as_deref(), serial);
        }
        if let Some(wwn) = self.wwn.as_deref().filter(|one| !device.has_wwn(one)) {
            return is("WWN", device.wwn.as_deref(), wwn);
        }
        if let Some(model) = self.model.as_deref().filter(|one| device.model.as_deref() != Some(one)) {
            return is("model", device.model.as_deref(), model);
        }
        let Bytes(size) = self.size.filter(|Bytes(size)| device.size.abs_diff(*size) > size / 100)?;
        is("size", Some(&Size(device.size).to_string()), &Size(size).to_string())
    }
}

impl fmt::Display for DeviceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let traits = match self {
            Self::Name(name) => return f.write_str(name),
            Self::Traits(traits) => traits,
        };
        let size = traits.size.map(|Bytes(size)| Size(size).to_string());
        let all = [
            ("path", &traits.path),
            ("serial", &traits.serial),
            ("wwn", &traits.wwn),
            ("model", &traits.model),
            ("size", &size),
        ];
        let all: Vec<String> = all
            .iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}: {value}")))
            .collect();
        write!(f, "{{{}}}", all.join(", "))
    }
}

impl DeviceRef {
    /// The device; refused when there is none, when there are several, or when it is not what it has to be.
    pub(in crate::modules) fn find<'a>(
        &self,
        machine: &'a Machine,
        wanted_for: &str,
    ) -> Result<&'a Device, Refusal> {
        let traits = match self {
            Self::Name(name) => return device(machine, name, wanted_for),
            Self::Traits(traits) => traits,
        };
        if let Some(path) = &traits.path {
            let found = device(machine, path, wanted_for)?;
            return match traits.disagrees(found) {
                None => Ok(found),
                Some(how) => {
                    let title = format!("{wanted_for} needs {self}, and {path} is another device: {how}");
                    let mut refusal = Refusal::new(title).fact(format!("{path} is {}", shown(found)));
                    for other in traits.matching(machine)? {
                        refusal = refusal.fact(format!("{self} could be {}", shown(other)));
                    }
                    Err(refusal.help("devices may have changed places: correct the path, or leave it out"))
                }
            };
        }
        match traits.matching(machine)?.as_slice() {
            [one] => Ok(one),
            [] => {
                let refusal = Refusal::new(format!("{wanted_for} needs {self}, and there is no such disk"));
                Err(listed(refusal, block(machine)?))
            }
            several => {
                let count = several.len();
                let title = format!("{wanted_for} needs {self}, and {count} disks are that");
                let mut refusal = Refusal::new(title);
                for one in several {
                    refusal = refusal.fact(shown(one));
                }
                Err(refusal.help("give what only one of them has: `serial`, `wwn` or `path`"))
            }
        }
    }
}

impl Traits {
    /// The disks that agree with all but the path.
    fn matching<'a>(&self, machine: &'a Machine) -> Result<Vec<&'a Device>, Refusal> {
        let disks = block(machine)?.devices.values().filter(|device| device.kind == DeviceKind::Disk);
        Ok(disks.filter(|disk| self.disagrees(disk).is_none()).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::machine::Machine;
    use crate::modules::fixture::{host, plan, refused};
    use crate::units::GIB;

    fn args(device: &Value) -> Value {
        json!({"dev": device, "fstype": "xfs"})
    }

    fn machine() -> Machine {
        let mut machine = host(3);
        let devices = &mut machine.block.as_mut().unwrap().devices;
        let first = devices.get_mut("/dev/vdb").unwrap();
        (first.wwn, first.size) = (Some("0x5000c500a1b2c3d4".into()), 8 * GIB);
        machine
    }

    fn chosen(device: &Value) -> String {
        plan(&machine(), "filesystem", &args(device)).unwrap().actions[0].change.name.clone()
    }

    #[test]
    fn one_device_by_whatever_it_has() {
        for device in [
            json!("/dev/vdb"),
            json!("HF-DISK-1"),
            json!("naa.5000C500A1B2C3D4"),
            json!({"serial": "HF-DISK-1"}),
            json!({"wwn": "5000c500a1b2c3d4"}),
            json!({"path": "/dev/vdb", "serial": "HF-DISK-1"}),
            json!({"size": "8GB"}),
        ] {
            if device == json!({"size": "8GB"}) {
                assert!(refused(&machine(), "filesystem", &args(&device)).contains("there is no such disk"));
            } else {
                assert_eq!(chosen(&device), "/dev/vdb");
            }
        }
        assert_eq!(chosen(&json!({"size": "8GiB"})), "/dev/vdb");
    }

    #[test]
    fn a_pin_that_does_not_fit_names_both() {
        let said =
            refused(&machine(), "filesystem", &args(&json!({"path": "/dev/vdb", "serial": "HF-DISK-2"})));
        assert_eq!(
            said.lines().map(str::trim).collect::<Vec<_>>(),
            [
                "the file system needs {path: /dev/vdb, serial: HF-DISK-2}, and /dev/vdb is another device: its serial is HF-DISK-1, not HF-DISK-2",
                "/dev/vdb is /dev/vdb (HF-DISK-1, 8 GiB)",
                "{path: /dev/vdb, serial: HF-DISK-2} could be /dev/vdc (HF-DISK-2, 4 GiB)",
                "help: devices may have changed places: correct the path, or leave it out"
            ]
        );
    }

    #[test]
    fn what_two_disks_are_names_neither() {
        let said = refused(&machine(), "filesystem", &args(&json!({"size": "4GiB"})));
        assert!(said.starts_with("the file system needs {size: 4 GiB}, and 2 disks are that"), "{said}");
        let mut machine = machine();
        machine.block.as_mut().unwrap().devices.get_mut("/dev/vdc").unwrap().serial =
            Some("HF-DISK-1".into());
        let said = refused(&machine, "filesystem", &args(&json!("HF-DISK-1")));
        assert!(said.contains("and 2 disks have that serial or WWN"), "{said}");
    }
}
