//! Block devices as the kernel lists them and as udev has written them down. Only files are read, no program is run:
//! `lsblk` reads the same ones, and its start takes longer than all of this.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::exec::System;
use crate::plan::Failure;
use crate::tools::udev::{self, Record};

const CLASS: &str = "/sys/class/block";
/// A host may always have events; what udev has not come to then is found by what is on the devices.
const PATIENCE: Duration = Duration::from_secs(3);

/// One device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// As device-mapper calls it.
    pub name: String,
    /// As the kernel calls it: `dm-0`, `md127`.
    pub kname: String,
    pub path: String,
    pub number: String,
    /// As `lsblk` calls it: `disk`, `part`, `lvm`, `crypt`, `raid10`, `rom` ...
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
    /// Kernel names of what it lies on: the disk of a partition, the members of an array.
    pub parents: Vec<String>,
}

/// All devices that hold anything, by their kernel names.
pub(super) fn all(system: &dyn System) -> Result<Vec<Row>, Failure> {
    await_udev(system);
    let names = system
        .list(Path::new(CLASS))
        .map_err(|error| Failure::new(format!("cannot list the block devices in {CLASS}: {error}")))?;
    Ok(names.iter().filter(|kname| !is_idle(kname, system)).filter_map(|kname| read(kname, system)).collect())
}

/// Lets udev come to what has just happened, as long as that is soon: its records are of a moment ago otherwise. Its
/// queue is a file that is there while it works.
fn await_udev(system: &dyn System) {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE
        && system.stat(Path::new("/run/udev/queue")).is_ok_and(|there| there.is_some())
    {
        thread::sleep(Duration::from_millis(5));
    }
}

/// The device at a path, whichever of its names that is.
pub fn at(path: &str, system: &dyn System) -> Option<Row> {
    let node = system.resolve(Path::new(path)).ok()?;
    // A device in a folder of its own, as `cciss/c0d0`, has no slash in its kernel name.
    let kname = node.strip_prefix("/dev").ok()?.to_str()?.replace('/', "!");
    read(&kname, system)
}

/// What sits on a device or is a part of it, by kernel names.
pub fn children(row: &Row, system: &dyn System) -> Vec<String> {
    let folder = Path::new(CLASS).join(&row.kname);
    let list = |at: &Path| system.list(at).unwrap_or_default();
    let mut children = list(&folder.join("holders"));
    children.extend(list(&folder).into_iter().filter(|entry| entry.starts_with(&row.kname)));
    children
}

/// Memory that is used as a disk, and loop devices of no file: there may be many, and nobody means them.
fn is_idle(kname: &str, system: &dyn System) -> bool {
    let says = |what: &str| says(kname, what, system);
    kname.starts_with("ram")
        || kname.starts_with("loop")
            && says("size").as_deref() == Some("0")
            && says("loop/backing_file").is_none()
}

/// Nothing where there is no device of that name, or no longer, and for the single ways to an `NVMe` disk, which have no
/// device number.
fn read(kname: &str, system: &dyn System) -> Option<Row> {
    let says = |what: &str| says(kname, what, system);
    let number = says("dev")?;
    let sectors: u64 = says("size")?.parse().ok()?;
    let disk = says("partition").and_then(|_| disk(kname, system));
    // A partition is as its disk is.
    let whole = |what: &str| match &disk {
        Some(disk) => self::says(disk, what, system),
        None => says(what),
    };
    let flag = |said: Option<String>| said.map(|said| said == "1");
    let mut parents = system.list(&Path::new(CLASS).join(kname).join("slaves")).unwrap_or_default();
    parents.extend(disk.clone());
    let record = system.read(Path::new(&udev::record(&number)));
    let record = record.map(|bytes| udev::parse(&String::from_utf8_lossy(&bytes))).unwrap_or_default();
    let mapped = if is_mapped(kname) { says("dm/name") } else { None };
    let node = kname.replace('!', "/");
    Some(Row {
        path: mapped.as_ref().map_or_else(|| format!("/dev/{node}"), |name| format!("/dev/mapper/{name}")),
        name: mapped.unwrap_or(node),
        kind: kind(kname, disk.is_some(), system),
        // The kernel counts in sectors of 512 bytes, whatever the device does.
        size: sectors.checked_mul(512)?,
        sector: whole("queue/logical_block_size").and_then(|said| said.parse().ok()).unwrap_or(512),
        read_only: flag(says("ro")).unwrap_or(false),
        removable: flag(whole("removable")).unwrap_or(false),
        rotational: flag(whole("queue/rotational")),
        // Identities of a disk are no identities of its partitions.
        serial: if disk.is_none() { serial(&record, kname, system) } else { None },
        wwn: record.first(&["ID_WWN_WITH_EXTENSION", "ID_WWN"]),
        model: if disk.is_none() && parents.is_empty() { model(&record, kname, system) } else { None },
        fstype: record.first(&["ID_FS_TYPE"]),
        label: record.decoded("ID_FS_LABEL_ENC"),
        uuid: record.decoded("ID_FS_UUID_ENC"),
        table: record.first(&["ID_PART_TABLE_TYPE"]),
        kname: kname.to_owned(),
        number,
        parents,
    })
}

