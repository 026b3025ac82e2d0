//! Is the device still the one that was planned with, and still blank? Asked right before something is written to it.

use std::path::Path;

use serde::Deserialize;

use crate::exec::{Command, Output, System};
use crate::plan::Failure;
use crate::tools::blkid;

#[derive(Deserialize)]
struct Listing {
    blockdevices: Vec<Device>,
}

#[derive(Deserialize)]
struct Device {
    name: String,
    /// Older `lsblk` quotes numbers.
    #[serde(deserialize_with = "number_or_text")]
    size: u64,
    serial: Option<String>,
    mountpoint: Option<String>,
    #[serde(default)]
    children: Vec<Device>,
}

fn number_or_text<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::Number(number) => number.as_u64(),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    }
    .ok_or_else(|| serde::de::Error::custom("size is no number of bytes"))
}

pub(super) fn confirm(
    device: &str,
    serial: Option<&str>,
    size: u64,
    blank: bool,
    system: &dyn System,
) -> Result<(), Failure> {
    // Only a serial takes a program to find out.
    let told_by_kernel = if serial.is_none() { sized(device, system) } else { None };
    let found = match told_by_kernel {
        Some(found) => found,
        None => listed(device, system)?,
    };
    let other = |what: String| {
        Failure::new(format!("{device} is not the device this was planned with: {what}"))
            .help("plan again: devices may have changed places")
    };
    if found.size != size {
        return Err(other(format!("it has {} bytes, not {size}", found.size)));
    }
    let shown = found.serial.as_deref().map(str::trim);
    if let Some(serial) = serial
        && shown != Some(serial.trim())
    {
        return Err(other(format!("its serial is {}, not {serial}", shown.unwrap_or("unknown"))));
    }
    if blank { proven_blank(device, &found, system) } else { Ok(()) }
}

/// A device by the kernel's own words, which speak of sectors of 512 bytes whatever the device has. What is mounted
/// from it or sits on it, it cannot be had alone for.
fn sized(device: &str, system: &dyn System) -> Option<Device> {
    let node = system.resolve(Path::new(device)).ok()?;
    let name = node.file_name()?.to_string_lossy().into_owned();
    let text = system.read(Path::new(&format!("/sys/class/block/{name}/size"))).ok()?;
    let sectors: u64 = String::from_utf8_lossy(&text).trim().parse().ok()?;
    Some(Device {
        name,
        size: sectors.checked_mul(512)?,
        serial: None,
        mountpoint: None,
        children: Vec::new(),
    })
}

fn listed(device: &str, system: &dyn System) -> Result<Device, Failure> {
    let command = Command::probe("lsblk").args(["-J", "-b", "-o", "NAME,SIZE,SERIAL,MOUNTPOINT", device]);
    let output = system.run(&command);
    if !output.success() {
        return Err(Failure::of(&command, &output).help(format!("{device} was there when this was planned")));
    }
    let listing: Listing = serde_json::from_slice(&output.stdout)
        .map_err(|error| Failure::new(format!("`{command}` said something unknown: {error}")))?;
    match <[Device; 1]>::try_from(listing.blockdevices) {
        Ok([found]) => Ok(found),
        Err(_) => Err(Failure::new(format!("`{command}` does not speak of one device"))),
    }
}

fn proven_blank(device: &str, found: &Device, system: &dyn System) -> Result<(), Failure> {
    let occupied =
        |what: String| Failure::new(format!("{device} was blank when this was planned: now {what}"));
    if let Some(mountpoint) = &found.mountpoint {
        return Err(occupied(format!("it is in use at {mountpoint}")));
    }
    if let Some(child) = found.children.first() {
        return Err(occupied(format!("{} sits on it", child.name)));
    }
    if !system.open_exclusive(Path::new(device)).unwrap_or(false) {
        return Err(occupied("somebody has it open for themselves alone".to_owned()));
    }
    let answer = system.run(&blkid::probe(device));
    // Everything but a plain "nothing found" counts as occupied: ambivalence and errors too.
    if blkid::parse(&answer) != Ok(blkid::Found::Nothing) {
        return Err(occupied(described("blkid", &answer)));
    }
    let list = Command::probe("wipefs").args(["--noheadings", "-n", device]);
    let answer = system.run(&list);
    if !answer.success() || !answer.stdout.iter().all(u8::is_ascii_whitespace) {
        return Err(occupied(described("wipefs", &answer)));
    }
    Ok(())
}

fn described(tool: &str, answer: &Output) -> String {
    let said = format!("{} {}", answer.text().trim(), answer.error_text().trim());
    format!("`{tool}` says ({}) {}", answer.status, said.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Status, Transcript};

    const LSBLK: &str = "lsblk -J -b -o NAME,SIZE,SERIAL,MOUNTPOINT /dev/vdb";
    const FREE: &str =
        r#"{"blockdevices":[{"name":"vdb","size":1073741824,"serial":"HF-1","mountpoint":null}]}"#;

    fn titled(system: &Transcript, serial: &str, size: u64) -> Result<(), String> {
        confirm("/dev/vdb", Some(serial), size, true, system).map_err(|failure| failure.title)
    }

    #[test]
    fn the_same_blank_disk_passes() {
        let system = Transcript::new()
            .device("/dev/vdb", 1 << 30, &[])
            .says(LSBLK, FREE)
            .ends("blkid --probe --output export /dev/vdb", Status::Code(2), "", "")
            .says("wipefs --noheadings -n /dev/vdb", "");
        assert_eq!(titled(&system, "HF-1", 1 << 30), Ok(()));
        assert!(titled(&system, "HF-2", 1 << 30).unwrap_err().contains("its serial is HF-1, not HF-2"));
        assert!(titled(&system, "HF-1", 1 << 31).unwrap_err().contains("it has 1073741824 bytes"));
    }

    #[test]
    fn without_a_serial_the_kernel_is_asked_itself() {
        let system = Transcript::new()
            .device("/dev/vg/lv", 1 << 30, &[])
            .link("/dev/vg/lv", "../dm-0")
            .file("/sys/class/block/dm-0/size", "2097152\n")
            .ends("blkid --probe --output export /dev/vg/lv", Status::Code(2), "", "")
            .says("wipefs --noheadings -n /dev/vg/lv", "");
        assert_eq!(confirm("/dev/vg/lv", None, 1 << 30, true, &system).err(), None);
        assert!(confirm("/dev/vg/lv", None, 1 << 29, true, &system).is_err());
    }

    #[test]
    fn doubt_counts_as_occupied() {
        let seen = || Transcript::new().says(LSBLK, FREE);
        assert!(titled(&seen(), "HF-1", 1 << 30).unwrap_err().contains("for themselves alone"));
        let probed = |status| {
            seen().device("/dev/vdb", 1 << 30, &[]).ends(
                "blkid --probe --output export /dev/vdb",
                status,
                "",
                "",
            )
        };
        for status in [Status::Code(0), Status::Code(8), Status::Missing, Status::TimedOut] {
            assert!(titled(&probed(status), "HF-1", 1 << 30).unwrap_err().contains("`blkid` says"));
        }
        let held = r#"{"blockdevices":[{"name":"vdb","size":"1073741824","serial":"HF-1","mountpoint":null,
            "children":[{"name":"md0","size":1,"serial":null,"mountpoint":null}]}]}"#;
        let system = Transcript::new().says(LSBLK, held);
        assert!(titled(&system, "HF-1", 1 << 30).unwrap_err().contains("md0 sits on it"));
    }
}
