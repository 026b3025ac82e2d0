//! Is the device still the one that was planned with, and still blank? Asked right before something is written to it.

use std::path::Path;

use crate::exec::{Output, System};
use crate::observe::row::{self, Row};
use crate::observe::zero_ends;
use crate::plan::Failure;
use crate::tools::{blkid, wipefs};

/// What a device has to be.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) device: &'a str,
    pub(super) serial: Option<&'a str>,
    pub(super) size: u64,
    pub(super) blank: bool,
}

/// Devices that are about to be written to together are asked about together, as far as that is possible.
pub(super) fn confirm(expected: &[Expected<'_>], system: &dyn System) -> Result<(), Failure> {
    for one in expected {
        let found = same(one, system)?;
        if one.blank {
            unused(one.device, &found, system)?;
        }
    }
    let blank: Vec<&str> = expected.iter().filter(|one| one.blank).map(|one| one.device).collect();
    if blank.len() > 1 && wipefs::found_none(&system.run(&wipefs::list(&blank))) {
        return Ok(());
    }
    // One of them has a signature, or there is only one.
    blank.into_iter().try_for_each(|device| {
        let answer = system.run(&wipefs::list(&[device]));
        if wipefs::found_none(&answer) {
            Ok(())
        } else {
            Err(occupied(device, &described("wipefs", &answer)))
        }
    })
}

fn same(expected: &Expected<'_>, system: &dyn System) -> Result<Row, Failure> {
    let Expected { device, size, .. } = *expected;
    let Some(found) = row::at(device, system) else {
        return Err(Failure::new(format!("{device} is no longer there: it was when this was planned")));
    };
    let other = |what: String| {
        Failure::new(format!("{device} is not the device this was planned with: {what}"))
            .help("plan again: devices may have changed places")
    };
    if found.size != size {
        return Err(other(format!("it has {} bytes, not {size}", found.size)));
    }
    match expected.serial.map(str::trim) {
        Some(serial) if found.serial.as_deref() != Some(serial) => {
            let shown = found.serial.as_deref().unwrap_or("unknown");
            Err(other(format!("its serial is {shown}, not {serial}")))
        }
        _ => Ok(found),
    }
}

/// Whether nobody has the device, and nothing is at its ends: what `blkid` finds elsewhere has a mark that `wipefs` finds,
/// too. So it is only asked about ends that are not zero, like those of a partition that was just made.
fn unused(device: &str, found: &Row, system: &dyn System) -> Result<(), Failure> {
    if let Some(child) = row::children(found, system).first() {
        return Err(occupied(device, &format!("{child} sits on it")));
    }
    // It is mounted, swapped to, or held.
    if !system.open_exclusive(Path::new(device)).unwrap_or(false) {
        return Err(occupied(device, "somebody has it open for themselves alone"));
    }
    match zero_ends(device, found.size, system) {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        // Both tools find nothing where they cannot read, and say no more of it.
        Err(error) => return Err(occupied(device, &format!("it cannot be read: {error}"))),
    }
    let answer = system.run(&blkid::probe(device));
    // Everything but a plain "nothing found" counts as occupied: ambivalence and errors too.
    if blkid::parse(&answer) == Ok(blkid::Found::Nothing) {
        Ok(())
    } else {
        Err(occupied(device, &described("blkid", &answer)))
    }
}

fn occupied(device: &str, what: &str) -> Failure {
    Failure::new(format!("{device} was blank when this was planned: now {what}"))
}

fn described(tool: &str, answer: &Output) -> String {
    let said = format!("{} {}", answer.text().trim(), answer.error_text().trim());
    format!("`{tool}` says ({}) {}", answer.status, said.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Status, Transcript};

    fn titled(system: &Transcript, serial: &str, size: u64) -> Result<(), String> {
        let expected = Expected { device: "/dev/vdb", serial: Some(serial), size, blank: true };
        confirm(&[expected], system).map_err(|failure| failure.title)
    }

    const BLKID: &str = "blkid --probe --output export /dev/vdb";
    const WIPEFS: &str = "wipefs --no-act --json /dev/vdb";

    /// A disk as the kernel knows it, on which there is nothing at either end.
    fn disk() -> Transcript {
        listed(Transcript::new().device("/dev/vdb", 1 << 30, &[]))
    }

    /// One with bytes that are no signature, and how `blkid` ends on it.
    fn probed(status: Status) -> Transcript {
        listed(Transcript::new().device("/dev/vdb", 1 << 30, &[(70_000, b"old")])).ends(BLKID, status, "", "")
    }

    fn listed(system: Transcript) -> Transcript {
        [("dev", "254:16\n"), ("size", "2097152\n"), ("serial", "HF-1")]
            .iter()
            .fold(system.link("/dev/vdb", "/dev/vdb"), |system, (name, text)| {
                system.file(&format!("/sys/class/block/vdb/{name}"), text)
            })
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
    fn any_of_its_names_will_do() {
        let system = |size| {
            Transcript::new()
                .device("/dev/vg/lv", 1 << 30, &[])
                .link("/dev/vg/lv", "/dev/dm-0")
                .file("/sys/class/block/dm-0/dev", "253:0\n")
                .file("/sys/class/block/dm-0/size", size)
                .says("wipefs --no-act --json /dev/vg/lv", "")
        };
        let expected = Expected { device: "/dev/vg/lv", serial: None, size: 1 << 30, blank: true };
        let confirm = |system: &Transcript| confirm(&[expected], system);
        assert_eq!(confirm(&system("2097152\n")).err(), None);
        assert!(confirm(&system("1048576\n")).unwrap_err().title.contains("it has 536870912 bytes"));
        let gone = confirm(&Transcript::new()).unwrap_err();
        assert_eq!(gone.title, "/dev/vg/lv is no longer there: it was when this was planned");
        let parted = system("2097152\n").file("/sys/class/block/dm-0/dm-0p1/size", "8\n");
        assert!(confirm(&parted).unwrap_err().title.contains("dm-0p1 sits on it"));
    }

    #[test]
    fn several_are_asked_about_at_once_and_the_one_that_is_not_blank_is_named() {
        let expected = |device| Expected { device, serial: None, size: 1 << 30, blank: true };
        let both = [expected("/dev/vdb"), expected("/dev/vdc")];
        let second = disk()
            .device("/dev/vdc", 1 << 30, &[])
            .link("/dev/vdc", "/dev/vdc")
            .file("/sys/class/block/vdc/dev", "254:32\n")
            .file("/sys/class/block/vdc/size", "2097152\n");
        let at_once = "wipefs --no-act --json /dev/vdb /dev/vdc";
        assert_eq!(confirm(&both, &second.clone().says(at_once, "")).err(), None);
        let zfs = r#"{"signatures":[{"type":"zfs_member"}]}"#;
        let system = second.says(at_once, zfs).says(WIPEFS, "").says("wipefs --no-act --json /dev/vdc", zfs);
        let failure = confirm(&both, &system).unwrap_err();
        assert!(failure.title.starts_with("/dev/vdc was blank when this was planned"), "{}", failure.title);
    }

    #[test]
    fn doubt_counts_as_occupied() {
        let taken = listed(Transcript::new());
        assert!(titled(&taken, "HF-1", 1 << 30).unwrap_err().contains("for themselves alone"));
        for status in [Status::Code(0), Status::Code(8), Status::Missing, Status::TimedOut] {
            let probed = probed(status).says(WIPEFS, "");
            assert!(titled(&probed, "HF-1", 1 << 30).unwrap_err().contains("`blkid` says"));
        }
        assert_eq!(titled(&probed(Status::Code(2)).says(WIPEFS, ""), "HF-1", 1 << 30), Ok(()));
        for status in [Status::Code(1), Status::Missing, Status::TimedOut] {
            let system = disk().ends(WIPEFS, status, "", "");
            assert!(titled(&system, "HF-1", 1 << 30).unwrap_err().contains("`wipefs` says"));
        }
        let signed = disk().says(WIPEFS, r#"{"signatures":[{"type":"ext4"}]}"#);
        assert!(titled(&signed, "HF-1", 1 << 30).unwrap_err().contains("ext4"));
        let short = listed(Transcript::new().device("/dev/vdb", 1 << 29, &[])).says(WIPEFS, "");
        let short = short.ends(BLKID, Status::Code(2), "", "");
        assert!(titled(&short, "HF-1", 1 << 30).unwrap_err().contains("cannot be read"));
        let system = disk().file("/sys/class/block/vdb/holders/md0/dev", "9:0\n");
        assert!(titled(&system, "HF-1", 1 << 30).unwrap_err().contains("md0 sits on it"));
    }
}
