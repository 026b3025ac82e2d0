//! Limits and projects of mounted file systems; asked only of those that a task speaks of.

use std::path::Path;

use super::{ask, unread};
use crate::exec::{Kind, System};
use crate::machine::Needs;
use crate::machine::quota::Quotas;
use crate::plan::Failure;
use crate::tools::{lsattr, mountinfo, xfs_quota};

/// Whether an XFS really is mounted there at this moment.
fn mounted(mountpoint: &str, system: &dyn System) -> Result<bool, Failure> {
    let path = "/proc/self/mountinfo";
    let text =
        system.read(Path::new(path)).map_err(|error| Failure::new(format!("cannot read {path}: {error}")))?;
    let all = mountinfo::parse(&String::from_utf8_lossy(&text)).map_err(unread)?;
    Ok(all.iter().any(|one| one.live.target == mountpoint && one.live.fstype == "xfs"))
}

pub(super) fn fill(quotas: &mut Quotas, needs: &Needs, system: &dyn System) -> Result<(), Failure> {
    for (mountpoint, of) in &needs.quotas {
        let key = (mountpoint.clone(), *of);
        if quotas.limits.contains_key(&key) {
            continue;
        }
        // A mount that is only foreseen cannot be asked; one that does not count says nothing. Nothing limits there.
        let answer =
            if mounted(mountpoint, system)? { ask(&xfs_quota::dump(*of, mountpoint), system)? } else { None };
        let limits =
            answer.map(|output| xfs_quota::parse_dump(&output.text()).map_err(unread)).transpose()?;
        quotas.limits.insert(key, limits.unwrap_or_default());
    }
    for folder in &needs.projects {
        if quotas.folders.contains_key(folder) {
            continue;
        }
        let there = system.stat(Path::new(folder)).ok().flatten();
        let project = if there.is_some_and(|found| found.kind == Kind::Directory) {
            let output = ask(&lsattr::project(folder), system)?;
            output.map(|output| lsattr::parse(&output.text()).map_err(unread)).transpose()?
        } else {
            None
        };
        quotas.folders.insert(folder.clone(), project);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;
    use crate::machine::quota::{Of, Project};

    #[test]
    fn only_what_is_mounted_is_asked() {
        let needs = Needs {
            quotas: vec![("/srv/x".into(), Of::Project), ("/srv/y".into(), Of::User)],
            projects: vec!["/srv/x/none".into()],
            ..Needs::nothing()
        };
        let system = Transcript::new()
            .file("/proc/self/mountinfo", "217 27 253:0 / /srv/x rw - xfs /dev/vdb rw,prjquota\n")
            .says("xfs_quota -x -c 'dump -p' /srv/x", "fs = /dev/vdb\n42 0 2 0 1\n");
        let mut quotas = Quotas::default();
        fill(&mut quotas, &needs, &system).unwrap();
        assert_eq!(quotas.limits[&("/srv/x".to_owned(), Of::Project)][&42].bhard, 1024);
        assert!(quotas.limits[&("/srv/y".to_owned(), Of::User)].is_empty());
        assert_eq!(quotas.folders["/srv/x/none"], None::<Project>);
    }
}
