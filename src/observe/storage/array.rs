//! Arrays: those that run, by mdadm and sysfs, and the members of those that do not, by their superblocks.

use std::collections::BTreeMap;
use std::path::Path;

use super::{ask, member, unread};
use crate::exec::System;
use crate::machine::array::{Array, Layout, Member};
use crate::machine::block::Uuid;
use crate::machine::membership::Part;
use crate::plan::Failure;
use crate::tools::lsblk::Row;
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
