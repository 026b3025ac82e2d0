//! Exports of a host.

use serde::{Deserialize, Serialize};

/// Exports of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Exports {}

/// What an action does to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportsEffect {}

impl ExportsEffect {
    pub fn apply(&self, _exports: &mut Exports) {
        match *self {}
    }

    pub fn holds(&self, _exports: &Exports) -> Result<(), String> {
        match *self {}
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, _earlier: &Self) -> bool {
        match *self {}
    }
}
