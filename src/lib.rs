//! Holdfast: storage automation for fleets.
pub mod cli;
pub mod diagnostic;
pub mod value;
pub mod yaml;
