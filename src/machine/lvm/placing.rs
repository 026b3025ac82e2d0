//! Whether there is room for a volume, and where LVM will probably put it.
//!
//! LVM chooses the places. What is said here decides what is refused before anything is done, and is the guess a dry
//! run goes on with; nothing is held to the guess, only to the number of extents.

use std::collections::BTreeMap;
use std::fmt;

use super::Group;

/// What has to be put somewhere: `images` parts on as many devices, each with so many extents and `meta` beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    pub images: u64,
    pub each: u64,
    pub meta: u64,
    /// The only devices that may be used; all of the group when there are none.
    pub on: Vec<String>,
}

/// Why there is no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoPlace {
    pub shape: Shape,
    /// Free extents of the devices that may be used.
    pub free: BTreeMap<String, u64>,
}

impl Shape {
    /// One part, wherever there is room.
    pub fn linear(extents: u64) -> Self {
        Self { images: 1, each: extents, meta: 0, on: Vec::new() }
    }

    /// Extents in all.
    pub fn extents(&self) -> u64 {
        self.images * (self.each + self.meta)
    }
}

impl fmt::Display for NoPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shape { images, each, meta, .. } = self.shape;
        if images > 1 {
            write!(f, "needed are {} extents on each of {images} devices; ", each + meta)?;
        }
        f.write_str("free are")?;
        for (at, (device, free)) in self.free.iter().enumerate() {
            write!(f, "{} {free} on {device}", if at > 0 { "," } else { "" })?;
        }
        if self.free.is_empty() { f.write_str(" none") } else { Ok(()) }
    }
}

/// Extents that one image of RAID needs for its metadata: two superblocks and a bit for each region of 2 MiB.
pub fn rmeta_extents(image: u64, extent: u64) -> u64 {
    let regions = (image * extent).div_ceil(2 << 20);
    (2 * 4096 + regions.div_ceil(8)).div_ceil(extent.max(1))
}

impl Group {
    /// Extents by device, as LVM will probably choose them.
    pub fn place(&self, shape: &Shape) -> Result<BTreeMap<String, u64>, NoPlace> {
        let allowed = |device: &&String| shape.on.is_empty() || shape.on.contains(device);
        let free: BTreeMap<String, u64> = self
            .physical
            .keys()
            .filter(allowed)
            .map(|device| (device.clone(), self.free_on(device)))
            .filter(|(_, free)| *free > 0)
            .collect();
        fill(shape, free.clone()).ok_or_else(|| NoPlace { shape: shape.clone(), free })
    }
}

fn fill(shape: &Shape, mut free: BTreeMap<String, u64>) -> Option<BTreeMap<String, u64>> {
    let images = usize::try_from(shape.images).ok().filter(|images| *images > 0)?;
    let mut places = BTreeMap::new();
    // Each part whole on a device of its own, where that is possible.
    let whole = shape.each + shape.meta;
    let roomy: Vec<String> = free
        .iter()
        .filter(|(_, free)| **free >= whole)
        .map(|(device, _)| device.clone())
        .take(images)
        .collect();
    if roomy.len() == images {
        return Some(roomy.into_iter().map(|device| (device, whole)).collect());
    }
    let mut left = shape.each;
    let mut meta = shape.meta;
    while left > 0 {
        let mut order: Vec<(u64, String)> =
            free.iter().map(|(device, free)| (*free, device.clone())).collect();
        order.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        let least = order.get(images - 1).map(|(free, _)| *free).filter(|free| *free > meta)?;
        let part = left.min(least - meta);
        for (_, device) in order.into_iter().take(images) {
            *free.get_mut(&device)? -= part + meta;
            *places.entry(device).or_default() += part + meta;
        }
        left -= part;
        meta = 0;
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::lvm::Physical;

    fn group(free: &[u64]) -> Group {
        let mut group = Group::new("vg", 4 << 20);
        for (at, extents) in free.iter().enumerate() {
            let physical = Physical { start: 1 << 20, extents: *extents, size: None };
            group.physical.insert(format!("/dev/{at}"), physical);
        }
        group
    }

    fn shape(images: u64, each: u64, meta: u64) -> Shape {
        Shape { images, each, meta, on: Vec::new() }
    }

    #[test]
    fn parts_lie_on_different_devices() {
        let places = group(&[10, 10, 10]).place(&shape(2, 9, 1)).unwrap();
        assert_eq!(
            places.into_iter().collect::<Vec<_>>(),
            [("/dev/0".to_owned(), 10), ("/dev/1".to_owned(), 10)]
        );
        assert!(group(&[30]).place(&shape(2, 9, 1)).is_err());
        // Spread over more devices than it has parts.
        assert!(group(&[10, 5, 5]).place(&shape(2, 10, 0)).is_ok());
        let none = group(&[10, 5, 4]).place(&shape(2, 10, 0)).unwrap_err();
        assert_eq!(
            none.to_string(),
            "needed are 10 extents on each of 2 devices; free are 10 on /dev/0, 5 on /dev/1, 4 on /dev/2"
        );
    }

    #[test]
    fn one_part_takes_all_there_is() {
        assert_eq!(group(&[3, 4]).place(&Shape::linear(7)).unwrap().values().sum::<u64>(), 7);
        assert!(group(&[3, 4]).place(&Shape::linear(8)).is_err());
    }

    /// Measured with LVM 2.03.16.
    #[test]
    fn metadata_of_raid_is_one_extent() {
        assert_eq!(rmeta_extents(100, 4 << 20), 1);
        assert_eq!(rmeta_extents(1 << 20, 128 << 10), 1);
    }
}
