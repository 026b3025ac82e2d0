//! Mounts of a host.

use serde::{Deserialize, Serialize};

/// Mounts of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Mounts {}

/// What an action does to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountsEffect {}

impl MountsEffect {
    pub fn apply(&self, _mounts: &mut Mounts) {
        match *self {}
    }

    pub fn holds(&self, _mounts: &Mounts) -> Result<(), String> {
        match *self {}
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, _earlier: &Self) -> bool {
        match *self {}
    }
}
