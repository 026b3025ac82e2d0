//! The `state` of modules to which a thing is there or is not. No module itself; those that know a third state have
//! their own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether there is such a thing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::modules) enum State {
    #[default]
    Present,
    Absent,
}
