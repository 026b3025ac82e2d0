//! `udevadm`: waiting until names of new devices are there.

use crate::exec::Command;

/// Waits until everything that is known by now has its name.
pub fn settle() -> Command {
    Command::new("udevadm").args(["settle", "--timeout=60"])
}
