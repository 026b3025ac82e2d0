//! The programs of each kind of file system: making, naming and resizing one. A file a kind.
//!
//! A mkfs never asks and is never forced: it gets a device that is proven blank. Discarding the room of the device is
//! left to it, as that is what it does; its option against that can be given.

pub mod btrfs;
pub mod ext;
pub mod f2fs;
mod options;
pub mod swap;
pub mod vfat;
pub mod xfs;

pub use options::Options;

use std::time::Duration;

use crate::machine::array::Stripe;

/// How long a check or a resize may take: one that is ended half-way can cost the file system.
const LONG: Duration = Duration::from_hours(7 * 24);

/// How a file system is to be made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Make<'a> {
    pub label: Option<&'a str>,
    pub uuid: Option<&'a str>,
    /// Bytes, where it is to be smaller than its device.
    pub size: Option<u64>,
    pub stripe: Option<Stripe>,
    /// More options, checked by the [`Options`] of its kind.
    pub options: &'a [String],
}
