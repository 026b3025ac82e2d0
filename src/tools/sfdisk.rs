//! `sfdisk` and `partx`: partition tables. Only single partitions are written, never a whole table over another.
//!
//! `sfdisk` writes and does not tell the kernel: where a partition of the disk is in use, it would fail to and still end
//! well. `partx` tells the kernel of one partition. `--number` of a partition that is not there yet makes the next free
//! one instead, so that new ones are appended under their own name.

use serde::Deserialize;

use crate::exec::{Command, Output, Status};
use crate::machine::block::{Uuid, partition_path};
use crate::machine::claim::{BlankDevice, Unused};
use crate::machine::table::{Label, Part, Table};
use crate::units::MIB;

/// Describes the table.
pub fn list(disk: &str) -> Command {
    Command::probe("sfdisk").args(["--json", disk])
}

/// The table as a script that would make it again: evidence.
pub fn dump(disk: &str) -> Command {
    Command::probe("sfdisk").args(["--dump", disk])
}

fn quiet() -> Command {
    Command::new("sfdisk").args([
        "--quiet",
        "--lock=yes",
        "--no-reread",
        "--no-tell-kernel",
        "--wipe=never",
        "--wipe-partitions=never",
    ])
}

/// A table without partitions.
pub fn make(disk: BlankDevice<'_>, label: Label) -> Command {
    quiet().arg(disk.path()).stdin(format!("label: {}\n", label.name()))
}

/// A new partition in free space.
pub fn add(disk: &str, number: u64, part: &Part) -> Command {
    let mut fields =
        vec![format!("start={}", part.start), format!("size={}", part.size), format!("type={}", part.kind)];
    fields.extend(part.name.iter().map(|name| format!("name=\"{name}\"")));
    if !part.attributes.is_empty() {
        fields.push(format!("attrs=\"{}\"", part.attributes.join(" ")));
    }
    if part.bootable {
        fields.push("bootable".to_owned());
    }
    let line = format!("{} : {}\n", partition_path(disk, number), fields.join(", "));
    quiet().args(["--append", disk]).stdin(line)
}

/// Moves the end of a partition further back; its beginning and all else stay.
pub fn grow(disk: &str, number: u64, part: &Part) -> Command {
    quiet()
        .args(["--partno", &number.to_string(), disk])
        .stdin(format!("start={}, size={}\n", part.start, part.size))
}

/// Removes a partition that nobody uses from the table.
pub fn remove(disk: &str, number: u64, _: Unused<'_>) -> Command {
    quiet().args(["--delete", disk, &number.to_string()])
}

pub fn retype(disk: &str, number: u64, kind: &str) -> Command {
    quiet().args(["--part-type", disk, &number.to_string(), kind])
}

pub fn rename(disk: &str, number: u64, name: &str) -> Command {
    quiet().args(["--part-label", disk, &number.to_string(), name])
}

pub fn attributes(disk: &str, number: u64, attributes: &[String]) -> Command {
    quiet().args(["--part-attrs", disk, &number.to_string(), &attributes.join(",")])
}

/// Makes one partition the active one, and no other; `-` for none.
pub fn activate(disk: &str, number: Option<u64>) -> Command {
    quiet().args(["--activate", disk, &number.map_or_else(|| "-".to_owned(), |number| number.to_string())])
}

/// Moves the copy of a GPT to the end of the disk, which lets the table use all of the disk.
pub fn move_copy(disk: &str) -> Command {
    quiet().args(["--relocate", "gpt-bak-std", disk])
}

/// Tells the kernel of a new or a larger partition.
pub fn tell(disk: &str, number: u64) -> Command {
    Command::new("partx").args(["--update", "--nr", &number.to_string(), disk])
}

/// Lets the kernel forget a partition; fails while anybody has it open.
pub fn forget(disk: &str, number: u64) -> Command {
    Command::new("partx").args(["--delete", "--nr", &number.to_string(), disk])
}

#[derive(Deserialize)]
struct Listing {
    partitiontable: Described,
}

#[derive(Deserialize)]
struct Described {
    label: String,
    id: Option<String>,
    firstlba: Option<u64>,
    lastlba: Option<u64>,
    #[serde(default = "half")]
    sectorsize: u64,
    #[serde(default)]
    partitions: Vec<Entry>,
}

fn half() -> u64 {
    512
}

#[derive(Deserialize)]
struct Entry {
    node: String,
    start: u64,
    size: u64,
    #[serde(rename = "type")]
    kind: String,
    uuid: Option<String>,
    name: Option<String>,
    attrs: Option<String>,
    #[serde(default)]
    bootable: bool,
}

