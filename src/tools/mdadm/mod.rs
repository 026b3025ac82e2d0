//! `mdadm`: making, describing, changing and ending arrays, and its configuration file.

mod config;
mod create;
mod grow;
mod manage;

pub use config::{CONFIGS, Told, parse_config, parse_told, registration};
pub use create::{Create, create};
pub use grow::{Growth, bitmap, grow, leave_raid0, policy, wait};
pub use manage::{Flags, add, assemble, forget, rebuild_map, remove, replace, stop};

use crate::exec::Command;
use crate::machine::array::Progress;

/// Describes an assembled array.
pub fn detail(device: &str) -> Command {
    Command::probe("mdadm").args(["--detail", "--export", device])
}

/// An assembled array as mdadm describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detail {
    pub level: String,
    pub devices: u64,
    pub metadata: String,
    pub uuid: String,
    /// Without home host.
    pub name: String,
    /// Device and role: a number, `spare`, ...
    pub members: Vec<(String, String)>,
}

pub fn parse_detail(text: &str) -> Result<Detail, String> {
    let mut detail = Detail::default();
    let mut roles: Vec<(&str, &str)> = Vec::new();
    let mut paths: Vec<(&str, &str)> = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (field, value) =
            line.split_once('=').ok_or_else(|| format!("mdadm: no field in the line `{line}`"))?;
        match field {
            "MD_LEVEL" => value.clone_into(&mut detail.level),
            "MD_DEVICES" => {
                detail.devices =
                    value.parse().map_err(|_| format!("mdadm: MD_DEVICES is `{value}`, no number"))?;
            }
            "MD_METADATA" => value.clone_into(&mut detail.metadata),
            "MD_UUID" => detail.uuid = uuid(value),
            "MD_NAME" => value.rsplit_once(':').map_or(value, |(_, name)| name).clone_into(&mut detail.name),
            _ => {
                if let Some(device) = field.strip_prefix("MD_DEVICE_") {
                    if let Some(device) = device.strip_suffix("_ROLE") {
                        roles.push((device, value));
                    } else if let Some(device) = device.strip_suffix("_DEV") {
                        paths.push((device, value));
                    }
                }
            }
        }
    }
    if detail.level.is_empty() {
        return Err("mdadm: the description has no field MD_LEVEL".to_owned());
    }
    for (device, path) in paths {
        let role = roles.iter().find(|(of, _)| *of == device).map_or("", |(_, role)| *role);
        detail.members.push((path.to_owned(), role.to_owned()));
    }
    detail.members.sort_by_key(|(path, role)| (role.parse().unwrap_or(u64::MAX), path.clone()));
    Ok(detail)
}

/// What `sync_completed` in sysfs says: nothing while nothing is going on, or has only been put off.
pub fn parse_progress(text: &str) -> Option<Progress> {
    let (done, total) = text.split_once('/')?;
    Some(Progress { done: done.trim().parse().ok()?, total: total.trim().parse().ok()? })
}

/// A UUID as mdadm writes it, `aaaaaaaa:bbbbbbbb:cccccccc:dddddddd`, whoever wrote it.
pub fn uuid(text: &str) -> String {
    let digits: Vec<char> =
        text.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_lowercase()).collect();
    digits.chunks(8).map(String::from_iter).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: mdadm 4.2.
    const DETAIL: &str = "MD_LEVEL=raid1\nMD_DEVICES=2\nMD_METADATA=1.2\nMD_UUID=87fc5c59:ce2058af:d0b2b919:2807aaad\nMD_DEVNAME=a\nMD_NAME=any:a\nMD_DEVICE_dev_vdc_ROLE=spare\nMD_DEVICE_dev_vdc_DEV=/dev/vdc\nMD_DEVICE_dev_vdd_ROLE=0\nMD_DEVICE_dev_vdd_DEV=/dev/vdd\nMD_DEVICE_dev_vdb_ROLE=1\nMD_DEVICE_dev_vdb_DEV=/dev/vdb\n";

    #[test]
    fn reads_a_description() {
        let detail = parse_detail(DETAIL).unwrap();
        assert_eq!((detail.level.as_str(), detail.devices, detail.name.as_str()), ("raid1", 2, "a"));
        let members: Vec<_> = detail.members.iter().map(|(path, role)| format!("{path} {role}")).collect();
        assert_eq!(members, ["/dev/vdd 0", "/dev/vdb 1", "/dev/vdc spare"]);
        assert_eq!(parse_detail("MD_DEVICES=x").unwrap_err(), "mdadm: MD_DEVICES is `x`, no number");
        assert_eq!(parse_detail("").unwrap_err(), "mdadm: the description has no field MD_LEVEL");
    }

    #[test]
    fn reads_progress() {
        assert_eq!(parse_progress("30720 / 407552"), Some(Progress { done: 30720, total: 407_552 }));
        assert_eq!((parse_progress("none"), parse_progress("delayed")), (None, None));
    }

    #[test]
    fn one_uuid_in_two_spellings() {
        assert_eq!(uuid("f6b1b2a5-a3ca-8330-cfd7-ae4bafc5af06"), "f6b1b2a5:a3ca8330:cfd7ae4b:afc5af06");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = (parse_detail(&text), parse_progress(&text), uuid(&text));
        }
    }
}
