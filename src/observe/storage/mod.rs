//! Block devices, partition tables, LVM, btrfs, ZFS, mounts, exports and kernel settings.

pub mod agreed;
mod array;
pub(super) mod blank;
mod block;
mod btrfs;
mod contents;
mod layers;
mod least;
mod luks;
mod member;
mod quota;
pub mod row;
mod span;
pub(super) mod superblock;
mod table;
mod zfs;

use std::path::Path;

use crate::exec::{Command, Output, Status, System};
use crate::machine::{Domain, Machine, Needs};
use crate::plan::Failure;
use crate::tools::sysctl;

pub(super) fn fill(machine: &mut Machine, needs: &Needs, system: &dyn System) -> Result<(), Failure> {
    let wants = |domain| needs.domains.contains(&domain);
    // The others speak of devices by the names that the first gives them.
    let above = [Domain::Lvm, Domain::Mounts, Domain::Memory, Domain::Luks, Domain::Btrfs, Domain::Zfs];
    let names = above.into_iter().any(wants);
    if machine.block.is_none() && (wants(Domain::Block) || names) {
        machine.block = Some(block::observe(machine.known.take().as_ref(), system)?);
    }
    if let Some(block) = &machine.block {
        table::observe(&mut machine.tables, block, &needs.tables, system)?;
        table::look_into(&mut machine.tables, &needs.stretches, system)?;
    }
    let Some(block) = machine.block.as_ref().filter(|_| names) else {
        return rest(machine, needs, system);
    };
    if wants(Domain::Lvm) && machine.lvm.is_none() {
        machine.lvm = Some(layers::lvm(block, system)?);
    }
    if (wants(Domain::Mounts) || wants(Domain::Memory)) && machine.mounts.is_none() {
        machine.mounts = Some(layers::mounts(block, system)?);
    }
    if wants(Domain::Luks) && machine.luks.is_none() {
        machine.luks = Some(luks::observe(system)?);
    }
    if let Some(seen) = &mut machine.luks {
        needs.luks.iter().try_for_each(|need| luks::look(seen, need, block, system))?;
    }
    if let Some(mounts) = &mut machine.mounts {
        layers::look_into(mounts, needs, system)?;
        if wants(Domain::Memory) {
            machine.memory = Some(layers::memory(block, mounts, system)?);
        }
    }
    if wants(Domain::Btrfs) {
        let found = match machine.btrfs.take() {
            Some(known) => known,
            None => btrfs::observe(block, system)?,
        };
        let found = machine.btrfs.insert(found);
        btrfs::look_into(found, &needs.btrfs, block, system)?;
    }
    if wants(Domain::Zfs) {
        let found = match machine.zfs.take() {
            Some(known) => known,
            None => zfs::observe(block, system)?,
        };
        zfs::look_into(machine.zfs.insert(found), &needs.datasets, system)?;
    }
    least::fill(machine, &needs.shrinks, system);
    quota::fill(&mut machine.quotas, needs, system)?;
    rest(machine, needs, system)
}

fn rest(machine: &mut Machine, needs: &Needs, system: &dyn System) -> Result<(), Failure> {
    if needs.domains.contains(&Domain::Exports) && machine.exports.is_none() {
        machine.exports = Some(layers::exports(system)?);
    }
    for key in &needs.sysctls {
        if machine.kernel.seen.contains_key(key) {
            continue;
        }
        let path = sysctl::path(key);
        let value = match system.read(Path::new(&path)) {
            Ok(bytes) => Some(sysctl::normal(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::new(format!("cannot read the kernel setting {key}: {error}"))),
        };
        machine.kernel.seen.insert(key.clone(), value);
    }
    Ok(())
}

/// Runs a program that only looks; `None` when there is no such program.
fn ask(command: &Command, system: &dyn System) -> Result<Option<Output>, Failure> {
    let output = system.run(command);
    match output.status {
        Status::Code(0) => Ok(Some(output)),
        Status::Missing => Ok(None),
        _ => Err(Failure::of(command, &output)),
    }
}

/// What a parser complains about, as a failure of the host.
fn unread(complaint: String) -> Failure {
    Failure::new(complaint).help("this version of the tool speaks otherwise than expected; please report it")
}
