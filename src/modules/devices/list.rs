//! How a task names several devices: a list, or so many disks that nobody uses.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::reference::{Bytes, DeviceRef, Traits};
use super::{block, shown};
use crate::machine::Machine;
use crate::machine::block::{Content, Device, DeviceKind};
use crate::plan::Refusal;
use crate::units::Size;
use crate::value::Value;

/// Devices: a list of paths, links below `/dev/disk`, serials, WWNs or mappings of what a disk has to be; or
/// `unused: {count: 4}` for so many disks that nobody uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub(in crate::modules) enum DeviceList {
    Named(Vec<DeviceRef>),
    Unused(Unused),
}

/// So many disks on which nothing is and that nobody uses. What an array or a group has already counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::modules) struct Unused {
    /// How many. There may be more of them only if they are all of one size; then the first are taken.
    count: u64,
    /// No smaller ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    min_size: Option<Bytes>,
    /// No larger ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_size: Option<Bytes>,
    /// Only disks that turn, or only those that do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    rotational: Option<bool>,
    /// Only disks of this model, as `lsblk` says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
}

/// The schema of a [`DeviceList`], which is decoded by hand so that what is wrong with it is said in words.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Written {
    Named(Vec<DeviceRef>),
    One(Traits),
    Unused { unused: Unused },
}

impl JsonSchema for DeviceList {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Devices".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Written::json_schema(generator)
    }
}

impl Default for DeviceList {
    fn default() -> Self {
        Self::Named(Vec::new())
    }
}

impl TryFrom<Value> for DeviceList {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Array(all) => {
                all.into_iter().map(DeviceRef::try_from).collect::<Result<_, _>>().map(Self::Named)
            }
            Value::Object(mut map) if map.contains_key("unused") => {
                let unused = map.remove("unused").unwrap_or_default();
                if let Some(other) = map.keys().next() {
                    return Err(format!("`{other}` cannot stand beside `unused`; it belongs into it"));
                }
                let unused: Unused =
                    serde_json::from_value(unused).map_err(|error| format!("`unused`: {error}"))?;
                if unused.count == 0 {
                    return Err("`unused`: a `count` of 0 asks for nothing".to_owned());
                }
                Ok(Self::Unused(unused))
            }
            one => DeviceRef::try_from(one).map(|one| Self::Named(vec![one])),
        }
    }
}

impl From<DeviceList> for Value {
    fn from(list: DeviceList) -> Self {
        match list {
            DeviceList::Named(all) => all.into_iter().map(Self::from).collect(),
            DeviceList::Unused(unused) => serde_json::json!({ "unused": unused }),
        }
    }
}

impl fmt::Display for DeviceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(all) => {
                let all: Vec<String> = all.iter().map(ToString::to_string).collect();
                f.write_str(&all.join(", "))
            }
            Self::Unused(unused) => write!(f, "{} unused disks{}", unused.count, unused.limits()),
        }
    }
}

impl DeviceList {
    /// Those that are named one by one.
    pub(in crate::modules) fn named(&self) -> &[DeviceRef] {
        match self {
            Self::Named(all) => all,
            Self::Unused(_) => &[],
        }
    }

    pub(in crate::modules) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many are asked for.
    pub(in crate::modules) fn len(&self) -> u64 {
        match self {
            Self::Named(all) => all.len() as u64,
            Self::Unused(unused) => unused.count,
        }
    }

    /// The devices, in the order of the list. `held` is what the thing they are for has of them already, `taken` what
    /// another list of the same task has chosen.
    pub(in crate::modules) fn find<'a>(
        &self,
        machine: &'a Machine,
        wanted_for: &str,
        held: &[&'a Device],
        taken: &[&'a Device],
    ) -> Result<Vec<&'a Device>, Refusal> {
        match self {
            Self::Named(all) => all.iter().map(|one| one.find(machine, wanted_for)).collect(),
            Self::Unused(unused) => unused.find(machine, wanted_for, held, taken),
        }
    }
}

