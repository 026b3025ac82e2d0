//! Arrays: those that run, by mdadm and sysfs, and the members of those that do not, by their superblocks.

use std::collections::BTreeMap;
use std::path::Path;

use super::row::Row;
use super::{ask, member, unread};
use crate::exec::System;
use crate::machine::array::{Array, Layout, Member};
use crate::machine::block::Uuid;
use crate::machine::membership::Part;
use crate::plan::Failure;
use crate::tools::mdadm;
use crate::units::KIB;

/// Whether a row is an array that was given members and does not run, or a name without an array.
pub(super) fn idle(row: &Row, system: &dyn System) -> bool {
    let state = format!("/sys/block/{}/md/array_state", row.kname);
    row.kname.starts_with("md")
        && row.size == 0
        && system
            .read(Path::new(&state))
            .is_ok_and(|state| matches!(state.trim_ascii(), b"inactive" | b"clear"))
}

/// The array of a row; `keys` are lasting names by kernel names.
pub(super) fn running(
    row: &Row,
    keys: &BTreeMap<&str, String>,
    system: &dyn System,
) -> Result<Option<Array>, Failure> {
    let Some(output) = ask(&mdadm::detail(&row.path), system)? else { return Ok(None) };
    let detail = mdadm::parse_detail(&output.text()).map_err(unread)?;
    let folder = format!("/sys/block/{}/md", row.kname);
    let attribute = |name: &str| {
        system
            .read(Path::new(&format!("{folder}/{name}")))
            .map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
            .unwrap_or_default()
    };
    let number = |name: &str| attribute(name).parse::<u64>().unwrap_or(0);
    let members = detail.members.iter().map(|(path, role)| {
        let kname = path.strip_prefix("/dev/").unwrap_or(path);
        let state = attribute(&format!("dev-{kname}/state"));
        let is = |word: &str| state.split(',').any(|one| one == word);
        Member {
            device: keys.get(kname).cloned().unwrap_or_else(|| path.clone()),
            spare: role == "spare" && !is("faulty"),
            faulty: is("faulty"),
            write_mostly: is("write_mostly"),
            failfast: is("failfast"),
            // sysfs counts sectors of 512 bytes here, and KiB elsewhere.
            offset: number(&format!("dev-{kname}/offset")) * 512,
        }
    });
    Ok(Some(Array {
        layout: (detail.level == "raid10").then(|| Layout::from_kernel(number("layout"))).flatten(),
        chunk: if detail.level == "raid1" { 0 } else { number("chunk_size") },
        uuid: Uuid::Known(detail.uuid),
        slots: detail.devices,
        used: if detail.level == "raid0" { 0 } else { number("component_size") * KIB },
        members: members.collect(),
        bitmap: !matches!(attribute("bitmap/location").as_str(), "" | "none"),
        degraded: number("degraded"),
        doing: attribute("sync_action"),
        progress: mdadm::parse_progress(&attribute("sync_completed")),
        policy: attribute("consistency_policy"),
        name: detail.name,
        level: detail.level,
        metadata: detail.metadata,
    }))
}

/// The superblock of a member that no running array holds; nothing where it is of another version than 1.2.
pub(super) fn part(row: &Row, system: &dyn System) -> Result<Option<Part>, Failure> {
    // A device that cannot be read is no part of anything that could be put together.
    let Ok(bytes) = system.read_at(Path::new(&row.path), member::OFFSET, member::LENGTH) else {
        return Ok(None);
    };
    let Some(mut part) = member::parse(&bytes) else { return Ok(None) };
    let holders = format!("/sys/class/block/{}/holders", row.kname);
    let holders = system
        .list(Path::new(&holders))
        .map_err(|error| Failure::new(format!("cannot list {holders}: {error}")))?;
    part.held_by = holders.first().map(|holder| format!("/dev/{holder}"));
    Ok(Some(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;

    const DETAIL: &str = "MD_LEVEL=raid1\nMD_DEVICES=2\nMD_METADATA=1.2\nMD_UUID=91546400:1925f088:eb9347b8:91b3f291\nMD_NAME=any:a\nMD_DEVICE_dev_vdb_ROLE=0\nMD_DEVICE_dev_vdb_DEV=/dev/vdb\nMD_DEVICE_dev_vdc_ROLE=spare\nMD_DEVICE_dev_vdc_DEV=/dev/vdc\n";

    fn row() -> Row {
        Row { kname: "md127".into(), path: "/dev/md127".into(), kind: "raid1".into(), ..Row::default() }
    }

    /// Captured: Linux 6.1, one of two members failed.
    #[test]
    fn a_failed_member_is_no_spare_and_a_recovery_has_come_so_far() {
        let file = |system: Transcript, name: &str, text: &str| {
            system.file(&format!("/sys/block/md127/md/{name}"), text)
        };
        let mut system = Transcript::new().says("mdadm --detail --export /dev/md127", DETAIL);
        for (name, text) in [
            ("dev-vdb/state", "in_sync,write_mostly,failfast\n"),
            ("dev-vdb/offset", "2048\n"),
            ("dev-vdc/state", "faulty\n"),
            ("component_size", "203776\n"),
            ("bitmap/location", "+8\n"),
            ("degraded", "1\n"),
            ("sync_action", "recover\n"),
            ("sync_completed", "152880 / 407552\n"),
            ("consistency_policy", "bitmap\n"),
        ] {
            system = file(system, name, text);
        }
        let keys = BTreeMap::from([("vdb", "/dev/vdb".to_owned()), ("vdc", "/dev/vdc".to_owned())]);
        let array = running(&row(), &keys, &system).unwrap().unwrap();
        let (first, second) = (&array.members[0], &array.members[1]);
        assert_eq!(
            (first.write_mostly, first.failfast, first.spare, first.offset),
            (true, true, false, 1 << 20)
        );
        assert_eq!((second.faulty, second.spare), (true, false));
        assert_eq!((array.used, array.degraded, array.bitmap), (199 << 20, 1, true));
        assert_eq!(array.activity().unwrap(), "a recovery is at 37 % (152880 of 407552 sectors)");
    }

    #[test]
    fn an_array_that_does_not_run_is_no_device() {
        let state = |text| Transcript::new().file("/sys/block/md127/md/array_state", text);
        assert!(idle(&row(), &state("inactive\n")) && idle(&row(), &state("clear\n")));
        assert!(!idle(&row(), &state("clean\n")) && !idle(&Row { size: 1, ..row() }, &state("clear\n")));
    }
}
