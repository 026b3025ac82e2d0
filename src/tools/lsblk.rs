//! `lsblk`: the tree of block devices. What udev believes is on them is a hint here, never a proof.

use serde::Deserialize;
use serde_json::Value;

use crate::exec::Command;

/// All devices; only columns that are cheap to know and old enough to be everywhere.
pub fn list() -> Command {
    Command::probe("lsblk").args([
        "--json",
        "--bytes",
        "--output",
        "NAME,KNAME,PATH,MAJ:MIN,TYPE,SIZE,RO,RM,ROTA,LOG-SEC,SERIAL,WWN,MODEL,FSTYPE,LABEL,UUID,PTTYPE,FSSIZE,FSUSED",
    ])
}

/// One device; a device with several parents is one row with several `parents`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// As device-mapper calls it.
    pub name: String,
    /// As the kernel calls it: `dm-0`, `md127`.
    pub kname: String,
    pub path: String,
    pub number: String,
    pub kind: String,
    pub size: u64,
    /// Bytes of a logical sector.
    pub sector: u64,
    pub read_only: bool,
    pub removable: bool,
    pub rotational: Option<bool>,
    pub serial: Option<String>,
    pub wwn: Option<String>,
    pub model: Option<String>,
    pub fstype: Option<String>,
    pub label: Option<String>,
    pub uuid: Option<String>,
    pub table: Option<String>,
    pub fs_size: Option<u64>,
    pub fs_used: Option<u64>,
    /// Kernel names.
    pub parents: Vec<String>,
}

#[derive(Deserialize)]
struct Listing {
    blockdevices: Vec<Value>,
}

/// The devices in the order of the listing.
pub fn parse(text: &str) -> Result<Vec<Row>, String> {
    let listing: Listing =
        serde_json::from_str(text).map_err(|error| format!("lsblk: no listing: {error}"))?;
    let mut rows = Vec::new();
    for device in &listing.blockdevices {
        collect(device, None, &mut rows)?;
    }
    Ok(rows)
}

fn collect(device: &Value, parent: Option<&str>, rows: &mut Vec<Row>) -> Result<(), String> {
    let text = |field: &str| match device.get(field) {
        Some(Value::String(text)) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        _ => None,
    };
    let kname = text("kname").ok_or("lsblk: a device has no field `kname`")?;
    // Older versions quote numbers and flags.
    let number = |field: &str| match device.get(field) {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let flag = |field: &str| match device.get(field) {
        Some(Value::Bool(flag)) => Some(*flag),
        Some(Value::String(text)) => Some(text.trim() == "1"),
        _ => None,
    };
    let need = |field: &str| text(field).ok_or_else(|| format!("lsblk: {kname} has no field `{field}`"));
    if let Some(known) = rows.iter_mut().find(|row| row.kname == kname) {
        known.parents.extend(
            parent.filter(|parent| !known.parents.iter().any(|one| one == parent)).map(str::to_owned),
        );
        return Ok(());
    }
    rows.push(Row {
        name: need("name")?,
        path: need("path")?,
        number: need("maj:min")?,
        kind: need("type")?,
        size: number("size").ok_or_else(|| format!("lsblk: {kname} has no number in `size`"))?,
        sector: number("log-sec").filter(|sector| *sector > 0).unwrap_or(512),
        read_only: flag("ro").unwrap_or(false),
        removable: flag("rm").unwrap_or(false),
        rotational: flag("rota"),
        serial: text("serial"),
        wwn: text("wwn"),
        model: text("model"),
        fstype: text("fstype"),
        label: text("label"),
        uuid: text("uuid"),
        table: text("pttype"),
        fs_size: number("fssize"),
        fs_used: number("fsused"),
        parents: parent.map(str::to_owned).into_iter().collect(),
        kname: kname.clone(),
    });
    for child in device.get("children").and_then(Value::as_array).into_iter().flatten() {
        collect(child, Some(&kname), rows)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_on_several_others_is_one_row() {
        let md = r#"{"name":"md127","kname":"md127","path":"/dev/md127","maj:min":"9:127","type":"raid1","size":9,"ro":"0"}"#;
        let disk = |name: &str| {
            format!(
                r#"{{"name":"{name}","kname":"{name}","path":"/dev/{name}","maj:min":"8:0","type":"disk","size":"10","ro":true,"serial":" A ","children":[{md}]}}"#
            )
        };
        let rows = parse(&format!(r#"{{"blockdevices":[{},{}]}}"#, disk("sda"), disk("sdb"))).unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[1].parents, ["sda", "sdb"]);
        assert_eq!((rows[0].size, rows[0].read_only, rows[0].serial.as_deref()), (10, true, Some("A")));
    }

    #[test]
    fn a_missing_field_is_named() {
        let text = r#"{"blockdevices":[{"name":"sda","kname":"sda","path":"/dev/sda","maj:min":"8:0","type":"disk"}]}"#;
        assert_eq!(parse(text).unwrap_err(), "lsblk: sda has no number in `size`");
        assert!(parse("").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse(&text);
        }
    }
}