/// The table of a disk of `bytes` bytes; `None` where there is none. Whether it is outgrown or tidy, only the bytes on
/// the disk can tell.
pub fn parse(disk: &str, bytes: u64, output: &Output) -> Result<Option<Table>, String> {
    let error = output.error_text();
    if output.status == Status::Code(1) && error.contains("does not contain a recognized partition table") {
        return Ok(None);
    }
    if !output.success() {
        return Err(format!("sfdisk: {}: {}", output.status, error.trim()));
    }
    let listing: Listing =
        serde_json::from_str(&output.text()).map_err(|error| format!("sfdisk: no listing: {error}"))?;
    let found = listing.partitiontable;
    let sector = found.sectorsize;
    if sector == 0 || sector > MIB || bytes / sector < 2 {
        return Err(format!("sfdisk: sectorsize of {disk} is {sector}, and the disk has {bytes} bytes"));
    }
    let label = match found.label.as_str() {
        "gpt" => Label::Gpt,
        "dos" => Label::Dos,
        other => {
            let mut table = Table::new(Label::Dos, sector, bytes / sector);
            table.label = Err(other.to_owned());
            return Ok(Some(table));
        }
    };
    let mut table = Table::new(label, sector, bytes / sector);
    table.id = found.id.map_or(Uuid::Late, Uuid::Known);
    table.first = found.firstlba.unwrap_or(table.first);
    table.last = found.lastlba.unwrap_or(table.last);
    if table.first > table.sectors || table.last > table.sectors {
        return Err(format!(
            "sfdisk: firstlba and lastlba are {} and {}, and {disk} has {} sectors",
            table.first, table.last, table.sectors
        ));
    }
    for entry in found.partitions {
        let digits = entry.node.strip_prefix(disk).map(|rest| rest.trim_start_matches('p'));
        let number = digits
            .and_then(|digits| digits.parse().ok())
            .ok_or_else(|| format!("sfdisk: node is `{}`, no partition of {disk}", entry.node))?;
        if entry.start.checked_add(entry.size).and_then(|end| end.checked_mul(sector)).is_none() {
            return Err(format!("sfdisk: start and size of {} are too large", entry.node));
        }
        let mut attributes: Vec<String> =
            entry.attrs.iter().flat_map(|all| all.split_whitespace()).map(str::to_owned).collect();
        attributes.sort();
        let part = Part {
            start: entry.start,
            size: entry.size,
            kind: if label == Label::Gpt { entry.kind.to_ascii_uppercase() } else { entry.kind },
            uuid: entry.uuid.map_or(Uuid::Late, Uuid::Known),
            name: entry.name.filter(|name| !name.is_empty()),
            attributes,
            bootable: entry.bootable,
        };
        table.parts.insert(number, part);
    }
    Ok(Some(table))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::GIB;

    /// Captured: util-linux 2.38.1, a disk that grew from 1 to 2 GiB.
    const GPT: &str = r#"{
   "partitiontable": {
      "label": "gpt",
      "id": "04B8F34C-DD51-5343-8684-CA3FEA228850",
      "device": "/dev/vdb",
      "unit": "sectors",
      "firstlba": 2048,
      "lastlba": 2097118,
      "sectorsize": 512,
      "partitions": [
         {
            "node": "/dev/vdb1",
            "start": 2048,
            "size": 204800,
            "type": "E6D6D379-F507-44C2-A23C-238F2A3DF928",
            "uuid": "D26BC216-0C84-7841-A25F-B622795930D0",
            "name": "other name",
            "attrs": "LegacyBIOSBootable"
         },{
            "node": "/dev/vdb3",
            "start": 206848,
            "size": 409600,
            "type": "E6D6D379-F507-44C2-A23C-238F2A3DF928",
            "uuid": "A5305A18-1AA1-0D4A-B6B8-06EA5DC5C31F"
         }
      ]
   }
}"#;
    /// Captured: the same, a dos table.
    const DOS: &str = r#"{"partitiontable": {"label": "dos", "id": "0x76a5e8ef", "device": "/dev/vdc", "unit": "sectors", "sectorsize": 512, "partitions": [{"node": "/dev/vdc1", "start": 2048, "size": 20480, "type": "5"},{"node": "/dev/vdc5", "start": 4096, "size": 2048, "type": "83", "bootable": true}]}}"#;

    fn said(status: i32, text: &str, error: &str) -> Output {
        Output { status: Status::Code(status), stdout: text.into(), stderr: error.into() }
    }

    #[test]
    fn reads_a_gpt() {
        let table = parse("/dev/vdb", 2 * GIB, &said(0, GPT, "")).unwrap().unwrap();
        assert_eq!(
            (table.label.clone(), table.last, table.last_of_disk()),
            (Ok(Label::Gpt), 2_097_118, 4_194_270)
        );
        assert_eq!(table.parts.keys().copied().collect::<Vec<_>>(), [1, 3]);
        assert_eq!(table.parts[&1].attributes, ["LegacyBIOSBootable"]);
        assert_eq!(table.parts[&3].name, None);
    }

    #[test]
    fn reads_a_dos_table_and_none() {
        let table = parse("/dev/vdc", GIB, &said(0, DOS, "")).unwrap().unwrap();
        assert!(table.parts[&1].extended() && table.parts[&5].bootable);
        let none = said(1, "", "sfdisk: /dev/vdb: does not contain a recognized partition table\n");
        assert_eq!(parse("/dev/vdb", GIB, &none), Ok(None));
        let gone = said(1, "", "sfdisk: cannot open /dev/vdz: No such file or directory\n");
        assert!(parse("/dev/vdz", GIB, &gone).unwrap_err().contains("cannot open"));
        let text = DOS.replace("/dev/vdc5", "elsewhere");
        assert_eq!(
            parse("/dev/vdc", GIB, &said(0, &text, "")).unwrap_err(),
            "sfdisk: node is `elsewhere`, no partition of /dev/vdc"
        );
    }

    #[test]
    fn numbers_follow_a_p_where_the_disk_ends_in_a_digit() {
        let text = DOS.replace("/dev/vdc", "/dev/nvme0n1p");
        let table = parse("/dev/nvme0n1", GIB, &said(0, &text, "")).unwrap().unwrap();
        assert_eq!(table.parts.keys().copied().collect::<Vec<_>>(), [1, 5]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*", start in proptest::num::u64::ANY, size in proptest::num::u64::ANY) {
            let _ = parse("/dev/vdb", GIB, &said(0, &text, ""));
            let numbers = DOS.replace("4096", &start.to_string()).replace("20480", &size.to_string());
            let _ = parse("/dev/vdc", size, &said(0, &numbers, ""));
        }
    }
}
