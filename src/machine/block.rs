//! Disks, partitions, md arrays: block devices and what is on them.

use serde::{Deserialize, Serialize};

/// All block devices of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Block {}

/// What an action does to block devices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum BlockEffect {}

impl BlockEffect {
    pub fn apply(&self, _block: &mut Block) {
        match *self {}
    }

    pub fn holds(&self, _block: &Block) -> Result<(), String> {
        match *self {}
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, _earlier: &Self) -> bool {
        match *self {}
    }
}