impl Unused {
    fn find<'a>(
        &self,
        machine: &'a Machine,
        wanted_for: &str,
        held: &[&'a Device],
        taken: &[&'a Device],
    ) -> Result<Vec<&'a Device>, Refusal> {
        let mut chosen = held.to_vec();
        let missing = usize::try_from(self.count).unwrap_or(usize::MAX).saturating_sub(held.len());
        if missing == 0 {
            return Ok(chosen);
        }
        let disks = block(machine)?.devices.values().filter(|device| device.kind == DeviceKind::Disk);
        let judged: Vec<(&Device, Option<String>)> = disks
            .filter(|disk| !held.iter().any(|one| one.path == disk.path))
            .map(|disk| {
                let chosen = taken.iter().any(|one| one.path == disk.path);
                let why = if chosen {
                    Some("this task uses it already".to_owned())
                } else {
                    self.unfit(machine, disk)
                };
                (disk, why)
            })
            .collect();
        let mut fit: Vec<&Device> =
            judged.iter().filter(|(_, why)| why.is_none()).map(|(disk, _)| *disk).collect();
        let alike = fit.windows(2).all(|pair| pair[0].size == pair[1].size);
        if fit.len() < missing || fit.len() > missing && !alike {
            let count = fit.len();
            let problem = if count < missing {
                format!("there are {count}")
            } else {
                format!("there are {count} of different sizes")
            };
            let needs = format!("{wanted_for} needs {missing} unused disks{}", self.limits());
            let mut refusal = Refusal::new(format!("{needs}, and {problem}"));
            for (disk, why) in &judged {
                let why = why.as_deref().unwrap_or("it is unused");
                refusal = refusal.fact(format!("{}: {why}", shown(disk)));
            }
            return Err(refusal.help(if count < missing {
                "free a disk with the module `disk`, or ask for fewer"
            } else {
                "say which: `min_size`, `max_size`, `rotational` and `model` narrow the choice, a list of names ends it"
            }));
        }
        // Shorter names first: /dev/sdb comes before /dev/sdaa.
        fit.sort_by_key(|disk| (disk.path.len(), &disk.path));
        chosen.extend(fit.into_iter().take(missing));
        Ok(chosen)
    }

    /// Why a disk does not count as unused, or is not what was asked for.
    fn unfit(&self, machine: &Machine, disk: &Device) -> Option<String> {
        if let Some(user) = machine.user_of(disk) {
            return Some(user);
        }
        let (most, least) = (self.max_size.map(|one| one.0), self.min_size.map(|one| one.0));
        match &disk.content {
            _ if disk.size == 0 => Some("it has no medium".to_owned()),
            _ if disk.read_only => Some("it is read-only".to_owned()),
            _ if disk.removable => Some("it is removable; name it if it is meant".to_owned()),
            Content::Blank { .. } if least.is_some_and(|least| disk.size < least) => {
                Some("it is too small".to_owned())
            }
            Content::Blank { .. } if most.is_some_and(|most| disk.size > most) => {
                Some("it is too large".to_owned())
            }
            Content::Blank { .. } if self.rotational.is_some() && disk.rotational != self.rotational => {
                Some(match disk.rotational {
                    Some(true) => "it turns".to_owned(),
                    Some(false) => "it does not turn".to_owned(),
                    None => "whether it turns is not known".to_owned(),
                })
            }
            Content::Blank { .. } if self.model.is_some() && disk.model != self.model => {
                Some(format!("its model is {}", disk.model.as_deref().unwrap_or("unknown")))
            }
            Content::Blank { .. } => None,
            content => Some(format!("it holds {}", content.describe())),
        }
    }

