//! What both btrfs modules ask of a file system before they change it: is it whole, is it writable, where is it?

use crate::machine::Machine;
use crate::machine::btrfs::{Btrfs, Inside, Pool};
use crate::machine::mounts::Live;
use crate::plan::Refusal;
use crate::tools::btrfs::Reach;
use crate::units::Size;

/// The btrfs file systems of a machine that was asked for them.
pub(in super::super) fn known(machine: &Machine) -> Result<&Btrfs, Refusal> {
    machine.btrfs.as_ref().ok_or_else(|| Refusal::new("the btrfs file systems of this host are not known"))
}

/// Names every btrfs there is.
pub(in super::super) fn list(refusal: Refusal, btrfs: &Btrfs) -> Refusal {
    btrfs.pools.iter().fold(refusal, |refusal, pool| refusal.fact(described(pool)))
}

pub(in super::super) fn described(pool: &Pool) -> String {
    format!(
        "btrfs {} ({}) on {}, {} used",
        pool.name(),
        pool.uuid.known().unwrap_or("not made yet"),
        pool.paths().join(", "),
        Size(pool.used)
    )
}

/// What is inside; refused where nobody could look.
pub(in super::super) fn inside(pool: &Pool) -> Result<&Inside, Refusal> {
    whole(pool)?;
    pool.inside.as_ref().ok_or_else(|| {
        let why = pool.blind.as_deref().unwrap_or("nobody looked");
        Refusal::new(format!("the inside of the btrfs {} cannot be seen: {why}", pool.name()))
            .fact(described(pool))
    })
}

/// Refused while a device is missing.
pub(in super::super) fn whole(pool: &Pool) -> Result<(), Refusal> {
    if pool.missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::new(format!("the btrfs {} lacks {} of its devices", pool.name(), pool.missing.len()))
        .fact(described(pool))
        .help("bring the device back; it is never mounted degraded, as that makes chunks without redundancy")
        .help("not supported yet: replacing a device that is gone; by hand: `mount -o degraded`, `btrfs replace start`"))
}

/// How to get at it. Mounted somewhere, that is used; otherwise it is mounted for each command, seen by nobody else.
/// `top`: the path has to be the top level, which is never where people mount it: that takes a mount of its own.
pub(in super::super) fn reach(machine: &Machine, pool: &Pool, top: bool) -> Result<Reach, Refusal> {
    let paths = pool.paths();
    let mut lives = live(machine, pool).peekable();
    let device = paths.iter().min().map_or("", String::as_str);
    if lives.peek().is_none() {
        return Ok(Reach::private(device));
    }
    let mut writable = lives.filter(|live| !live.options.iter().any(|option| option == "ro")).peekable();
    if writable.peek().is_none() {
        return Err(Refusal::new(format!("the btrfs {} is mounted read-only", pool.name()))
            .fact(described(pool))
            .fact("that may be the kernel's answer to an error: see `dmesg`")
            .help("find out why, and mount it writable"));
    }
    match writable.next() {
        Some(live) if !top => Ok(Reach::mounted(&live.target)),
        _ => Ok(Reach::private(device)),
    }
}

/// Where it is mounted.
pub(in super::super) fn live<'a>(machine: &'a Machine, pool: &'a Pool) -> impl Iterator<Item = &'a Live> {
    let lives = machine.mounts.iter().flat_map(|mounts| &mounts.live);
    lives.filter(|live| pool.has(&live.source))
}
