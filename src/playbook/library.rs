//! Where playbooks, roles and their files come from: the disk, or the binary itself.
//!
//! Names are resolved and bytes are read here. What the bytes mean is somebody else's business.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_embed::RustEmbed;

use crate::diagnostic::{Diagnostic, Source};

#[derive(RustEmbed)]
#[folder = "playbooks"]
#[prefix = "playbooks/"]
#[allow_missing = true]
struct Playbooks;

#[derive(RustEmbed)]
#[folder = "roles"]
#[prefix = "roles/"]
#[allow_missing = true]
struct Roles;

#[derive(RustEmbed)]
#[folder = "inventories"]
#[prefix = "inventories/"]
#[allow_missing = true]
struct Inventories;

/// Roles that others have under these names, and that are shipped with the same variables. One of that name on disk
/// wins.
const OTHERS: [(&str, &str); 4] = [
    ("linux-system-roles.storage", "storage"),
    ("rhel-system-roles.storage", "storage"),
    ("redhat.rhel_system_roles.storage", "storage"),
    ("fedora.linux_system_roles.storage", "storage"),
];

/// A folder or a file, on disk or in the binary.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dir {
    Disk(PathBuf),
    /// A path below the binary's own root, such as `roles/nfs`; no leading slash.
    Embedded(String),
}

impl Dir {
    /// The place `path` as seen from here; an absolute path is always one on disk.
    #[must_use]
    pub fn join(&self, path: &str) -> Self {
        match self {
            Self::Embedded(base) if !path.starts_with('/') => {
                let mut parts: Vec<&str> = base.split('/').filter(|part| !part.is_empty()).collect();
                for part in path.split('/') {
                    match part {
                        "" | "." => {}
                        ".." => drop(parts.pop()),
                        part => parts.push(part),
                    }
                }
                Self::Embedded(parts.join("/"))
            }
            Self::Embedded(_) => Self::Disk(PathBuf::from(path)),
            Self::Disk(base) => Self::Disk(base.join(path)),
        }
    }

    /// The folder this is in.
    #[must_use]
    pub fn parent(&self) -> Self {
        match self {
            Self::Disk(path) => Self::Disk(path.parent().unwrap_or(Path::new("")).to_path_buf()),
            Self::Embedded(path) => {
                Self::Embedded(path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned())
            }
        }
    }

    /// The last part of the path.
    pub fn name(&self) -> String {
        match self {
            Self::Disk(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Embedded(path) => path.rsplit('/').next().unwrap_or_default().to_owned(),
        }
    }
}

impl fmt::Display for Dir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(path) if path.as_os_str().is_empty() => f.write_str("."),
            Self::Disk(path) => write!(f, "{}", path.display()),
            Self::Embedded(path) => write!(f, "<embedded>/{path}"),
        }
    }
}

/// Everything that can be read by name.
#[derive(Debug)]
pub struct Library {
    embedded: BTreeMap<String, Cow<'static, [u8]>>,
    /// Whether `./roles` of the working folder is searched.
    working_folder: bool,
}

impl Default for Library {
    fn default() -> Self {
        Self::new()
    }
}

