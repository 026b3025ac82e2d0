//! What was known of block devices before something touched a few of them, so that only those are looked at again.

use std::collections::BTreeSet;

use super::{Block, Content};
use crate::machine::array::Array;

/// What still holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    block: Block,
    touched: BTreeSet<String>,
}

impl Known {
    pub fn of(block: Block) -> Self {
        Self { block, touched: BTreeSet::new() }
    }

    /// Forgets what is on a device, on what it is made of, and on what sits on it.
    pub fn touch(&mut self, path: &str) {
        let mut open = vec![path];
        while let Some(path) = open.pop() {
            if self.touched.insert(path.to_owned()) {
                open.extend(self.block.holders(path).map(|device| device.path.as_str()));
            }
        }
        let mut open = vec![path];
        while let Some(path) = open.pop() {
            self.touched.insert(path.to_owned());
            let below = self.block.devices.get(path).into_iter().flat_map(|device| &device.sits_on);
            open.extend(below.map(String::as_str));
        }
    }

    /// What is on a device that nobody uses: only what was proven, and only while the device has the same size.
    pub fn content(&self, path: &str, size: u64) -> Option<&Content> {
        let device = self.block.devices.get(path).filter(|device| device.size == size)?;
        let proven = !matches!(device.content, Content::Unknown { .. } | Content::Partitions { .. });
        (proven && !self.touched.contains(path)).then_some(&device.content)
    }

    /// The array of that name. What touches one as such makes all of this unknown; what is written to it does not.
    pub fn array(&self, path: &str) -> Option<&Array> {
        self.block.devices.get(path)?.array.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::block::{Device, DeviceKind};

    #[test]
    fn a_touch_goes_up_and_down_and_not_aside() {
        let mut block = Block::default();
        for (path, below) in [
            ("/dev/a", ""),
            ("/dev/b", ""),
            ("/dev/g/x", "/dev/a"),
            ("/dev/g/y", "/dev/a"),
            ("/dev/top", "/dev/g/x"),
        ] {
            let sits_on = Some(below.to_owned()).filter(|below| !below.is_empty()).into_iter().collect();
            let device = Device { sits_on, ..Device::new(path, DeviceKind::Other, 1) };
            block.devices.insert(path.to_owned(), device);
        }
        let mut known = Known::of(block);
        known.touch("/dev/g/x");
        let still = |path: &str, size| known.content(path, size).is_some();
        assert!(still("/dev/b", 1) && still("/dev/g/y", 1) && !still("/dev/b", 2));
        assert!(!still("/dev/a", 1) && !still("/dev/g/x", 1) && !still("/dev/top", 1));
    }
}
