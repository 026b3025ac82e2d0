//! Identities, also of what does not exist yet.

use serde::{Deserialize, Serialize};

/// An identity that is made at random when its owner is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Uuid {
    Known(String),
    /// The owner does not exist yet.
    Late,
}

impl Uuid {
    /// Whether two can be the same: one that is not known yet can be any.
    pub fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Known(left), Self::Known(right)) => left.eq_ignore_ascii_case(right),
            _ => true,
        }
    }

    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Known(uuid) => Some(uuid),
            Self::Late => None,
        }
    }
}
