//! The folder at which something is mounted: made where it is missing, removed with its mount.

use crate::exec::Kind;
use crate::machine::files::FilesEffect;
use crate::machine::mounts::Mounts;
use crate::machine::{Machine, Prediction};
use crate::plan::{Change, Metadata, Plan, Refusal, Step};

/// Folders that belong to the system, whatever is mounted there.
const STANDARD: [&str; 22] = [
    "/",
    "/bin",
    "/boot",
    "/boot/efi",
    "/dev",
    "/etc",
    "/home",
    "/lib",
    "/media",
    "/mnt",
    "/opt",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/srv",
    "/sys",
    "/tmp",
    "/usr",
    "/usr/local",
    "/var",
    "/var/lib",
];

/// A path and every folder it lies in, from the top.
pub(super) fn with_ancestors(path: &str) -> Vec<String> {
    let mut paths: Vec<String> =
        path.match_indices('/').skip(1).map(|(at, _)| path[..at].to_owned()).collect();
    paths.push(path.to_owned());
    paths
}

pub(super) fn make(machine: &Machine, mounts: &Mounts, target: &str, plan: &mut Plan) -> Result<(), Refusal> {
    if mounts.waits_at(target) {
        return Ok(());
    }
    for path in with_ancestors(target) {
        match machine.files.seen.get(&path).and_then(Option::as_ref) {
            Some(found) if matches!(found.stat.kind, Kind::Directory | Kind::Link) => {}
            Some(found) => {
                return Err(Refusal::new(format!("{path} is {} and no folder", found.stat.kind.name()))
                    .fact(format!("{target} was to be a mount point")));
            }
            None => {
                let metadata = Metadata { mode: Some(0o755), ..Metadata::default() };
                plan.push(
                    Change::create("directory", &path, ""),
                    [Step::Directory { path: path.clone(), metadata }],
                    [Prediction::Files(FilesEffect::MountPoint { path: path.clone() })],
                );
            }
        }
    }
    if mounts.occupied.get(target) == Some(&true) {
        return Err(Refusal::new(format!("{target} is not empty, and a mount would hide what is in it"))
            .help("move its content away, or mount somewhere else"));
    }
    Ok(())
}

/// Removes the folder that was mounted over, as Ansible does. Nobody can look below a mount: one that is not empty
/// there fails to be removed, and is left alone from then on.
pub(super) fn remove(machine: &Machine, mounts: &Mounts, target: &str, plan: &mut Plan) {
    let folder = machine.files.at(target).is_some_and(|found| found.stat.kind == Kind::Directory);
    let hidden = mounts.at(target).is_some();
    let empty = hidden || mounts.occupied.get(target) == Some(&false);
    if folder && empty && !mounts.waits_at(target) && !STANDARD.contains(&target) {
        plan.push(
            Change::remove("directory", target, "the empty mount point"),
            [Step::Remove { path: target.to_owned(), recursive: false }],
            [Prediction::Files(FilesEffect::Gone { path: target.to_owned() })],
        );
    }
}
