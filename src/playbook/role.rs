//! Roles: where they are, what they bring along, and the roles they depend on.

use std::sync::Arc;

use super::directives::Directives;
use super::keywords::Place;
use super::library::Dir;
use super::loader::{Loader, Scope};
use super::task::Entry;
use crate::diagnostic::{Diagnostic, Span};
use crate::value::closest;
use crate::yaml::{Key, Mapping, Node, Yaml};

/// One use of a role: what its tasks know of it.
#[derive(Debug, Clone)]
pub struct RoleInfo {
    pub name: String,
    pub dir: Dir,
    /// `defaults/main.yml`.
    pub defaults: Mapping,
    /// `vars:` where the role is used; `vars` win over these.
    pub entry_vars: Mapping,
    /// `vars/main.yml`.
    pub vars: Mapping,
    /// Parameters where the role is used.
    pub params: Mapping,
    /// Roles that depend on this one or import it, outermost first.
    pub parents: Vec<Arc<RoleInfo>>,
    /// Roles it depends on; its tasks see their variables too.
    pub dependencies: Vec<Arc<RoleInfo>>,
    /// Whether tasks outside see its variables: not those of `include_role`.
    pub public: bool,
}

/// A role in a play's `roles:`, or one that such a role depends on.
#[derive(Debug)]
pub struct Role {
    pub info: Arc<RoleInfo>,
    pub tasks: Vec<Entry>,
    /// Where it is named.
    pub span: Span,
}

/// A role as it is asked for.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) vars: Mapping,
    pub(super) params: Mapping,
    pub(super) files: RoleFiles,
    pub(super) public: bool,
}

/// Which of a role's files are meant; `main` unless said otherwise.
#[derive(Debug, Clone, Default)]
pub(super) struct RoleFiles {
    pub(super) tasks: Option<Node>,
    pub(super) vars: Option<Node>,
    pub(super) defaults: Option<Node>,
    pub(super) handlers: Option<Node>,
}

/// Roles that were read, so that one is not done twice with the same parameters.
#[derive(Default)]
pub(super) struct Done {
    pub(super) roles: Vec<Role>,
    keys: Vec<String>,
}

