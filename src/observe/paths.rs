//! What is at paths. A path on a network file system is asked for by a child first, which can be left behind: a dead
//! server must not hang the agent.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::exec::{Command, Kind, Status, System};
use crate::machine::Needs;
use crate::machine::files::{FileState, Files, LARGEST_CONTENT, Tree, pointed_at};
use crate::plan::Failure;
use crate::tools::mounts;

/// More entries than this below one folder are not looked at.
const LARGEST_TREE: usize = 100_000;

pub(super) fn fill(files: &mut Files, needs: &Needs, system: &dyn System) -> Result<(), Failure> {
    if needs.paths.is_empty() && needs.trees.is_empty() {
        return Ok(());
    }
    let remote = Remote::of(system);
    for need in &needs.paths {
        let mut path = need.path.clone();
        for _ in 0..40 {
            if !known(files, &path, need.content) {
                remote.answers(&path, system)?;
                let state = look(&path, need.content, system)?;
                files.seen.insert(path.clone(), state);
            }
            match files.at(&path).and_then(|state| state.stat.target.as_deref()) {
                Some(target) => path = pointed_at(&path, target),
                None => break,
            }
        }
    }
    for folder in &needs.trees {
        if !files.trees.contains_key(folder) {
            remote.answers(folder, system)?;
            let mut tree = Tree::default();
            walk(folder, &mut tree, system).map_err(|error| cannot(folder, &error))?;
            files.trees.insert(folder.clone(), tree);
        }
    }
    Ok(())
}

fn known(files: &Files, path: &str, content: bool) -> bool {
    match files.seen.get(path) {
        None => false,
        Some(Some(state)) if content && state.content.is_none() => {
            state.stat.kind != Kind::File || state.stat.size > LARGEST_CONTENT
        }
        Some(_) => true,
    }
}

fn look(path: &str, content: bool, system: &dyn System) -> Result<Option<FileState>, Failure> {
    let at = Path::new(path);
    let Some(stat) = system.stat(at).map_err(|error| cannot(path, &error))? else { return Ok(None) };
    let wanted = content && stat.kind == Kind::File && stat.size <= LARGEST_CONTENT;
    let content = match wanted.then(|| system.read(at)) {
        // Who may not read it may still be asked about it; a module that needs the content says so.
        Some(Err(error)) if error.kind() == io::ErrorKind::PermissionDenied => None,
        read => read.transpose().map_err(|error| cannot(path, &error))?,
    };
    Ok(Some(FileState { stat, content }))
}

fn walk(folder: &str, tree: &mut Tree, system: &dyn System) -> io::Result<()> {
    let Some(stat) = system.stat(Path::new(folder))? else { return Ok(()) };
    if stat.kind != Kind::Directory {
        return Ok(());
    }
    let mut open = vec![(folder.to_owned(), stat.device)];
    while let Some((folder, device)) = open.pop() {
        for name in system.list(Path::new(&folder))? {
            if tree.entries.len() >= LARGEST_TREE {
                tree.cut = true;
                return Ok(());
            }
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            let Some(stat) = system.stat(Path::new(&path))? else { continue };
            // What is mounted below is somebody else's: it is listed, and not entered.
            if stat.kind == Kind::Directory && stat.device == device {
                open.push((path.clone(), device));
            }
            tree.entries.insert(path, stat);
        }
    }
    Ok(())
}

fn cannot(path: &str, error: &io::Error) -> Failure {
    Failure::new(format!("cannot look at {path}: {error}"))
}

/// The mount points behind which is a network.
struct Remote(Vec<PathBuf>);

impl Remote {
    fn of(system: &dyn System) -> Self {
        let text = system.mounts().unwrap_or_default();
        let mounts = mounts::parse(&String::from_utf8_lossy(&text)).unwrap_or_default();
        Self(mounts.into_iter().filter(mounts::Mount::is_remote).map(|mount| mount.target.into()).collect())
    }

    fn answers(&self, path: &str, system: &dyn System) -> Result<(), Failure> {
        let Some(mount) = self.0.iter().find(|mount| Path::new(path).starts_with(mount)) else {
            return Ok(());
        };
        let probe = Command::probe("stat").args(["--format=%F", "--", path]).deadline(Duration::from_secs(5));
        if system.run(&probe).status == Status::TimedOut {
            let title = format!("cannot look at {path}: {} does not answer", mount.display());
            return Err(Failure::new(title).help("its server may be gone: see `mount` and the kernel's log"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;

    #[test]
    fn looks_where_links_lead() {
        let system = Transcript::new().link("/etc/link", "real").file("/etc/real", "text");
        let mut files = Files::default();
        fill(&mut files, &Needs::nothing().content("/etc/link").path("/etc").path("/none"), &system).unwrap();
        let (path, state) = files.follow("/etc/link");
        assert_eq!((path.as_str(), state.unwrap().content.as_deref()), ("/etc/real", Some(&b"text"[..])));
        assert_eq!(files.at("/etc").unwrap().stat.kind, Kind::Directory);
        assert_eq!(files.seen["/none"], None);
    }

    #[test]
    fn content_is_fetched_later_when_it_is_needed_later() {
        let system = Transcript::new().file("/f", "text");
        let mut files = Files::default();
        fill(&mut files, &Needs::nothing().path("/f"), &system).unwrap();
        assert_eq!(files.at("/f").unwrap().content, None);
        fill(&mut files, &Needs::nothing().content("/f"), &system).unwrap();
        assert_eq!(files.at("/f").unwrap().content.as_deref(), Some(&b"text"[..]));
    }

    #[test]
    fn a_dead_server_is_a_failure_and_no_hang() {
        let system = Transcript::new().file("/proc/self/mounts", "srv:/x /mnt/dead nfs4 rw,hard 0 0\n").ends(
            "stat --format=%F -- /mnt/dead/f",
            Status::TimedOut,
            "",
            "",
        );
        let failure =
            fill(&mut Files::default(), &Needs::nothing().path("/mnt/dead/f"), &system).unwrap_err();
        assert_eq!(failure.title, "cannot look at /mnt/dead/f: /mnt/dead does not answer");
    }

    #[test]
    fn a_tree_has_all_that_is_below() {
        let system = Transcript::new().file("/d/a", "1").file("/d/sub/b", "22");
        let mut files = Files::default();
        let needs = Needs { trees: vec!["/d".into(), "/none".into()], ..Needs::nothing() };
        fill(&mut files, &needs, &system).unwrap();
        let entries: Vec<&String> = files.trees["/d"].entries.keys().collect();
        assert_eq!(entries, ["/d/a", "/d/sub", "/d/sub/b"]);
        assert!(files.trees["/none"].entries.is_empty());
    }
}
