//! What a host boots from before its root is there: it has its own copy of mdadm.conf, of
//! crypttab and of LVM's settings.

use crate::exec::Command;
use crate::machine::{Machine, Needs};
use crate::plan::Step;

const UPDATE_INITRAMFS: &str = "/usr/sbin/update-initramfs";
const DRACUT: &str = "/usr/bin/dracut";

/// The modules that update-initramfs puts in beside those it finds, one in a line (initramfs-tools(7)).
pub const MODULES: &str = "/etc/initramfs-tools/modules";

/// On a host from before something is changed that its initramfs has a copy of, until that is made anew.
pub const PENDING: &str = "/var/lib/holdfast/initramfs-is-old";

/// What has to be looked at for [`rebuild`], and to know whether one is due.
pub fn needs() -> Needs {
    Needs::nothing().path(UPDATE_INITRAMFS).path(DRACUT).path(PENDING)
}

/// Makes all of them anew with whatever program this host does it; a host may do without.
pub fn rebuild(machine: &Machine) -> Option<Command> {
    let there = |path| machine.files.at(path).is_some();
    if there(UPDATE_INITRAMFS) { Some(update_initramfs()) } else { there(DRACUT).then(dracut) }
}

/// Whether a step makes all of them anew.
pub fn is_rebuild(step: &Step) -> bool {
    matches!(step, Step::Run { command, .. } if [update_initramfs(), dracut()].contains(command))
}

/// Whether [`rebuild`] is by Debian's generator, which reads [`MODULES`].
pub fn is_debian(rebuild: &Command) -> bool {
    *rebuild == update_initramfs()
}

/// Makes all of them anew, as Debian does it.
fn update_initramfs() -> Command {
    Command::new("update-initramfs").args(["-u", "-k", "all"])
}

/// Makes all of them anew, as Fedora and SUSE do it.
fn dracut() -> Command {
    Command::new("dracut").args(["--regenerate-all", "--force", "--mdadmconf"])
}
