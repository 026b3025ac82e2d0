//! What is embedded, as the inventory and the template engine see files: by paths that begin with `<embedded>`. All
//! other paths are on disk.

use std::io;
use std::path::{Path, PathBuf};

use super::library::{Dir, Library};
use crate::{inventory, template};

/// The root of embedded files, as paths and messages show it.
const ROOT: &str = "<embedded>";

impl Dir {
    /// The place a path means; the reverse of [`to_path`](Self::to_path).
    pub fn from_path(path: &Path) -> Self {
        match path.strip_prefix(ROOT) {
            Ok(inside) => Self::Embedded(String::new()).join(&inside.to_string_lossy()),
            Err(_) => Self::Disk(path.to_path_buf()),
        }
    }

    /// A path that [`Library`] reads as this place, also through the eyes of the inventory and of templates.
    pub fn to_path(&self) -> PathBuf {
        match self {
            Self::Disk(path) => path.clone(),
            Self::Embedded(path) => Path::new(ROOT).join(path),
        }
    }
}

impl Library {
    /// What `-i NAME` means: a list of hosts or an existing path as it is, then the embedded inventory of that name.
    pub fn inventory(&self, name: &str) -> String {
        if name.contains(',') || Path::new(name).exists() {
            return name.to_owned();
        }
        let folder = Dir::Embedded("inventories".to_owned());
        let places = ["", ".yaml", ".yml"].map(|ending| folder.join(&format!("{name}{ending}")));
        let found = places.iter().find(|place| self.is_file(place) || self.is_dir(place));
        found.map_or_else(|| name.to_owned(), ToString::to_string)
    }
}

impl inventory::Files for Library {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match Dir::from_path(path) {
            Dir::Disk(path) => inventory::Disk.read(&path),
            at @ Dir::Embedded(_) => match Self::read(self, &at)? {
                Some(bytes) => Ok(bytes.into_owned()),
                None => Err(io::ErrorKind::NotFound.into()),
            },
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<inventory::Entry>> {
        match Dir::from_path(path) {
            Dir::Disk(path) => inventory::Disk.list(&path),
            at @ Dir::Embedded(_) if self.is_dir(&at) => {
                let entry = |name: String| inventory::Entry { directory: self.is_dir(&at.join(&name)), name };
                Ok(Self::list(self, &at)?.into_iter().map(entry).collect())
            }
            Dir::Embedded(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn directory(&self, path: &Path) -> Option<bool> {
        match Dir::from_path(path) {
            Dir::Disk(path) => inventory::Disk.directory(&path),
            at @ Dir::Embedded(_) if self.is_dir(&at) => Some(true),
            at @ Dir::Embedded(_) => self.is_file(&at).then_some(false),
        }
    }
}

impl template::Files for Library {
    fn read(&self, path: &Path) -> io::Result<Option<String>> {
        match Dir::from_path(path) {
            Dir::Disk(path) => template::Disk.read(&path),
            at @ Dir::Embedded(_) => match Self::read(self, &at)? {
                Some(bytes) => String::from_utf8(bytes.into_owned())
                    .map(Some)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error)),
                None => Ok(None),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::inventory::Inventory;

    #[test]
    fn an_embedded_inventory_is_read_with_its_group_vars() {
        let library = Library::holding([
            ("inventories/lab/hosts.yml", "all:\n  hosts:\n    nas1:\n"),
            ("inventories/lab/group_vars/all.yml", "share: /srv\n"),
        ]);
        assert_eq!(library.inventory("a,b"), "a,b");
        let name = library.inventory("lab");
        assert_eq!(name, "<embedded>/inventories/lab");
        let inventory = Inventory::load(&[name], Arc::new(library)).unwrap();
        let host = inventory.host("nas1").unwrap();
        assert_eq!(inventory.vars(host).get("share").unwrap().value, "/srv");
    }

    #[test]
    fn templates_find_embedded_files() {
        let library = Library::holding([("roles/a/templates/x.j2", "hello")]);
        let at = Dir::Embedded("roles/a".to_owned()).to_path().join("templates/../templates/x.j2");
        assert_eq!(template::Files::read(&library, &at).unwrap().as_deref(), Some("hello"));
    }
}