/// As the disk tells it. With the rules of `sg3-utils` udev has it under names of theirs, and what begins with the vendor
/// comes last. Fields of a fixed length are filled up with blanks, which are nobody's serial.
fn serial(record: &Record, kname: &str, system: &dyn System) -> Option<String> {
    record
        .first(&["SCSI_IDENT_SERIAL", "ID_SCSI_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"])
        .or_else(|| says(kname, "serial", system))
        .or_else(|| says(kname, "device/serial", system))
        .map(|said| single_spaced(&said))
}

fn model(record: &Record, kname: &str, system: &dyn System) -> Option<String> {
    record
        .decoded("ID_MODEL_ENC")
        .or_else(|| record.first(&["ID_MODEL"]))
        .or_else(|| says(kname, "device/model", system))
        .map(|said| single_spaced(&said))
}

fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The disk of a partition: the folder that its own is in.
fn disk(kname: &str, system: &dyn System) -> Option<String> {
    let folder: PathBuf = system.resolve(&Path::new(CLASS).join(kname)).ok()?;
    Some(folder.parent()?.file_name()?.to_string_lossy().into_owned())
}

fn is_mapped(kname: &str) -> bool {
    kname.starts_with("dm-")
}

fn kind(kname: &str, partition: bool, system: &dyn System) -> String {
    let says = |what: &str| says(kname, what, system);
    if partition {
        return "part".to_owned();
    }
    if is_mapped(kname) {
        // Who makes a mapped device begins its identity with a name of his own; kpartx counts there, too.
        let identity = says("dm/uuid").unwrap_or_default().to_lowercase();
        let kind = match identity.split('-').next() {
            Some(maker) if maker.starts_with("part") => "part",
            Some("") | None => "dm",
            Some(maker) => maker,
        };
        return kind.to_owned();
    }
    if kname.starts_with("loop") {
        return "loop".to_owned();
    }
    if kname.starts_with("md") {
        return says("md/level").unwrap_or_else(|| "md".to_owned()).to_lowercase();
    }
    // Kinds of devices by the standard for SCSI; others say nothing, or words.
    match says("device/type").as_deref() {
        Some("1") => "tape",
        Some("4") => "worm",
        Some("5") => "rom",
        Some("7") => "mo-disk",
        Some("12") => "raid",
        Some("14") => "rbc",
        _ => "disk",
    }
    .to_owned()
}

