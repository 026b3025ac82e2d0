//! Playbooks: from text to typed, spanned data, with everything that is wrong found in one pass and no host touched.
//!
//! Nothing is rendered and nothing is run here. What can only be known while running (the value of a template) is kept
//! as the node it was written as.

mod actions;
mod ansible;
mod arguments;
mod call;
mod directives;
mod embedded;
mod files;
mod handlers;
mod import;
mod keywords;
mod library;
mod lint;
mod loader;
mod play;
mod role;
mod schema;
mod setting;
mod tags;
mod task;
mod values;
mod words;

pub use actions::{Action, ActionEntry, Argument, Meta, Shown, Want, actions, find_action};
pub use call::{Does, ModuleCall};
pub use directives::Directives;
pub use library::{Dir, Library};
pub use lint::{Lint, NoLint};
pub use play::{Order, Play};
pub use role::{Role, RoleInfo};
pub use setting::{Plain, Setting, has_template, is_literal, is_template};
pub use tags::{Tags, selected};
pub use task::{Block, Entry, Loop, Over, Retry, Task, flatten};

use std::sync::Arc;

use keywords::Place;
use loader::Loader;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::value::closest;
use crate::yaml::{Key, Mapping, Node};

/// What was written, with everything it imports.
#[derive(Debug)]
pub struct Playbook {
    /// The file.
    pub path: Dir,
    /// Its folder, `playbook_dir`.
    pub dir: Dir,
    pub plays: Vec<Play>,
    /// What is odd but does not stop a run.
    pub warnings: Vec<Diagnostic>,
}

/// How much there is in a playbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    pub plays: usize,
    pub roles: usize,
    /// Handlers too.
    pub tasks: usize,
}

/// Reads the playbook of that name, all it imports, and checks all that can be checked without a host.
pub fn load(name: &str, library: &Library, lint: &dyn Lint) -> Result<Playbook, Diagnostics> {
    let path = library.playbook(name)?;
    let mut loader = Loader::new(library, lint);
    let plays = loader.playbook(&path, &Directives::default(), &mut Vec::new());
    if plays.is_empty() && loader.found.is_empty() {
        loader.complain(
            Diagnostic::new(format!("{path} holds no plays")).help("a playbook is a list of plays"),
        );
    }
    let warnings = std::mem::take(&mut loader.warnings);
    in_reading_order(&mut loader.found);
    loader.found.or(Playbook { dir: path.parent(), path, plays, warnings })
}

/// File by file as they were met, each from top to bottom.
fn in_reading_order(found: &mut Diagnostics) {
    let place = |one: &Diagnostic| one.at.as_ref().map(|at| at.span.clone());
    let mut files: Vec<String> = Vec::new();
    for span in found.0.iter().filter_map(place) {
        if !files.contains(&span.source().name) {
            files.push(span.source().name.clone());
        }
    }
    found.0.sort_by_key(|one| {
        place(one).map(|span| (files.iter().position(|file| *file == span.source().name), span.range().start))
    });
}

impl Playbook {
    pub fn count(&self) -> Count {
        let roles: Vec<&Dir> =
            self.plays.iter().flat_map(|play| &play.role_infos).map(|role| &role.dir).collect();
        let mut distinct = roles.clone();
        distinct.sort();
        distinct.dedup();
        Count {
            plays: self.plays.len(),
            roles: distinct.len(),
            tasks: self.plays.iter().map(|play| play.tasks_in_order().len() + play.handlers.len()).sum(),
        }
    }

    /// The id of the first task that `--start-at-task` means; tasks with a lower one are not run.
    pub fn start_at(&self, pattern: &str) -> Result<usize, Diagnostic> {
        let tasks: Vec<&Arc<Task>> = self.plays.iter().flat_map(Play::tasks_in_order).collect();
        if let Some(task) = tasks.iter().find(|task| task.is_called(pattern)) {
            return Ok(task.id);
        }
        let titles: Vec<String> = tasks.iter().map(|task| task.own_title()).collect();
        let complaint = Diagnostic::new(format!("no task of {} is called `{pattern}`", self.path));
        Err(match closest(pattern, titles.iter().map(String::as_str)) {
            Some(meant) => complaint.help(format!("did you mean `{meant}`?")),
            None => complaint.help("`--list-tasks` shows them all"),
        })
    }
}

impl Loader<'_> {
    fn playbook(&mut self, path: &Dir, outer: &Directives, trail: &mut Vec<Dir>) -> Vec<Play> {
        let Some(node) = self.yaml(path) else { return Vec::new() };
        trail.push(path.clone());
        let mut plays = Vec::new();
        let Some(items) = node.as_list() else {
            if !node.is_null() {
                let complaint =
                    Diagnostic::new(format!("a playbook is a list of plays, not {}", node.kind()));
                let first = node.as_map().and_then(|map| map.entries.first()).map(|(key, _)| &key.span);
                self.complain(complaint.at(first.unwrap_or(&node.span), "begin each play with `- `"));
            }
            trail.pop();
            return plays;
        };
        for item in items {
            match item.as_map() {
                Some(map) if import_key(map).is_some() => {
                    plays.extend(self.import_playbook(map, path, outer, trail));
                }
                Some(map) => plays.extend(self.play(map, &path.parent(), outer)),
                None => self.complain(
                    Diagnostic::new(format!("a play is a mapping, not {}", item.kind()))
                        .at(&item.span, format!("this is {}", item.kind())),
                ),
            }
        }
        trail.pop();
        plays
    }

    fn import_playbook(
        &mut self,
        map: &Mapping,
        from: &Dir,
        outer: &Directives,
        trail: &mut Vec<Dir>,
    ) -> Vec<Play> {
        let mut own = Directives::default();
        let keywords: Vec<&(Key, Node)> = self.keywords(Place::ImportPlaybook, map).collect();
        for (key, value) in keywords {
            self.directive(&mut own, key, value);
        }
        let Some((key, node)) = import_key(map) else { return Vec::new() };
        let Some(name) = self.known_string(key, node) else { return Vec::new() };
        let at = from.parent().join(&name);
        if !self.library.is_file(&at) {
            self.complain(
                Diagnostic::new(format!("there is no playbook `{name}`"))
                    .at(&node.span, "not found")
                    .help(format!("looked for {at}")),
            );
            return Vec::new();
        }
        if trail.contains(&at) {
            self.complain(
                Diagnostic::new(format!("{at} imports itself"))
                    .at(&node.span, "this goes in a circle for ever"),
            );
            return Vec::new();
        }
        self.playbook(&at, &own.inside(outer), trail)
    }
}

fn import_key(map: &Mapping) -> Option<&(Key, Node)> {
    map.entries
        .iter()
        .find(|(key, _)| matches!(key.name.as_str(), "import_playbook" | "ansible.builtin.import_playbook"))
}

#[cfg(test)]
mod tests;
