//! One file per outside program: typed command builders and pure parsers, side by side.
//!
//! Sizes are bytes, the locale is C, commands are argument lists. A line that does not parse is an error that names
//! tool, field and line; it is never skipped. Nothing is run here.

pub mod apt;
pub mod dpkg;
pub mod getent;
pub mod mounts;
pub mod systemctl;
