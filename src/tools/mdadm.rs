//! `mdadm`: making, describing and ending arrays, and its configuration file.

use crate::exec::Command;
use crate::machine::array::{Level, Shape};
use crate::machine::block::{Registered, Uuid};
use crate::machine::claim::BlankDevice;
use crate::units::KIB;

/// Describes an assembled array.
pub fn detail(device: &str) -> Command {
    Command::probe("mdadm").args(["--detail", "--export", device])
}

/// An array to be made. Offset and size are explicit, so that the array has exactly the foreseen size.
#[derive(Debug)]
pub struct Create<'a> {
    pub name: &'a str,
    pub shape: Shape,
    pub members: &'a [BlankDevice<'a>],
    pub spares: &'a [BlankDevice<'a>],
    pub data_offset: u64,
    /// Bytes used of each member; nothing for raid0, which uses all of each.
    pub used: Option<u64>,
    pub bitmap: bool,
}

/// The home host `any` gives the array its plain name on every host, and after that host was renamed.
pub fn create(array: &Create<'_>) -> Command {
    let Shape { level, layout, chunk, slots } = array.shape;
    let mut command = Command::new("mdadm").args([
        "--create".to_owned(),
        format!("/dev/md/{}", array.name),
        format!("--name={}", array.name),
        "--homehost=any".to_owned(),
        "--metadata=1.2".to_owned(),
        format!("--level={}", level.name()),
        format!("--raid-devices={slots}"),
    ]);
    if !array.spares.is_empty() {
        command = command.arg(format!("--spare-devices={}", array.spares.len()));
    }
    if level == Level::Raid10 {
        command = command.arg(format!("--layout={layout}"));
    }
    if level.striped() {
        command = command.arg(format!("--chunk={}K", chunk / KIB));
    }
    command = command.arg(format!("--data-offset={}K", array.data_offset / KIB));
    if let Some(used) = array.used {
        command = command.arg(format!("--size={}K", used / KIB));
    }
    if level.redundant() {
        command = command.arg(format!("--bitmap={}", if array.bitmap { "internal" } else { "none" }));
    }
    command.arg("--run").args(array.members.iter().chain(array.spares).map(|device| device.path()))
}

/// Adds a spare, or a replacement for a member that is missing.
pub fn add(array: &str, device: BlankDevice<'_>) -> Command {
    Command::new("mdadm").args(["--manage", array, "--add", device.path()])
}

pub fn bitmap(array: &str, on: bool) -> Command {
    Command::new("mdadm").args([
        "--grow".to_owned(),
        format!("--bitmap={}", if on { "internal" } else { "none" }),
        array.to_owned(),
    ])
}

/// Ends an array; its members keep their superblocks.
pub fn stop(array: &str) -> Command {
    Command::new("mdadm").args(["--stop", array])
}

/// Makes former members forget the array.
pub fn forget<'a>(members: impl IntoIterator<Item = &'a str>) -> Command {
    Command::new("mdadm").arg("--zero-superblock").args(members)
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

/// A UUID as mdadm writes it, `aaaaaaaa:bbbbbbbb:cccccccc:dddddddd`, whoever wrote it.
pub fn uuid(text: &str) -> String {
    let digits: Vec<char> =
        text.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_lowercase()).collect();
    digits.chunks(8).map(String::from_iter).collect::<Vec<_>>().join(":")
}

/// The line that gives an array its name at boot. The UUID is a late name: the array need not exist yet.
pub fn registration(name: &str) -> Registered {
    let path = format!("/dev/md/{name}");
    let line = format!("ARRAY {path} metadata=1.2 UUID=@{{md-uuid:{path}}}");
    Registered { path, uuid: Uuid::Late, line }
}

/// The `ARRAY` lines of a configuration file. Its other lines are not ours to judge.
pub fn parse_config(text: &str) -> Vec<Registered> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("ARRAY")) {
            continue;
        }
        let mut array = Registered { path: String::new(), uuid: Uuid::Late, line: line.to_owned() };
        for word in words {
            match word.split_once('=') {
                Some((field, value)) if field.eq_ignore_ascii_case("uuid") => {
                    array.uuid = Uuid::Known(uuid(value));
                }
                None if array.path.is_empty() && !word.starts_with('#') => word.clone_into(&mut array.path),
                _ => {}
            }
        }
        if !array.path.is_empty() && !array.path.starts_with('/') && !array.path.starts_with('<') {
            array.path = format!("/dev/md/{}", array.path);
        }
        if array.uuid != Uuid::Late {
            found.push(array);
        }
    }
    found
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
    fn one_uuid_in_two_spellings() {
        assert_eq!(uuid("f6b1b2a5-a3ca-8330-cfd7-ae4bafc5af06"), "f6b1b2a5:a3ca8330:cfd7ae4b:afc5af06");
    }

    #[test]
    fn reads_array_lines_only() {
        let text = "# ARRAY /dev/md/x UUID=1\nHOMEHOST <system>\narray /dev/md/kvm metadata=1.2 name=any:kvm uuid=AABBCCDD:0:0:0\nARRAY <ignore> UUID=11111111:22222222:33333333:44444444\nARRAY /dev/md/y devices=/dev/a\n";
        let found = parse_config(text);
        assert_eq!(
            found.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(),
            ["/dev/md/kvm", "<ignore>"]
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = (parse_detail(&text), parse_config(&text), uuid(&text));
        }
    }
}
