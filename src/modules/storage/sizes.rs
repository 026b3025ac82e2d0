//! Sizes as the role means them: bytes or a share of the pool, and up to 2 % less where there is not more.

use crate::machine::lvm::Group;
use crate::units::Size;

/// A size of a logical volume in extents, as `lvol` takes it.
pub(super) fn extents(group: &Group, volume: &str, size: &str) -> Result<String, String> {
    let wanted = match share(size)? {
        Some(percent) => group.extents() * percent / 100,
        None => bytes(size)?.div_ceil(group.extent),
    };
    let has = group.logical.get(volume).map_or(0, |volume| volume.extents);
    let most = has + group.free();
    // The role's own rule, which lets a size that fits but for rounding be written down.
    let fits = if wanted > most && (wanted - most) * 50 <= wanted { most } else { wanted };
    Ok(format!("{fits}e"))
}

/// A size where the rounding is that of `lvol`: to whole stripes, or beside the metadata of a pool.
pub(super) fn rounded(size: &str) -> Result<String, String> {
    Ok(match share(size)? {
        Some(100) => "100%FREE".to_owned(),
        Some(percent) => format!("{percent}%VG"),
        None => format!("{}k", bytes(size)?.div_ceil(1024)),
    })
}

/// Percent, where it is a share.
pub(super) fn share(size: &str) -> Result<Option<u64>, String> {
    let Some(number) = size.trim().strip_suffix('%') else { return Ok(None) };
    match number.trim().parse::<u64>() {
        Ok(percent @ 1..=100) => Ok(Some(percent)),
        _ => Err(format!("`{size}` is no share of a pool: 1% to 100%")),
    }
}

pub(super) fn bytes(size: &str) -> Result<u64, String> {
    match size.parse::<Size>() {
        Ok(Size(0)) => Err(format!("`{size}` is no size of a volume")),
        Ok(Size(bytes)) => Ok(bytes),
        Err(bad) => Err(bad.to_string()),
    }
}
