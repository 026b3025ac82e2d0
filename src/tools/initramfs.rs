//! What a host boots from before its root is there: it has its own copy of mdadm.conf.

use crate::exec::Command;

pub const UPDATE_INITRAMFS: &str = "/usr/sbin/update-initramfs";
pub const DRACUT: &str = "/usr/bin/dracut";

/// Makes all of them anew, as Debian does it.
pub fn update_initramfs() -> Command {
    Command::new("update-initramfs").args(["-u", "-k", "all"])
}

/// Makes all of them anew, as Fedora and SUSE do it.
pub fn dracut() -> Command {
    Command::new("dracut").args(["--regenerate-all", "--force", "--mdadmconf"])
}