impl Library {
    /// The disk, and what is embedded in this binary.
    pub fn new() -> Self {
        let mut embedded = BTreeMap::new();
        let mut keep = |name: Cow<'static, str>, file: Option<rust_embed::EmbeddedFile>| {
            if let Some(file) = file {
                embedded.insert(name.into_owned(), file.data);
            }
        };
        Playbooks::iter().for_each(|name| keep(name.clone(), Playbooks::get(&name)));
        Roles::iter().for_each(|name| keep(name.clone(), Roles::get(&name)));
        Inventories::iter().for_each(|name| keep(name.clone(), Inventories::get(&name)));
        Self { embedded, working_folder: true }
    }

    /// A library of exactly these embedded files, blind to the working folder.
    pub fn holding<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let own = |(path, text): (&str, &str)| (path.to_owned(), Cow::Owned(text.as_bytes().to_vec()));
        Self { embedded: files.into_iter().map(own).collect(), working_folder: false }
    }

    /// The bytes of a file, `None` where there is no such file.
    pub fn read(&self, at: &Dir) -> io::Result<Option<Cow<'static, [u8]>>> {
        match at {
            Dir::Embedded(path) => Ok(self.embedded.get(path).cloned()),
            Dir::Disk(path) if !path.is_file() => Ok(None),
            Dir::Disk(path) => std::fs::read(path).map(|bytes| Some(Cow::Owned(bytes))),
        }
    }

    /// The text of a file, `None` where there is no such file.
    pub fn source(&self, at: &Dir) -> Result<Option<Arc<Source>>, Diagnostic> {
        let bytes = self.read(at).map_err(|error| Diagnostic::new(format!("cannot read {at}: {error}")))?;
        let Some(bytes) = bytes else { return Ok(None) };
        match String::from_utf8(bytes.into_owned()) {
            Ok(text) => Ok(Some(Source::new(at.to_string(), text))),
            Err(error) => Err(Diagnostic::new(format!("{at} is not UTF-8 text: {}", error.utf8_error()))),
        }
    }

    pub fn is_file(&self, at: &Dir) -> bool {
        match at {
            Dir::Disk(path) => path.is_file(),
            Dir::Embedded(path) => self.embedded.contains_key(path),
        }
    }

    pub fn is_dir(&self, at: &Dir) -> bool {
        match at {
            Dir::Disk(path) => path.as_os_str().is_empty() || path.is_dir(),
            Dir::Embedded(path) => {
                let inside = format!("{path}/");
                self.embedded.range(inside.clone()..).next().is_some_and(|(key, _)| key.starts_with(&inside))
            }
        }
    }

    /// The first of these places that is a file.
    pub fn first_file(&self, places: &[Dir]) -> Option<Dir> {
        places.iter().find(|place| self.is_file(place)).cloned()
    }

    /// The playbook of that name: an existing path wins, then the embedded ones.
    pub fn playbook(&self, name: &str) -> Result<Dir, Diagnostic> {
        let typed = Dir::Disk(PathBuf::from(name));
        if self.is_file(&typed) {
            return Ok(typed);
        }
        let folder = Dir::Embedded("playbooks".to_owned());
        let candidates = ["", ".yaml", ".yml"].map(|ending| folder.join(&format!("{name}{ending}")));
        self.first_file(&candidates).ok_or_else(|| {
            let names = self.names("playbooks");
            Diagnostic::new(format!("there is no playbook `{name}`, neither as a file nor embedded"))
                .did_you_mean(name, names.iter().map(String::as_str))
                .help("`holdfast list` shows the embedded ones")
        })
    }

    /// Folders that hold roles for a playbook in `playbook`, in the order they are searched. An embedded playbook means
    /// the roles it was shipped with.
    pub fn role_folders(&self, playbook: &Dir) -> Vec<Dir> {
        let shipped = Dir::Embedded("roles".to_owned());
        let mut folders = vec![playbook.join("roles")];
        if matches!(playbook, Dir::Embedded(_)) {
            folders.push(shipped.clone());
        }
        if self.working_folder {
            folders.push(Dir::Disk(PathBuf::from("roles")));
        }
        folders.push(shipped);
        let mut seen = BTreeSet::new();
        folders.retain(|folder| seen.insert(folder.clone()));
        folders
    }

    /// The shipped role that takes the variables of a role others know by that name.
    pub fn role_of_others(&self, name: &str) -> Option<Dir> {
        let (_, own) = OTHERS.iter().find(|(other, _)| *other == name)?;
        let shipped = Dir::Embedded(format!("roles/{own}"));
        self.is_dir(&shipped).then_some(shipped)
    }

    /// Names of the embedded playbooks, roles or inventories: the first level below `kind`, without `.yaml`.
    pub fn names(&self, kind: &str) -> Vec<String> {
        let inside = format!("{kind}/");
        let mut names: Vec<String> = self
            .embedded
            .keys()
            .filter_map(|path| path.strip_prefix(&inside))
            .map(|rest| rest.split('/').next().unwrap_or(rest))
            .filter(|name| !name.starts_with('.'))
            .map(|name| name.trim_end_matches(".yaml").trim_end_matches(".yml").to_owned())
            .collect();
        names.dedup();
        names
    }

    /// What is directly in an embedded folder or one on disk, sorted.
    pub fn list(&self, at: &Dir) -> io::Result<Vec<String>> {
        let mut names: BTreeSet<String> = BTreeSet::new();
        match at {
            Dir::Disk(path) if !path.is_dir() => {}
            Dir::Disk(path) => {
                for entry in std::fs::read_dir(path)? {
                    names.insert(entry?.file_name().to_string_lossy().into_owned());
                }
            }
            Dir::Embedded(path) => {
                let inside = format!("{path}/");
                let below = self.embedded.keys().filter_map(|key| key.strip_prefix(&inside));
                names.extend(below.filter_map(|rest| rest.split('/').next()).map(str::to_owned));
            }
        }
        Ok(names.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_embedded_names_and_climbs_folders() {
        let library = Library::holding([("playbooks/nfs.yaml", ""), ("roles/nfs/tasks/main.yml", "")]);
        let nfs = library.playbook("nfs").unwrap();
        assert_eq!(nfs.to_string(), "<embedded>/playbooks/nfs.yaml");
        assert!(library.is_dir(&nfs.parent().join("../roles/nfs")));
        assert!(!library.is_dir(&Dir::Embedded("roles/nf".to_owned())));
        let lost = library.playbook("nsf").unwrap_err();
        assert_eq!(lost.help[0], "did you mean `nfs`?");
    }

    #[test]
    fn roles_of_others_are_found_by_the_names_they_have_there() {
        let library = Library::new();
        for name in ["linux-system-roles.storage", "fedora.linux_system_roles.storage"] {
            assert_eq!(library.role_of_others(name), Some(Dir::Embedded("roles/storage".to_owned())));
        }
        assert_eq!(library.role_of_others("fedora.linux_system_roles.network"), None);
    }

    #[test]
    fn disk_wins_over_embedded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yml");
        std::fs::write(&path, "- hosts: all\n").unwrap();
        let name = path.to_str().unwrap();
        let library = Library::holding([]);
        assert_eq!(library.playbook(name).unwrap(), Dir::Disk(path.clone()));
        assert_eq!(library.source(&Dir::Disk(path)).unwrap().unwrap().text, "- hosts: all\n");
    }
}
