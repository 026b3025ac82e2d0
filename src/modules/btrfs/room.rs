//! Whether there is room before data is moved. A conversion or removal that runs out of room half-way can leave a btrfs
//! read-only: seen on 1 GiB disks that were 7 % full, as chunks are made whole and metadata takes 256 MiB at once.

use crate::machine::btrfs::{GroupKind, Inside, Pool, Profile};
use crate::plan::Refusal;
use crate::units::{GIB, MIB, Size};

/// The profiles a file system ends up with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) data: Profile,
    pub(super) metadata: Profile,
}

/// Whether all that is kept fits on devices of these sizes.
pub(super) fn fits(
    pool: &Pool,
    inside: &Inside,
    target: Target,
    sizes: &[u64],
    doing: &str,
) -> Result<(), Refusal> {
    let data = inside.used(GroupKind::Data);
    let metadata = inside.used(GroupKind::Metadata) + inside.used(GroupKind::System);
    // Metadata wants a chunk of its own, and some to breathe.
    let reserve = chunk(sizes, 256 * MIB);
    let raw_metadata =
        (metadata + reserve).saturating_mul(copies(target.metadata)) / sizes.len().max(1) as u64;
    let left: Vec<u64> = sizes.iter().map(|size| size.saturating_sub(raw_metadata)).collect();
    let capacity = target.data.capacity(&left);
    if data <= capacity {
        return Ok(());
    }
    Err(Refusal::new(format!("{doing} of the btrfs {} has no room", pool.name()))
        .fact(format!("it holds {} of data and {} of metadata", Size(data), Size(metadata)))
        .fact(format!(
            "what would be left has room for {} of data as {}, and {} for metadata",
            Size(capacity),
            target.data,
            Size(reserve)
        ))
        .help("add a device, or remove something from it"))
}

/// Whether a conversion finds room for its first new chunks.
pub(super) fn can_convert(pool: &Pool, to: &[(GroupKind, Profile)]) -> Result<(), Refusal> {
    let sizes: Vec<u64> = pool.devices.iter().map(|device| device.size).collect();
    let mut needed = 0;
    let mut width = 1;
    for (kind, profile) in to {
        width = width.max(profile.least());
        needed += match kind {
            GroupKind::Data => chunk(&sizes, GIB),
            _ => chunk(&sizes, 256 * MIB) + chunk(&sizes, 32 * MIB),
        };
    }
    let mut free: Vec<u64> =
        pool.devices.iter().map(|device| device.size.saturating_sub(device.allocated)).collect();
    free.sort_unstable_by(|left, right| right.cmp(left));
    let narrowest = free.get(width - 1).copied().unwrap_or(0);
    if narrowest >= needed {
        return Ok(());
    }
    let mut refusal = Refusal::new(format!("converting the btrfs {} could run out of room", pool.name()))
        .fact(format!("new chunks need {} unallocated on each of {width} devices", Size(needed)));
    for device in &pool.devices {
        refusal = refusal.fact(format!(
            "{} has {} unallocated of {}",
            device.path,
            Size(device.size.saturating_sub(device.allocated)),
            Size(device.size)
        ));
    }
    Err(refusal
        .fact("a conversion that runs out of room leaves a btrfs read-only")
        .help("add a device first, or give room back with `btrfs balance start -dusage=20`"))
}

/// The size of a new chunk: at most a tenth of all devices. Source: Linux, `init_alloc_chunk_ctl_policy_regular`.
fn chunk(sizes: &[u64], most: u64) -> u64 {
    most.min(sizes.iter().sum::<u64>() / 10)
}

fn copies(profile: Profile) -> u64 {
    match profile {
        Profile::Dup => 2,
        profile => u64::from(profile.tolerates()) + 1,
    }
}
