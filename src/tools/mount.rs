//! `mount` and `umount`.

use crate::exec::Command;

pub fn mount(source: &str, target: &str, fstype: &str, options: &str) -> Command {
    Command::new("mount").args([
        "--types",
        fstype,
        "--options",
        options,
        "--source",
        source,
        "--target",
        target,
    ])
}

/// Changes the options of what is mounted.
pub fn remount(target: &str, options: &str) -> Command {
    Command::new("mount").args(["--options".to_owned(), format!("remount,{options}"), target.to_owned()])
}

pub fn unmount(target: &str) -> Command {
    Command::new("umount").arg(target)
}
