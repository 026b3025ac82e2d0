//! Paths in arguments, and what file-like modules answer about them. No module itself.

use crate::exec::Kind;
use crate::machine::Machine;
use crate::plan::Refusal;
use crate::value::{Map, Value};

/// The path without doubled, trailing and idle parts. `..` stays: only the kernel knows what is behind a link.
pub(super) fn tidy(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

/// Refuses a path that would mean something else tomorrow.
pub(super) fn absolute(argument: &str, path: &str) -> Result<(), Refusal> {
    if path.starts_with('/') {
        return Ok(());
    }
    let refusal = Refusal::new(format!("`{argument}` has to be an absolute path, and `{path}` is none"));
    Err(match path.strip_prefix('~') {
        Some(_) => refusal.help("not supported yet: home folders by `~`; write the folder out"),
        None => refusal,
    })
}

/// The folder of a path; the root's is the root.
pub(super) fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

/// The last part of a path.
pub(super) fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// All folders above a path, the outermost first, without the root.
pub(super) fn ancestors(path: &str) -> Vec<&str> {
    let slashes = path.char_indices().filter(|(at, char)| *char == '/' && *at > 0);
    slashes.map(|(at, _)| &path[..at]).collect()
}

/// Refuses to put something into a folder that is not there.
pub(super) fn folder_exists(machine: &Machine, path: &str) -> Result<(), Refusal> {
    let folder = parent(path);
    if folder == "/" {
        return Ok(());
    }
    match machine.files.follow(folder).1 {
        Some(state) if state.stat.kind == Kind::Directory => Ok(()),
        Some(_) => Err(Refusal::new(format!("{path} cannot be made: {folder} is no directory"))),
        None => Err(Refusal::new(format!("{path} cannot be made: there is no directory {folder}"))
            .help("make it first, with `file: path=... state=directory`")),
    }
}

/// What is at `path`, under the names that Ansible's file modules use.
pub(super) fn described(machine: &Machine, key: &str, path: &str) -> Map<String, Value> {
    let mut result = Map::new();
    result.insert(key.to_owned(), path.into());
    let Some(state) = machine.files.at(path) else {
        result.insert("state".to_owned(), "absent".into());
        return result;
    };
    let stat = &state.stat;
    let kind = match stat.kind {
        Kind::File if stat.links > 1 => "hard",
        Kind::File | Kind::BlockDevice | Kind::Other => "file",
        Kind::Directory => "directory",
        Kind::Link => "link",
    };
    result.insert("state".to_owned(), kind.into());
    result.insert("mode".to_owned(), format!("{:04o}", stat.mode).into());
    result.insert("uid".to_owned(), stat.uid.into());
    result.insert("gid".to_owned(), stat.gid.into());
    result.insert("size".to_owned(), stat.size.into());
    if let Some(owner) = machine.accounts.user_names.get(&stat.uid) {
        result.insert("owner".to_owned(), owner.as_str().into());
    }
    if let Some(group) = machine.accounts.group_names.get(&stat.gid) {
        result.insert("group".to_owned(), group.as_str().into());
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_paths_apart() {
        assert_eq!((tidy("/a//b/./c/"), tidy("/"), tidy("a/")), ("/a/b/c".into(), "/".into(), "a".into()));
        assert_eq!((parent("/a/b"), parent("/a"), name("/a/b")), ("/a", "/", "b"));
        assert_eq!(ancestors("/a/b/c"), ["/a", "/a/b"]);
    }
}
