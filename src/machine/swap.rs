//! What is swapped to, and how much memory there would be without it.

use serde::{Deserialize, Serialize};

/// A device or file that is swapped to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Area {
    /// A device by its lasting name, or a file.
    pub path: String,
    /// Bytes that can be swapped to it.
    pub size: u64,
    /// Bytes that are swapped out to it.
    pub used: u64,
    /// `None` where nobody asked for one: the kernel counts down from -2.
    pub priority: Option<u16>,
}

/// The memory of a host, as it is at this moment. It is looked at for every order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// Bytes that programs can have without swapping anything out.
    pub available: u64,
}
