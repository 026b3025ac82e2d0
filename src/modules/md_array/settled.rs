//! Waiting for the kernel to be done with an array.

use crate::plan::{Accept, Condition, Step};
use crate::tools::{mdadm, udevadm};

/// Waits until the kernel has made the array that, and is done with all of it.
///
/// The first wait is mdadm's and lasts as long as the kernel works; the second is for what mdadm itself still does in
/// the background when a reshape has ended, such as the change from raid6 to raid5.
pub(super) fn settled(path: &str, level: &str, devices: u64) -> [Step; 3] {
    let condition = Condition::Array { path: path.to_owned(), level: level.to_owned(), devices };
    [
        Step::Run { command: mdadm::wait(path), accept: Accept::Any },
        Step::Wait { condition, timeout_ms: 24 * 3_600_000, delay_ms: 0, poll_ms: 500, or_else: None },
        Step::run(udevadm::settle()),
    ]
}