/// What the kernel says of a device in a file of that name; nothing where it has none, or is silent.
pub(super) fn says(kname: &str, what: &str, system: &dyn System) -> Option<String> {
    let bytes = system.read(&Path::new(CLASS).join(kname).join(what)).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned()).filter(|said| !said.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;

    /// A device as the kernel shows it.
    fn device(system: Transcript, kname: &str, files: &[(&str, &str)]) -> Transcript {
        files
            .iter()
            .fold(system, |system, (name, text)| system.file(&format!("{CLASS}/{kname}/{name}"), text))
    }

    /// Captured: Linux 6.1 and systemd 252, much left out.
    #[test]
    fn a_partition_is_on_its_disk() {
        let disk = [
            ("dev", "8:48\n"),
            ("size", "32768\n"),
            ("ro", "0\n"),
            ("removable", "1\n"),
            ("device/type", "0\n"),
        ];
        let queue = [("queue/logical_block_size", "4096\n"), ("queue/rotational", "1\n")];
        let part = [("dev", "8:49\n"), ("size", "15272\n"), ("ro", "1\n"), ("partition", "1\n")];
        let system = device(device(device(Transcript::new(), "sdd", &disk), "sdd", &queue), "sdd1", &part)
            .link("/sys/class/block/sdd1", "/sys/devices/pseudo_0/host2/block/sdd/sdd1")
            .file("/run/udev/data/b8:48", "E:ID_SERIAL=Linux_10000\nE:ID_SERIAL_SHORT=1  0000\nE:ID_MODEL_ENC=Big\\x20\\x20Disk\\x20\nE:ID_WWN=0x50\n")
            .file("/run/udev/data/b8:49", "E:ID_SERIAL=Linux_10000\nE:ID_FS_TYPE=vfat\nE:ID_FS_LABEL=A_B\nE:ID_FS_LABEL_ENC=A\\x20B\n");
        let rows = all(&system).unwrap();
        let [disk, part] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((disk.kind.as_str(), disk.path.as_str(), disk.size), ("disk", "/dev/sdd", 16 << 20));
        assert_eq!((disk.serial.as_deref(), disk.model.as_deref()), (Some("1 0000"), Some("Big Disk")));
        assert_eq!((part.kind.as_str(), part.parents.as_slice()), ("part", ["sdd".to_owned()].as_slice()));
        assert_eq!(
            (part.sector, part.rotational, part.removable, part.read_only),
            (4096, Some(true), true, true)
        );
        assert_eq!((part.serial.as_deref(), part.label.as_deref()), (None, Some("A B")));
        assert_eq!(children(disk, &system.file("/sys/class/block/sdd/sdd1/partition", "1\n")), ["sdd1"]);
    }

    #[test]
    fn mapped_devices_are_named_by_who_made_them() {
        let kind = |uuid: &str| {
            let files = [("dev", "253:0\n"), ("size", "8\n"), ("dm/name", "a-b\n"), ("dm/uuid", uuid)];
            let row = read("dm-0", &device(Transcript::new(), "dm-0", &files)).unwrap();
            assert_eq!((row.path.as_str(), row.name.as_str()), ("/dev/mapper/a-b", "a-b"));
            row.kind
        };
        let uuids = ["LVM-SvHIMYh\n", "CRYPT-LUKS2-4bbb-box\n", "mpath-123\n", "part1-mpath-123\n", "\n"];
        assert_eq!(uuids.map(kind), ["lvm", "crypt", "mpath", "part", "dm"]);
    }

    #[test]
    fn without_udev_the_kernel_tells_what_it_knows() {
        let nvme = [
            ("dev", "259:0\n"),
            ("size", "8\n"),
            ("device/serial", "NVME  1   \n"),
            ("device/model", "QEMU  \n"),
        ];
        let row = read("nvme0n1", &device(Transcript::new(), "nvme0n1", &nvme)).unwrap();
        assert_eq!((row.serial.as_deref(), row.model.as_deref()), (Some("NVME 1"), Some("QEMU")));
        let folder = device(Transcript::new(), "cciss!c0d0", &[("dev", "104:0\n"), ("size", "8\n")]);
        let row = at("/dev/cciss/c0d0", &folder.link("/dev/cciss/c0d0", "/dev/cciss/c0d0")).unwrap();
        assert_eq!((row.path.as_str(), row.kname.as_str()), ("/dev/cciss/c0d0", "cciss!c0d0"));
    }

    #[test]
    fn what_nobody_means_is_left_out() {
        let system = device(Transcript::new(), "ram0", &[("dev", "1:0\n"), ("size", "8\n")]);
        let system = device(system, "loop0", &[("dev", "7:0\n"), ("size", "0\n")]);
        let system =
            device(system, "loop1", &[("dev", "7:1\n"), ("size", "0\n"), ("loop/backing_file", "/a\n")]);
        // One way of two to a disk.
        let system = device(system, "nvme0c0n1", &[("hidden", "1\n"), ("size", "8\n")]);
        let names: Vec<String> = all(&system).unwrap().into_iter().map(|row| row.kname).collect();
        assert_eq!(names, ["loop1"]);
    }
}
