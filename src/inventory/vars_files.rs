//! `group_vars/` and `host_vars/`, beside an inventory and beside a playbook.
//!
//! A name has one file (`web`, `web.yml`, `web.yaml`, `web.json`) or one directory of files. Where there are
//! several, Ansible reads the first and ignores the others without a word; here that is an error.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::vars::{Layers, Level, Vars};
use super::{ALL, Entry, Files, Inventory, document, files};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::yaml::{self, Yaml};

/// In the order in which Ansible looks.
const ENDINGS: [&str; 4] = ["", ".yml", ".yaml", ".json"];

/// On which side the variables stand.
#[derive(Clone, Copy)]
enum Side {
    Inventory,
    Playbook,
}

impl Side {
    fn of_group(self, name: &str) -> Level {
        match (self, name == ALL) {
            (Self::Inventory, true) => Level::InventoryAllFile,
            (Self::Inventory, false) => Level::InventoryGroupFile,
            (Self::Playbook, true) => Level::PlaybookAllFile,
            (Self::Playbook, false) => Level::PlaybookGroupFile,
        }
    }

    fn of_host(self) -> Level {
        match self {
            Self::Inventory => Level::InventoryHostFile,
            Self::Playbook => Level::PlaybookHostFile,
        }
    }

    fn layer(self, layers: &mut Layers) -> &mut Vars {
        match self {
            Self::Inventory => &mut layers.beside_inventory,
            Self::Playbook => &mut layers.beside_playbook,
        }
    }
}

/// Reads what is beside the inventory's sources.
pub(super) fn beside_inventory(inventory: &mut Inventory, problems: &mut Diagnostics) {
    inventory.places.dedup();
    for place in inventory.places.clone() {
        read(inventory, &place, Side::Inventory, problems);
    }
}

/// Reads what is beside the playbook; see [`Inventory::add_playbook_vars`].
pub(super) fn beside_playbook(inventory: &mut Inventory, place: &Path) -> Result<(), Diagnostics> {
    let mut problems = Diagnostics::default();
    for group in inventory.groups.values_mut() {
        group.layers.beside_playbook.clear();
    }
    for host in inventory.hosts.values_mut().chain(&mut inventory.implicit) {
        host.layers.beside_playbook.clear();
        host.merged.take();
    }
    read(inventory, place, Side::Playbook, &mut problems);
    problems.or(())
}

fn read(inventory: &mut Inventory, place: &Path, side: Side, problems: &mut Diagnostics) {
    let window = std::sync::Arc::clone(&inventory.files);
    let window = window.as_ref();
    if let Some(shelf) = Shelf::open(window, &place.join("group_vars"), problems) {
        for group in inventory.groups.values_mut() {
            let vars = shelf.vars(&group.name, side.of_group(&group.name), problems);
            side.layer(&mut group.layers).extend(vars);
        }
    }
    if let Some(shelf) = Shelf::open(window, &place.join("host_vars"), problems) {
        for host in inventory.hosts.values_mut().chain(&mut inventory.implicit) {
            let vars = shelf.vars(host.name.as_str(), side.of_host(), problems);
            side.layer(&mut host.layers).extend(vars);
        }
    }
}

/// A `group_vars` or `host_vars` directory, listed once.
struct Shelf<'a> {
    files: &'a dyn Files,
    path: PathBuf,
    /// Names, and whether they are directories.
    names: IndexMap<String, bool>,
}

impl<'a> Shelf<'a> {
    fn open(files: &'a dyn Files, path: &Path, problems: &mut Diagnostics) -> Option<Self> {
        files.directory(path).filter(|directory| *directory)?;
        let entries = problems.take(files::names(files, path))?;
        let names = entries.into_iter().map(|entry| (entry.name, entry.directory)).collect();
        Some(Self { files, path: path.to_path_buf(), names })
    }

    /// The variables of `name`.
    fn vars(&self, name: &str, level: Level, problems: &mut Diagnostics) -> Vars {
        let mut found = ENDINGS.iter().map(|ending| format!("{name}{ending}")).filter_map(|name| {
            let directory = *self.names.get(&name)?;
            Some(Entry { name, directory })
        });
        let mut vars = Vars::new();
        let Some(entry) = found.next() else { return vars };
        if let Some(other) = found.next() {
            let path = |entry: &Entry| self.path.join(&entry.name).display().to_string();
            problems.push(
                Diagnostic::new(format!(
                    "both `{}` and `{}` have variables of `{name}`",
                    path(&entry),
                    path(&other)
                ))
                .help("Ansible would silently ignore the second; move everything into one of them"),
            );
            return vars;
        }
        self.take(&self.path.join(&entry.name), entry.directory, level, &mut vars, problems);
        vars
    }

    fn take(&self, path: &Path, directory: bool, level: Level, vars: &mut Vars, problems: &mut Diagnostics) {
        if !directory {
            vars.extend(self.file(path, level, problems));
            return;
        }
        let Some(entries) = problems.take(files::names(self.files, path)) else { return };
        for entry in entries {
            let ending = entry.name.rfind('.').filter(|at| *at > 0).map_or("", |at| &entry.name[at..]);
            let hidden = entry.name.starts_with('.') || entry.name.ends_with('~');
            let taken = if entry.directory { ending.is_empty() } else { ENDINGS.contains(&ending) };
            if !hidden && taken {
                self.take(&path.join(&entry.name), entry.directory, level, vars, problems);
            }
        }
    }

    fn file(&self, path: &Path, level: Level, problems: &mut Diagnostics) -> Vars {
        let root = files::text(self.files, path).and_then(|source| yaml::parse_one(&source));
        let Some(root) = problems.take(root) else { return Vars::new() };
        match &root.value {
            Yaml::Null => Vars::new(),
            Yaml::Map(map) => document::variables(map, level, problems),
            _ => {
                problems.push(
                    Diagnostic::new("a file of variables must be a mapping")
                        .at(&root.span, format!("this is {}", root.kind()))
                        .help("write `name: value`, a line each"),
                );
                Vars::new()
            }
        }
    }
}
