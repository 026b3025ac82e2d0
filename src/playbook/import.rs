//! `import_tasks`, `import_role`, `include_tasks` and `include_role`: other people's tasks, put in place while loading.
//!
//! Includes of literal names are read like imports. The difference to Ansible: their `when` and `tags` then count for
//! each of their tasks, not only for the include. An include that can only be known while running is an error.

use std::sync::Arc;

use super::directives::Directives;
use super::keywords::Place;
use super::library::Dir;
use super::loader::{Loader, Scope};
use super::role::{Done, RoleFiles, Wanted};
use super::setting::{Setting, has_template};
use super::task::Entry;
use super::words;
use crate::diagnostic::Diagnostic;
use crate::yaml::{Key, Mapping, Node, Yaml};

/// What an import brings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tasks,
    Role,
}

fn kind(name: &str) -> Option<(Kind, bool)> {
    let short = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name);
    match short {
        "import_tasks" => Some((Kind::Tasks, false)),
        "include_tasks" => Some((Kind::Tasks, true)),
        "import_role" => Some((Kind::Role, false)),
        "include_role" => Some((Kind::Role, true)),
        _ => None,
    }
}

impl Loader<'_> {
    /// The tasks an import stands for; `None` where the mapping is no import.
    pub(super) fn import(&mut self, map: &Mapping, scope: &Scope) -> Option<Vec<Entry>> {
        let (key, node) = map.entries.iter().find(|(key, _)| kind(&key.name).is_some())?;
        let (kind, included) = kind(&key.name)?;
        let mut own = Directives::default();
        let mut fine = true;
        for (other, value) in map.entries.iter().filter(|(other, _)| other != key) {
            match other.name.as_str() {
                "name" => self.lint(value),
                "loop" | "with_items" | "with_dict" | "loop_control" if included => {
                    self.complain(
                        Diagnostic::new("not supported yet: dynamic include")
                            .at(&other.span, "an include with a loop is only known while running")
                            .help("put the loop on the tasks of the included file"),
                    );
                    fine = false;
                }
                "apply" if included => self.apply(&mut own, other, value),
                "args" => {}
                name if name != "apply" && Place::Import.supports(name) => {
                    self.directive(&mut own, other, value);
                }
                _ if Place::Import.knows(&other.name) => self.complain(Place::Import.complain(other)),
                _ => {
                    let second = super::call::Does::find(&other.name).is_some();
                    self.complain(if second {
                        Diagnostic::new(format!(
                            "this task calls two modules, `{}` and `{}`",
                            key.name, other.name
                        ))
                        .at(&other.span, "the second")
                        .note(&key.span, "the first")
                    } else {
                        Place::Import.complain(other)
                    });
                }
            }
        }
        let args = self.import_args(key, node, map);
        let inner = scope.with(own);
        if !fine {
            return Some(Vec::new());
        }
        if included && scope.handlers {
            self.complain(
                Diagnostic::new(format!("`{}` among handlers is not supported yet", key.name))
                    .at(&key.span, "an include is a handler of its own")
                    .help(format!("write `{}`", key.name.replace("include", "import"))),
            );
            return Some(Vec::new());
        }
        let entries = match kind {
            Kind::Tasks => self.import_tasks(key, &args, included, &inner),
            Kind::Role => self.import_role(key, &args, included, &inner),
        };
        Some(entries.unwrap_or_default())
    }

    /// `apply:` of an include: directives for its tasks.
    fn apply(&mut self, own: &mut Directives, key: &Key, node: &Node) {
        let Some(map) = node.as_map() else {
            self.wrong(key, node, "a mapping");
            return;
        };
        let mut applied = Directives::default();
        let entries: Vec<&(Key, Node)> = self.keywords(Place::Import, map).collect();
        for (key, value) in entries {
            self.directive(&mut applied, key, value);
        }
        *own = applied.inside(own);
    }

    /// The import's arguments as a mapping; free text goes under an empty name.
    fn import_args(&mut self, key: &Key, node: &Node, map: &Mapping) -> Mapping {
        let mut args = match &node.value {
            Yaml::Map(map) => map.clone(),
            Yaml::Str(text) => {
                let mut args = Mapping::default();
                let words = words::split(text).unwrap_or_default();
                let pairs = !words.is_empty() && words.iter().all(|word| word.pair.is_some());
                for word in words.iter().filter(|_| pairs) {
                    let Some((name, value)) = &word.pair else { continue };
                    let span = node.span.find(&text[word.range.clone()]);
                    let value = Node { value: Yaml::Str(value.clone()), span: span.clone(), tag: None };
                    args.entries.push((Key { name: name.clone(), span }, value));
                }
                if !pairs {
                    args.entries.push((Key { name: String::new(), span: node.span.clone() }, node.clone()));
                }
                args
            }
            Yaml::Null => Mapping::default(),
            _ => {
                self.wrong(key, node, "a string or a mapping");
                Mapping::default()
            }
        };
        if let Some(Yaml::Map(more)) = map.get("args").map(|node| &node.value) {
            args.entries.extend(more.entries.iter().cloned());
        }
        args
    }

    /// A name among the import's arguments that has to be known now.
    fn import_name(&mut self, key: &Key, node: &Node, included: bool) -> bool {
        let Some(text) = node.as_str() else {
            self.wrong(key, node, "a string");
            return false;
        };
        if has_template(text) {
            let title = if included {
                "not supported yet: dynamic include".to_owned()
            } else {
                format!("`{}` needs a name that is known before the run", key.name)
            };
            self.complain(
                Diagnostic::new(title)
                    .at(&node.span, "only known while running")
                    .help("write an import for each name, with a `when`"),
            );
            return false;
        }
        true
    }

    fn import_tasks(
        &mut self,
        key: &Key,
        args: &Mapping,
        included: bool,
        scope: &Scope,
    ) -> Option<Vec<Entry>> {
        let mut file = None;
        let mut scope = scope.clone();
        for (name, value) in &args.entries {
            match name.name.as_str() {
                "" | "file" | "_raw_params" => file = Some(value),
                "apply" if included => {
                    let mut own = Directives::default();
                    self.apply(&mut own, name, value);
                    scope = scope.with(own);
                }
                _ => self.no_argument(key, name, &["file", "apply"]),
            }
        }
        let Some(file) = file else {
            self.complain(
                Diagnostic::new(format!("`{}` names no file", key.name))
                    .at(&key.span, "needs a file of tasks"),
            );
            return None;
        };
        if !self.import_name(key, file, included) {
            return None;
        }
        let name = file.as_str().unwrap_or_default();
        let mut places = vec![scope.here.join(name)];
        if let Some(role) = &scope.role {
            places.push(role.dir.join(if scope.handlers { "handlers" } else { "tasks" }).join(name));
        }
        places.push(scope.playbook.join(name));
        places.dedup();
        let Some(at) = self.library.first_file(&places) else {
            let mut complaint =
                Diagnostic::new(format!("there is no file of tasks `{name}`")).at(&file.span, "not found");
            for place in &places {
                complaint = complaint.help(format!("looked for {place}"));
            }
            self.complain(complaint);
            return None;
        };
        if scope.trail.contains(&at) {
            self.complain(
                Diagnostic::new(format!("{at} imports itself"))
                    .at(&file.span, "this goes in a circle for ever"),
            );
            return None;
        }
        Some(self.task_file(&at, &scope))
    }

    /// Reads a file of tasks.
    pub(super) fn task_file(&mut self, at: &Dir, scope: &Scope) -> Vec<Entry> {
        let Some(node) = self.yaml(at) else { return Vec::new() };
        let mut inner = scope.clone();
        inner.here = at.parent();
        inner.trail.push(at.clone());
        let key = Key { name: at.to_string(), span: node.span.clone() };
        self.entries(&key, &node, &inner)
    }

    fn import_role(
        &mut self,
        key: &Key,
        args: &Mapping,
        included: bool,
        scope: &Scope,
    ) -> Option<Vec<Entry>> {
        let mut name = None;
        let mut files = RoleFiles::default();
        let mut scope = scope.clone();
        let mut public = !included;
        for (argument, value) in &args.entries {
            match argument.name.as_str() {
                "name" | "role" => name = Some(value),
                "tasks_from" => files.tasks = Some(value.clone()),
                "vars_from" => files.vars = Some(value.clone()),
                "defaults_from" => files.defaults = Some(value.clone()),
                "handlers_from" => files.handlers = Some(value.clone()),
                "public" => {
                    let flag: Option<Setting<bool>> = self.setting(argument, value);
                    public = flag.and_then(|flag| flag.known().copied()).unwrap_or(public);
                }
                // Here a role that is asked for by a task is always done again, and never has a specification.
                "allow_duplicates" | "rolespec_validate" => {}
                "apply" if included => {
                    let mut own = Directives::default();
                    self.apply(&mut own, argument, value);
                    scope = scope.with(own);
                }
                _ => self.no_argument(
                    key,
                    argument,
                    &["name", "tasks_from", "vars_from", "defaults_from", "handlers_from", "public", "apply"],
                ),
            }
        }
        let Some(name) = name else {
            self.complain(
                Diagnostic::new(format!("`{}` names no role", key.name))
                    .at(&key.span, "needs the argument `name`"),
            );
            return None;
        };
        let from = [&files.tasks, &files.vars, &files.defaults, &files.handlers];
        for node in std::iter::once(name).chain(from.into_iter().flatten()) {
            if !self.import_name(key, node, included) {
                return None;
            }
        }
        let wanted = Wanted {
            name: name.as_str().unwrap_or_default().to_owned(),
            span: name.span.clone(),
            vars: Mapping::default(),
            params: Mapping::default(),
            files,
            public,
        };
        let mut done = Done::default();
        self.role(wanted, &scope, &mut done)?;
        Some(done.roles.into_iter().flat_map(|role| role.tasks).collect())
    }

    fn no_argument(&mut self, key: &Key, argument: &Key, known: &[&'static str]) {
        let shown = if argument.name.is_empty() { "free text" } else { &argument.name };
        self.complain(
            Diagnostic::new(format!("`{}` has no argument `{shown}`", key.name))
                .at(&argument.span, "no such argument")
                .did_you_mean(&argument.name, known.iter().copied()),
        );
    }

    /// Adds to the handlers of the play; a block of them was complained about already.
    pub(super) fn add_handlers(&mut self, entries: &[Entry]) {
        let tasks: Vec<_> = super::task::flatten(entries).into_iter().map(Arc::clone).collect();
        self.check_handler_names(&tasks);
        self.handlers.extend(tasks);
    }
}
