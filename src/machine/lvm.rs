//! Lvm of a host.

use serde::{Deserialize, Serialize};

/// Lvm of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lvm {}

/// What an action does to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LvmEffect {}

impl LvmEffect {
    pub fn apply(&self, _lvm: &mut Lvm) {
        match *self {}
    }

    pub fn holds(&self, _lvm: &Lvm) -> Result<(), String> {
        match *self {}
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, _earlier: &Self) -> bool {
        match *self {}
    }
}