    fn limits(&self) -> String {
        let least = self.min_size.map(|one| format!("at least {}", Size(one.0)));
        let most = self.max_size.map(|one| format!("at most {}", Size(one.0)));
        let turning = self.rotational.map(|turns| if turns { "turning" } else { "not turning" }.to_owned());
        let model = self.model.as_ref().map(|model| format!("model {model}"));
        let all: Vec<String> = [least, most, turning, model].into_iter().flatten().collect();
        if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::machine::Machine;
    use crate::machine::block::{Content, Device};
    use crate::modules::find;
    use crate::modules::fixture::{becomes, foresee, host, plan, refused};
    use crate::units::GIB;

    fn disk(machine: &mut Machine, number: u8) -> &mut Device {
        let path = format!("/dev/vd{}", char::from(b'a' + number));
        machine.block.as_mut().unwrap().devices.get_mut(&path).unwrap()
    }

    fn array(count: u64) -> Value {
        json!({"name": "kvm", "level": 1, "members": {"unused": {"count": count}}})
    }

    #[test]
    fn unused_disks_are_chosen_once_and_then_counted() {
        let mut machine = host(4);
        let said = becomes(&mut machine, "md_array", &array(2));
        assert!(said.contains("--run /dev/vdb /dev/vdc\n"), "{said}");
        let group = json!({"vg": "vg", "pvs": {"unused": {"count": 2, "min_size": "1GiB"}}});
        let said = becomes(&mut machine, "lvg", &group);
        assert!(said.contains("vgcreate --physicalextentsize 4096k --dataalignment 1024k --dataalignmentoffset 0k vg /dev/vdd /dev/vde"), "{said}");
        let spares = json!({"name": "kvm", "level": 1, "members": {"unused": {"count": 2}}, "spares": {"unused": {"count": 1}}});
        assert_eq!(
            refused(&machine, "md_array", &spares).lines().next().unwrap(),
            "the array kvm needs 1 unused disks, and there are 0"
        );
    }

    #[test]
    fn members_and_spares_are_different_disks() {
        let mut machine = host(3);
        let mut args = array(2);
        args["spares"] = json!({"unused": {"count": 1}});
        let said = becomes(&mut machine, "md_array", &args);
        assert!(
            said.contains("--spare-devices=1") && said.contains("/dev/vdb /dev/vdc /dev/vdd\n"),
            "{said}"
        );
    }

    #[test]
    fn every_disk_that_does_not_count_says_why() {
        let mut machine = host(6);
        disk(&mut machine, 1).content = Content::Unknown { why: "no".into() };
        disk(&mut machine, 2).read_only = true;
        disk(&mut machine, 3).removable = true;
        disk(&mut machine, 4).size = GIB / 2;
        disk(&mut machine, 5).rotational = Some(false);
        disk(&mut machine, 6).rotational = Some(true);
        let args = json!({"vg": "vg", "pvs": {"unused": {"count": 2, "min_size": GIB, "rotational": true}}});
        let said = refused(&machine, "lvg", &args);
        let lines: Vec<&str> = said.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "the volume group vg needs 2 unused disks (at least 1 GiB, turning), and there are 1",
                "/dev/vdb (HF-DISK-1, 4 GiB): it holds unknown content (no)",
                "/dev/vdc (HF-DISK-2, 4 GiB): it is read-only",
                "/dev/vdd (HF-DISK-3, 4 GiB): it is removable; name it if it is meant",
                "/dev/vde (HF-DISK-4, 512 MiB): it is too small",
                "/dev/vdf (HF-DISK-5, 4 GiB): it does not turn",
                "/dev/vdg (HF-DISK-6, 4 GiB): it is unused",
                "help: free a disk with the module `disk`, or ask for fewer"
            ]
        );
    }

    #[test]
    fn more_disks_than_needed_have_to_be_alike() {
        let mut machine = host(3);
        disk(&mut machine, 3).size = 8 * GIB;
        let said = refused(&machine, "md_array", &array(2));
        assert!(
            said.starts_with("the array kvm needs 2 unused disks, and there are 3 of different sizes"),
            "{said}"
        );
        let mut args = array(2);
        args["members"]["unused"]["max_size"] = json!("5GiB");
        assert!(plan(&machine, "md_array", &args).is_ok());
    }

    #[test]
    fn lists_are_read_as_ever() {
        let mut machine = host(3);
        let split = json!({"vg": "vg", "pvs": "/dev/vdb, HF-DISK-2"});
        let planned = plan(&machine, "lvg", &split).unwrap();
        foresee(&mut machine, &planned);
        let one = json!({"vg": "vg", "pvs": {"serial": "HF-DISK-2"}});
        assert!(plan(&machine, "lvg", &one).unwrap().is_empty());
        let bad = |pvs: Value| {
            let args = json!({"vg": "vg", "pvs": pvs});
            find("lvg").unwrap().decode(args.as_object().unwrap()).err().unwrap()[0].message.clone()
        };
        assert!(bad(json!([{"seriall": "x"}])).contains("unknown field `seriall`"));
        assert!(bad(json!({})).contains("needs at least one of"));
        assert!(bad(json!({"unused": {"count": 0}})).contains("asks for nothing"));
        assert!(bad(json!({"unused": {"count": 1}, "path": "x"})).contains("cannot stand beside"));
        assert!(bad(json!({"unused": {"count": 1, "min_size": "many"}})).contains("is no size"));
    }
}
