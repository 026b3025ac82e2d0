//! Holdfast: storage automation for fleets.
pub mod cli;
