//! From what `-i` says to an inventory: files, directories, lists of names, and the variable files beside them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;

use super::settle::settle;
use super::vars::{Level, Vars};
use super::{ALL, Files, Host, Inventory, LOCALHOST, UNGROUPED, document, files, vars_files};
use crate::diagnostic::{Diagnostic, Diagnostics, Source, Span};
use crate::yaml;

/// Endings of names in an inventory directory that Ansible takes for something else.
const IGNORED: [&str; 13] =
    [".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst", ".orig", ".cfg", ".retry", ".tmp"];
/// Directories beside inventory files that hold variables.
const NO_INVENTORY: [&str; 3] = ["group_vars", "host_vars", "vars_plugins"];

pub(super) fn load(sources: &[String], files: Arc<dyn Files>) -> Result<Inventory, Diagnostics> {
    let mut inventory = Inventory {
        hosts: IndexMap::new(),
        groups: IndexMap::new(),
        implicit: Vec::new(),
        places: Vec::new(),
        files,
    };
    let mut problems = Diagnostics::default();
    let all = inventory.touch_group(ALL, None);
    let ungrouped = inventory.touch_group(UNGROUPED, None);
    inventory.link(all, ungrouped);
    for source in sources {
        read_source(&mut inventory, source, &mut problems);
    }
    settle(&mut inventory, &mut problems);
    let missing = LOCALHOST.iter().filter(|name| !inventory.hosts.contains_key(**name));
    inventory.implicit = missing.map(|name| this_machine(name)).collect();
    vars_files::beside_inventory(&mut inventory, &mut problems);
    problems.or(inventory)
}

/// This machine under `name`, reached without SSH.
fn this_machine(name: &str) -> Host {
    let source = Source::new("implicit localhost", "ansible_connection: local\n");
    let mut host = Host::new(name, &Span::whole(&source), None);
    host.implicit = true;
    let mut problems = Diagnostics::default();
    if let Ok(node) = yaml::parse_one(&source)
        && let Some(map) = node.as_map()
    {
        host.layers.written = document::variables(map, Level::InventoryHost, &mut problems);
    }
    host
}

fn read_source(inventory: &mut Inventory, source: &str, problems: &mut Diagnostics) {
    let path = Path::new(source);
    match inventory.files.directory(path) {
        Some(true) => {
            inventory.places.push(path.to_path_buf());
            read_directory(inventory, path, problems);
        }
        Some(false) => {
            inventory.places.push(path.parent().map(Path::to_path_buf).unwrap_or_default());
            read_file(inventory, path, problems);
        }
        None if source.contains(',') => read_list(inventory, source, problems),
        None => problems.push(
            Diagnostic::new(format!("there is no inventory `{source}`"))
                .help(format!("for a host of that name, end the list with a comma: `-i {source},`")),
        ),
    }
}

fn read_list(inventory: &mut Inventory, list: &str, problems: &mut Diagnostics) {
    let source = Source::new("-i", list);
    let group = inventory.touch_group(UNGROUPED, None);
    let mut start = 0;
    for part in list.split(',') {
        let name = part.trim();
        if !name.is_empty() {
            let span = Span::new(&source, start..start + part.len()).find(name);
            problems.take(inventory.touch_hosts(name, &span, None, group, &Vars::new()));
        }
        start += part.len() + 1;
    }
}

fn read_directory(inventory: &mut Inventory, path: &Path, problems: &mut Diagnostics) {
    let Some(entries) = problems.take(files::names(inventory.files.as_ref(), path)) else { return };
    for entry in entries {
        let name = entry.name.as_str();
        if name.starts_with('.')
            || NO_INVENTORY.contains(&name)
            || IGNORED.iter().any(|end| name.ends_with(end))
        {
            continue;
        }
        if entry.directory {
            read_directory(inventory, &path.join(name), problems);
        } else {
            read_file(inventory, &path.join(name), problems);
        }
    }
}

fn read_file(inventory: &mut Inventory, path: &Path, problems: &mut Diagnostics) {
    let read = || {
        let source = files::text(inventory.files.as_ref(), path)?;
        refuse_other_formats(&source, path)?;
        yaml::parse_one(&source)
    };
    if let Some(root) = problems.take(read()) {
        let origin = std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path));
        document::read(inventory, &root, &origin, problems);
    }
}

/// Inventories that Ansible reads and this program does not, yet.
fn refuse_other_formats(source: &Arc<Source>, path: &Path) -> Result<(), Diagnostic> {
    let first = first_line(source);
    let convert = format!("convert it once: `ansible-inventory -i {0} --list --yaml > {0}.yml`", source.name);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if first.text().starts_with("#!") {
        return Err(Diagnostic::new("inventory scripts are not supported yet")
            .at(&first, "a script")
            .help(convert));
    }
    let yaml = ["yml", "yaml", "json"].contains(&ending);
    if ending == "toml" {
        return Err(Diagnostic::new("TOML inventories are not supported yet").at(&first, "").help(convert));
    }
    if !yaml && (ending == "ini" || looks_like_ini(source)) {
        return Err(Diagnostic::new("INI inventories are not supported yet")
            .at(&first, "this does not look like YAML")
            .help(convert));
    }
    Ok(())
}

/// The first line that says something, or starts a script.
fn first_line(source: &Arc<Source>) -> Span {
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let text = line.trim();
        if text.starts_with("#!") || !(text.is_empty() || text.starts_with(['#', ';'])) {
            return Span::new(source, start..start + line.trim_end().len());
        }
        start += line.len();
    }
    Span::whole(source)
}

/// Whether a file without an ending that says so is INI: it opens with a section or with a bare name.
fn looks_like_ini(source: &Arc<Source>) -> bool {
    let first = first_line(source);
    let text = first.text().trim();
    let yaml = text.contains(": ") || text.ends_with(':') || text.starts_with(['{', '-', '%']);
    !text.is_empty() && !yaml
}
