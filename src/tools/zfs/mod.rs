//! `OpenZFS`: which pools and datasets there are, and what changes them. Made for 2.1, which has no JSON.
//!
//! Numbers are always asked for as such (`-p`), so that 1M and 1048576 are one.

mod dataset;
mod label;
mod list;
mod pool;
mod properties;
mod status;

pub use dataset::*;
pub use label::{Label, label, parse_label};
pub use list::*;
pub use pool::*;
pub use properties::*;
pub use status::{Row, parse_status, status, status_guids};

fn bad(tool: &str, what: &str, line: &str) -> String {
    format!("{tool}: no {what} in the line `{line}`")
}

fn number(tool: &str, what: &str, text: &str, line: &str) -> Result<u64, String> {
    match text {
        "-" | "none" => Ok(0),
        text => text.parse().map_err(|_| bad(tool, what, line)),
    }
}
