//! Unmounting, and who is in the way when it fails. Only the doing can know: a process that an earlier task stops is
//! still there when a dry run looks.

use std::path::Path;

use crate::exec::{Output, System};
use crate::plan::Failure;
use crate::tools::mount;

/// More are not named.
const MOST: usize = 5;

pub(super) fn unmount(target: &str, system: &dyn System) -> Result<Output, Failure> {
    let command = mount::unmount(target);
    let output = system.run(&command);
    if output.success() {
        return Ok(output);
    }
    let mut failure = Failure::of(&command, &output);
    let users = users(target, system);
    let more = users.len().saturating_sub(MOST);
    failure.help.extend(users.into_iter().take(MOST));
    if more > 0 {
        failure.help.push(format!("and {more} more processes"));
    }
    Err(failure)
}

/// The processes that have something open there, as far as one may look. They come and go: what vanishes while one
/// looks is left out.
fn users(target: &str, system: &dyn System) -> Vec<String> {
    let list = |path: &str| system.list(Path::new(path)).unwrap_or_default();
    let leads = |path: &str| {
        let link = system.stat(Path::new(path)).ok()??.target?.to_string_lossy().into_owned();
        (link == target || link.starts_with(&format!("{target}/"))).then_some(link)
    };
    let mut users = Vec::new();
    for pid in list("/proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
        let folder = format!("/proc/{pid}");
        let held =
            ["cwd", "root", "exe"].iter().find_map(|name| leads(&format!("{folder}/{name}"))).or_else(|| {
                list(&format!("{folder}/fd")).iter().find_map(|fd| leads(&format!("{folder}/fd/{fd}")))
            });
        if let Some(held) = held {
            let name = system.read(Path::new(&format!("{folder}/comm"))).unwrap_or_default();
            let name = String::from_utf8_lossy(&name);
            users.push(format!("process {pid} ({}) uses {held}", name.trim()));
        }
    }
    users
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Status, Transcript};

    #[test]
    fn a_busy_mount_names_who_uses_it() {
        let system = Transcript::new()
            .ends("umount /srv/x", Status::Code(32), "", "umount: /srv/x: target is busy.\n")
            .link("/proc/463/cwd", "/srv/x/photos")
            .file("/proc/463/comm", "sleep\n")
            .link("/proc/464/cwd", "/srv/xy")
            .link("/proc/464/fd/3", "/srv/x/log");
        let failure = unmount("/srv/x", &system).unwrap_err();
        assert_eq!(
            failure.help,
            ["process 463 (sleep) uses /srv/x/photos", "process 464 () uses /srv/x/log"]
        );
        assert!(unmount("/a", &Transcript::new().says("umount /a", "")).is_ok());
    }
}
