//! Is the device still the one that was planned with, and still blank? Asked right before something is written to it.

use std::path::Path;

use serde::Deserialize;

use crate::exec::{Command, Output, System};
use crate::plan::Failure;
use crate::tools::{blkid, wipefs};

#[derive(Deserialize)]
struct Listing {
    blockdevices: Vec<Device>,
}

#[derive(Deserialize)]
struct Device {
    /// Older `lsblk` quotes numbers.
    #[serde(deserialize_with = "number_or_text")]
    size: u64,
    serial: Option<String>,
    mountpoint: Option<String>,
    #[serde(default)]
    children: Vec<Child>,
}

/// What is made of a device.
#[derive(Deserialize)]
struct Child {
    name: String,
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
    let serial = serial.map(str::trim);
    // Where the kernel does not say the same in so many words, as for disks behind SCSI, a program finds out.
    let known =
        by_kernel(device, system).filter(|found| serial.is_none() || found.serial.as_deref() == serial);
    let found = match known {
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
        && shown != Some(serial)
    {
        return Err(other(format!("its serial is {}, not {serial}", shown.unwrap_or("unknown"))));
    }
    if blank { proven_blank(device, &found, system) } else { Ok(()) }
}

/// A device by the kernel's own words, which speak of sectors of 512 bytes whatever the device has, and of the serials of
/// virtio and `NVMe`. What is mounted from it or holds it, it cannot be had alone for; its partitions are told.
fn by_kernel(device: &str, system: &dyn System) -> Option<Device> {
    let node = system.resolve(Path::new(device)).ok()?;
    let name = node.file_name()?.to_string_lossy().into_owned();
    let says = |what: &str| {
        let text = system.read(Path::new(&format!("/sys/class/block/{name}/{what}"))).ok()?;
        let said = String::from_utf8_lossy(&text).trim().to_owned();
        (!said.is_empty()).then_some(said)
    };
    let sectors: u64 = says("size")?.parse().ok()?;
    let mut entries = system.list(Path::new(&format!("/sys/class/block/{name}"))).ok()?;
    entries.retain(|entry| entry.starts_with(&name));
    Some(Device {
        size: sectors.checked_mul(512)?,
        serial: says("serial").or_else(|| says("device/serial")),
        mountpoint: None,
        children: entries.into_iter().map(|name| Child { name }).collect(),
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
    let answer = system.run(&wipefs::list(device));
    if !answer.success() || !wipefs::parse(&answer.text()).is_ok_and(|signatures| signatures.is_empty()) {
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

    const BLKID: &str = "blkid --probe --output export /dev/vdb";
    const WIPEFS: &str = "wipefs --no-act --json /dev/vdb";

    /// A disk as `lsblk` knows it, and how `blkid` ends on it.
    fn probed(status: Status) -> Transcript {
        Transcript::new().device("/dev/vdb", 1 << 30, &[]).says(LSBLK, FREE).ends(BLKID, status, "", "")
    }

    fn disk() -> Transcript {
        probed(Status::Code(2))
    }

    #[test]
    fn the_same_blank_disk_passes() {
        // Captured: util-linux 2.38.
        let system = disk().says(WIPEFS, "{\n   \"signatures\": [\n\n   ]\n}\n");
        assert_eq!(titled(&system, "HF-1", 1 << 30), Ok(()));
        assert!(titled(&system, "HF-2", 1 << 30).unwrap_err().contains("its serial is HF-1, not HF-2"));
        assert!(titled(&system, "HF-1", 1 << 31).unwrap_err().contains("it has 1073741824 bytes"));
    }

    #[test]
    fn the_kernel_is_asked_itself_where_it_knows() {
        let system = Transcript::new()
            .device("/dev/vg/lv", 1 << 30, &[])
            .link("/dev/vg/lv", "../dm-0")
            .file("/sys/class/block/dm-0/size", "2097152\n")
            .ends("blkid --probe --output export /dev/vg/lv", Status::Code(2), "", "")
            .says("wipefs --no-act --json /dev/vg/lv", "");
        assert_eq!(confirm("/dev/vg/lv", None, 1 << 30, true, &system).err(), None);
        assert!(confirm("/dev/vg/lv", None, 1 << 29, true, &system).is_err());
        let parted = system.file("/sys/class/block/dm-0/dm-0p1/size", "8\n");
        let occupied = confirm("/dev/vg/lv", None, 1 << 30, true, &parted).unwrap_err();
        assert!(occupied.title.contains("dm-0p1 sits on it"), "{}", occupied.title);
        // Of virtio, and of NVMe, which fills up with blanks.
        for place in ["serial", "device/serial"] {
            let system = || {
                Transcript::new()
                    .device("/dev/vdb", 1 << 30, &[])
                    .link("/dev/vdb", "/dev/vdb")
                    .file("/sys/class/block/vdb/size", "2097152\n")
                    .file(&format!("/sys/class/block/vdb/{place}"), "HF-1   \n")
                    .ends(BLKID, Status::Code(2), "", "")
                    .says(WIPEFS, "")
            };
            assert_eq!(titled(&system(), "HF-1", 1 << 30), Ok(()));
            // Where it does not agree, udev has the last word.
            let asked = system().says(LSBLK, FREE);
            assert!(titled(&asked, "HF-2", 1 << 30).unwrap_err().contains("its serial is HF-1, not HF-2"));
        }
    }

    #[test]
    fn doubt_counts_as_occupied() {
        let taken = Transcript::new().says(LSBLK, FREE);
        assert!(titled(&taken, "HF-1", 1 << 30).unwrap_err().contains("for themselves alone"));
        for status in [Status::Code(0), Status::Code(8), Status::Missing, Status::TimedOut] {
            assert!(titled(&probed(status), "HF-1", 1 << 30).unwrap_err().contains("`blkid` says"));
        }
        for status in [Status::Code(1), Status::Missing, Status::TimedOut] {
            let system = disk().ends(WIPEFS, status, "", "");
            assert!(titled(&system, "HF-1", 1 << 30).unwrap_err().contains("`wipefs` says"));
        }
        let signed = disk().says(WIPEFS, r#"{"signatures":[{"type":"ext4"}]}"#);
        assert!(titled(&signed, "HF-1", 1 << 30).unwrap_err().contains("ext4"));
        let held = r#"{"blockdevices":[{"name":"vdb","size":"1073741824","serial":"HF-1","mountpoint":null,
            "children":[{"name":"md0","size":1,"serial":null,"mountpoint":null}]}]}"#;
        let system = Transcript::new().says(LSBLK, held);
        assert!(titled(&system, "HF-1", 1 << 30).unwrap_err().contains("md0 sits on it"));
    }
}