impl Loader<'_> {
    /// Reads an entry of `roles:` or `dependencies:` and what it depends on.
    pub(super) fn role_entry(
        &mut self,
        node: &Node,
        scope: &Scope,
        done: &mut Done,
    ) -> Option<Arc<RoleInfo>> {
        let mut own = Directives::default();
        let mut wanted = Wanted {
            name: String::new(),
            span: node.span.clone(),
            vars: Mapping::default(),
            params: Mapping::default(),
            files: RoleFiles::default(),
            public: true,
        };
        match &node.value {
            Yaml::Str(name) => wanted.name.clone_from(name),
            Yaml::Map(map) => {
                for (key, value) in &map.entries {
                    match key.name.as_str() {
                        "role" | "name" => {
                            wanted.name = self.known_string(key, value)?;
                            wanted.span = value.span.clone();
                        }
                        "vars" => wanted.vars = self.vars(key, value),
                        _ if Place::Role.supports(&key.name) => drop(self.directive(&mut own, key, value)),
                        _ if Place::Role.knows(&key.name) => self.complain(Place::Role.complain(key)),
                        _ => {
                            self.check_variable(&key.name, &key.span);
                            self.lint(value);
                            wanted.params.entries.push((key.clone(), value.clone()));
                        }
                    }
                }
            }
            _ => {}
        }
        if wanted.name.is_empty() {
            self.complain(
                Diagnostic::new("this entry names no role")
                    .at(&wanted.span, format!("this is {}", node.kind()))
                    .help("write the role's name, or a mapping with `role:`"),
            );
            return None;
        }
        self.role(wanted, &scope.with(own), done)
    }

    /// Reads a role and, before it, those it depends on.
    pub(super) fn role(&mut self, wanted: Wanted, scope: &Scope, done: &mut Done) -> Option<Arc<RoleInfo>> {
        let dir = self.find_role(&wanted.name, &wanted.span, scope)?;
        let mut parents = Vec::new();
        if let Some(outer) = &scope.role {
            parents.clone_from(&outer.parents);
            parents.push(Arc::clone(outer));
        }
        if parents.iter().any(|parent| parent.dir == dir) {
            let mut circle: Vec<&str> = parents.iter().map(|parent| parent.name.as_str()).collect();
            circle.push(&wanted.name);
            self.complain(
                Diagnostic::new(format!("role `{}` needs itself", wanted.name))
                    .at(&wanted.span, circle.join(" needs ")),
            );
            return None;
        }
        let (dependencies, repeatable) = self.meta(&dir);
        let defaults = self.role_vars(&dir, "defaults", wanted.files.defaults.as_ref());
        let vars = self.role_vars(&dir, "vars", wanted.files.vars.as_ref());
        let key = [
            dir.to_string(),
            format!("{:?}", wanted.params.to_map()),
            format!("{:?}", wanted.vars.to_map()),
            format!("{:?}", scope.directives.when.iter().map(Node::to_value).collect::<Vec<_>>()),
            format!("{:?}", scope.directives.tags),
        ]
        .join("\n");
        let again = done.keys.contains(&key) && !repeatable;
        done.keys.push(key);
        let mut info = RoleInfo {
            name: wanted.name,
            dir: dir.clone(),
            defaults,
            entry_vars: wanted.vars,
            vars,
            params: wanted.params,
            parents,
            dependencies: Vec::new(),
            public: wanted.public,
        };
        if again {
            return Some(Arc::new(info));
        }
        for dependency in &dependencies {
            let outer = Scope { role: Some(Arc::new(info.clone())), ..scope.clone() };
            let read = self.role_entry(dependency, &outer, done);
            info.dependencies.extend(read);
        }
        let info = Arc::new(info);
        self.roles.push(Arc::clone(&info));
        let inner = Scope { role: Some(Arc::clone(&info)), ..scope.clone() };
        let tasks = self.role_tasks(&inner, "tasks", wanted.files.tasks.as_ref());
        let handlers = Scope { handlers: true, ..inner };
        let handlers = self.role_tasks(&handlers, "handlers", wanted.files.handlers.as_ref());
        self.add_handlers(&handlers);
        done.roles.push(Role { info: Arc::clone(&info), tasks, span: wanted.span });
        Some(info)
    }

    fn find_role(&mut self, name: &str, span: &Span, scope: &Scope) -> Option<Dir> {
        let mut folders = Vec::new();
        if let Some(outer) = &scope.role {
            folders.push(outer.dir.parent());
        }
        folders.extend(self.library.role_folders(&scope.playbook));
        if name.contains('/') {
            folders.push(scope.playbook.clone());
        }
        let places: Vec<Dir> = folders.iter().map(|folder| folder.join(name)).collect();
        if let Some(found) = places.iter().find(|place| self.library.is_dir(place)) {
            return Some(found.clone());
        }
        if let Some(own) = self.library.role_of_others(name) {
            return Some(own);
        }
        let mut complaint = Diagnostic::new(format!("there is no role `{name}`")).at(span, "not found");
        let known: Vec<String> =
            folders.iter().flat_map(|folder| self.library.list(folder).unwrap_or_default()).collect();
        if let Some(meant) = closest(name, known.iter().map(String::as_str)) {
            complaint = complaint.help(format!("did you mean `{meant}`?"));
        } else if name.split('.').count() > 2 {
            complaint = complaint.help("roles of collections are not supported yet");
        }
        let mut seen: Vec<&Dir> = Vec::new();
        for place in &places {
            if !seen.contains(&place) {
                seen.push(place);
                complaint = complaint.help(format!("looked for {place}"));
            }
        }
        self.complain(complaint);
        None
    }

    /// The roles it depends on, and whether it may be done more than once.
    fn meta(&mut self, dir: &Dir) -> (Vec<Node>, bool) {
        let folder = dir.join("meta");
        for stem in ["argument_specs", "argument_spec"] {
            if let Some(at) = self.yaml_file(&folder, stem) {
                self.complain(
                    Diagnostic::new(format!("{at}: argument specifications of roles are not supported yet"))
                        .help("check the parameters with `assert`"),
                );
            }
        }
        let Some(node) = self.yaml_file(&folder, "main").and_then(|at| self.yaml(&at)) else {
            return (Vec::new(), false);
        };
        let Some(map) = node.as_map() else {
            if !node.is_null() {
                self.complain(
                    Diagnostic::new(format!("a role's meta file is a mapping, not {}", node.kind()))
                        .at(&node.span, ""),
                );
            }
            return (Vec::new(), false);
        };
        let (mut dependencies, mut repeatable) = (Vec::new(), false);
        for (key, value) in &map.entries {
            match key.name.as_str() {
                "dependencies" => dependencies = self.items(key, value, "roles").to_vec(),
                "allow_duplicates" => {
                    let flag = self.setting::<bool>(key, value);
                    repeatable = flag.and_then(|flag| flag.known().copied()).unwrap_or(false);
                }
                // Only Ansible Galaxy reads it.
                "galaxy_info" | "standalone" => {}
                "collections" | "argument_specs" => self.complain(
                    Diagnostic::new(format!("`{}` is not supported yet in a role's meta file", key.name))
                        .at(&key.span, "Ansible has it, holdfast does not"),
                ),
                _ => self.complain(
                    Diagnostic::new(format!("unknown keyword `{}` in a role's meta file", key.name))
                        .at(&key.span, "no such keyword")
                        .did_you_mean(&key.name, ["dependencies", "allow_duplicates", "galaxy_info"]),
                ),
            }
        }
        (dependencies, repeatable)
    }

    fn role_vars(&mut self, dir: &Dir, kind: &str, stem: Option<&Node>) -> Mapping {
        let Some(at) = self.role_file(dir, kind, stem) else { return Mapping::default() };
        let Some(node) = self.yaml(&at) else { return Mapping::default() };
        let key = Key { name: at.to_string(), span: node.span.clone() };
        self.vars(&key, &node)
    }

    fn role_tasks(&mut self, scope: &Scope, kind: &str, stem: Option<&Node>) -> Vec<Entry> {
        let Some(role) = &scope.role else { return Vec::new() };
        let Some(at) = self.role_file(&role.dir, kind, stem) else { return Vec::new() };
        self.task_file(&at, scope)
    }

    /// A file of a role: `main`, which need not be there, or one that was asked for, which must.
    fn role_file(&mut self, dir: &Dir, kind: &str, stem: Option<&Node>) -> Option<Dir> {
        let folder = dir.join(kind);
        let Some(stem) = stem else {
            let main = self.yaml_file(&folder, "main");
            if main.is_none() && self.library.is_dir(&folder.join("main")) {
                self.complain(Diagnostic::new(format!(
                    "{}: a folder in place of a file is not supported yet",
                    folder.join("main")
                )));
            }
            return main;
        };
        let name = stem.as_str().unwrap_or_default();
        let found = self.yaml_file(&folder, name);
        if found.is_none() {
            self.complain(
                Diagnostic::new(format!("the role has no `{kind}/{name}`"))
                    .at(&stem.span, "not found")
                    .help(format!("looked for {}", folder.join(&format!("{name}.yml")))),
            );
        }
        found
    }
}
