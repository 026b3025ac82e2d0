//! LVM: one report for everything, and commands that count in extents.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::exec::Command;
use crate::machine::block::Uuid;
use crate::machine::claim::{BlankDevice, Room, Unused};
use crate::machine::lvm::{Group, Logical, Lvm, Physical};
use crate::units::KIB;

/// Everything LVM knows, in one call and only the columns that are read.
pub fn report() -> Command {
    Command::probe("lvm").args([
        "fullreport",
        "--reportformat",
        "json",
        "--units",
        "b",
        "--nosuffix",
        "--configreport",
        "vg",
        "--options",
        "vg_name,vg_uuid,vg_extent_size,vg_missing_pv_count",
        "--configreport",
        "pv",
        "--options",
        "pv_name,pe_start,pv_pe_count,pv_pe_alloc_count",
        "--configreport",
        "lv",
        "--options",
        "lv_name,lv_uuid,lv_size,lv_layout,lv_active",
        "--configreport",
        "pvseg",
        "--options",
        "pv_uuid",
        "--configreport",
        "seg",
        "--options",
        "lv_uuid",
    ])
}

pub fn pvcreate(device: BlankDevice<'_>, alignment: u64) -> Command {
    Command::new("pvcreate").args([
        "--dataalignment".to_owned(),
        format!("{}k", alignment / KIB),
        "--dataalignmentoffset".to_owned(),
        "0k".to_owned(),
        device.path().to_owned(),
    ])
}

pub fn vgcreate(name: &str, extent: u64, devices: &[BlankDevice<'_>]) -> Command {
    Command::new("vgcreate")
        .args(["--physicalextentsize".to_owned(), format!("{}k", extent / KIB), name.to_owned()])
        .args(devices.iter().map(|device| device.path()))
}

pub fn vgextend(name: &str, devices: &[BlankDevice<'_>]) -> Command {
    Command::new("vgextend").arg(name).args(devices.iter().map(|device| device.path()))
}

/// Removes a group without volumes.
pub fn vgremove(name: &str) -> Command {
    Command::new("vgremove").arg(name)
}

/// Frees the devices of a group that is gone.
pub fn pvremove<'a>(devices: impl IntoIterator<Item = &'a str>) -> Command {
    Command::new("pvremove").args(devices)
}

/// Makes a volume of exactly that many extents; signatures of what lay there before are wiped.
pub fn lvcreate(room: Room<'_>, name: &str, options: &[String]) -> Command {
    Command::new("lvcreate")
        .args(["--yes", "--wipesignatures", "y", "--zero", "y", "--name", name, "--extents"])
        .arg(room.extents().to_string())
        .args(options.iter().cloned())
        .arg(&room.group().name)
}

/// Grows a volume into free room, to `extents` in all.
pub fn lvextend(room: Room<'_>, name: &str, extents: u64) -> Command {
    Command::new("lvextend").args([
        "--extents".to_owned(),
        extents.to_string(),
        format!("{}/{name}", room.group().name),
    ])
}

pub fn lvremove(_unused: Unused<'_>, group: &str, name: &str) -> Command {
    Command::new("lvremove").args(["--yes".to_owned(), format!("{group}/{name}")])
}

pub fn lvchange_active(group: &str, name: &str, active: bool) -> Command {
    Command::new("lvchange").args([
        "--activate".to_owned(),
        if active { "y" } else { "n" }.to_owned(),
        format!("{group}/{name}"),
    ])
}

#[derive(Deserialize)]
struct Report {
    report: Vec<Part>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Part {
    vg: Vec<BTreeMap<String, String>>,
    pv: Vec<BTreeMap<String, String>>,
    lv: Vec<BTreeMap<String, String>>,
}

/// Reads the report; devices have the names LVM gives them. Devices outside of groups are left out.
pub fn parse(text: &str) -> Result<Lvm, String> {
    // LVM may put remarks before its JSON.
    let from = text.find('{').ok_or("lvm: the report is no JSON")?;
    let report: Report =
        serde_json::from_str(&text[from..]).map_err(|error| format!("lvm: no report: {error}"))?;
    let mut lvm = Lvm::default();
    for part in report.report {
        let Some(vg) = part.vg.first() else { continue };
        let mut group = Group {
            name: field(vg, "vg_name")?.to_owned(),
            uuid: Uuid::Known(field(vg, "vg_uuid")?.to_owned()),
            extent: number(vg, "vg_extent_size")?,
            physical: BTreeMap::new(),
            logical: BTreeMap::new(),
            other: 0,
            missing: number(vg, "vg_missing_pv_count")?,
        };
        if group.extent == 0 {
            return Err(format!("lvm: vg_extent_size of {} is 0", group.name));
        }
        let mut used = 0;
        for pv in &part.pv {
            let physical = Physical { start: number(pv, "pe_start")?, extents: number(pv, "pv_pe_count")? };
            used += number(pv, "pv_pe_alloc_count")?;
            group.physical.insert(field(pv, "pv_name")?.to_owned(), physical);
        }
        for lv in &part.lv {
            let volume = Logical {
                name: field(lv, "lv_name")?.to_owned(),
                uuid: Uuid::Known(field(lv, "lv_uuid")?.to_owned()),
                extents: number(lv, "lv_size")? / group.extent,
                layout: field(lv, "lv_layout")?.to_owned(),
                active: field(lv, "lv_active")? == "active",
            };
            if volume.plain() {
                used = used.saturating_sub(volume.extents);
            }
            group.logical.insert(volume.name.clone(), volume);
        }
        group.other = used;
        lvm.groups.insert(group.name.clone(), group);
    }
    Ok(lvm)
}

fn field<'a>(row: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, String> {
    row.get(name).map(String::as_str).ok_or_else(|| format!("lvm: the report has no field `{name}`"))
}

fn number(row: &BTreeMap<String, String>, name: &str) -> Result<u64, String> {
    let text = field(row, name)?;
    text.trim().parse().map_err(|_| format!("lvm: `{name}` is `{text}`, no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: LVM 2.03.16, cut to the columns that are asked for.
    const REPORT: &str = r#"  WARNING: something
  {"report":[{"vg":[{"vg_name":"vg_kvm","vg_uuid":"MW7Q36","vg_extent_size":"4194304","vg_missing_pv_count":"0"}],
  "pv":[{"pv_name":"/dev/md127","pe_start":"1048576","pv_pe_count":"2045","pv_pe_alloc_count":"1700"}],
  "lv":[{"lv_name":"images","lv_uuid":"a","lv_size":"5033164800","lv_layout":"linear","lv_active":"active"},
        {"lv_name":"iso-x","lv_uuid":"b","lv_size":"2097152000","lv_layout":"linear","lv_active":""}]}]}"#;

    #[test]
    fn counts_extents() {
        let lvm = parse(REPORT).unwrap();
        let group = &lvm.groups["vg_kvm"];
        assert_eq!((group.extents(), group.free(), group.other), (2045, 345, 0));
        assert_eq!(group.logical["images"].extents, 1200);
        assert!(!group.logical["iso-x"].active);
        assert_eq!(parse("{\"report\":[\n]}").unwrap(), Lvm::default());
    }

    #[test]
    fn a_bad_field_is_named() {
        let text = REPORT.replace("\"4194304\"", "\"4m\"");
        assert_eq!(parse(&text).unwrap_err(), "lvm: `vg_extent_size` is `4m`, no number");
        assert!(parse("nothing").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse(&text);
        }
    }
}
