//! What all parts of loading share: where files are, what is wrong so far, and how values of keywords are read.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::directives::Directives;
use super::keywords::Place;
use super::library::{Dir, Library};
use super::lint::Lint;
use super::role::RoleInfo;
use super::setting::{Plain, Setting, has_template, is_template};
use super::task::Task;
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::yaml::{self, Key, Mapping, Node, Yaml};

/// One pass over a playbook and all it imports.
pub(super) struct Loader<'a> {
    pub(super) library: &'a Library,
    lint: &'a dyn Lint,
    pub(super) found: Diagnostics,
    pub(super) warnings: Vec<Diagnostic>,
    parsed: BTreeMap<Dir, Option<Arc<Node>>>,
    linted: Vec<Dir>,
    next_id: usize,
    /// Handlers and roles of the play that is being read.
    pub(super) handlers: Vec<Arc<Task>>,
    pub(super) roles: Vec<Arc<RoleInfo>>,
}

/// What surrounds a list of tasks.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    pub(super) directives: Directives,
    pub(super) role: Option<Arc<RoleInfo>>,
    /// The folder of the playbook.
    pub(super) playbook: Dir,
    /// The folder of the file being read.
    pub(super) here: Dir,
    /// Task files that led here, to notice a circle.
    pub(super) trail: Vec<Dir>,
    /// Whether these tasks are handlers.
    pub(super) handlers: bool,
}

impl Scope {
    /// The same surroundings with more directives.
    pub(super) fn with(&self, own: Directives) -> Self {
        Self { directives: own.inside(&self.directives), ..self.clone() }
    }
}

impl<'a> Loader<'a> {
    pub(super) fn new(library: &'a Library, lint: &'a dyn Lint) -> Self {
        Self {
            library,
            lint,
            found: Diagnostics::default(),
            warnings: Vec::new(),
            parsed: BTreeMap::new(),
            linted: Vec::new(),
            next_id: 0,
            handlers: Vec::new(),
            roles: Vec::new(),
        }
    }

    pub(super) fn id(&mut self) -> usize {
        self.next_id += 1;
        self.next_id
    }

    /// Keeps a complaint, each only once: a role that is used twice is read twice.
    pub(super) fn complain(&mut self, diagnostic: Diagnostic) {
        if !self.found.0.contains(&diagnostic) {
            self.found.push(diagnostic);
        }
    }

    pub(super) fn complain_all(&mut self, all: Vec<Diagnostic>) {
        for one in all {
            self.complain(one);
        }
    }

    pub(super) fn warn(&mut self, diagnostic: Diagnostic) {
        if !self.warnings.contains(&diagnostic) {
            self.warnings.push(diagnostic);
        }
    }

    /// The YAML of a file, `None` where there is none or it is not YAML (which was complained about).
    pub(super) fn yaml(&mut self, at: &Dir) -> Option<Arc<Node>> {
        if let Some(known) = self.parsed.get(at) {
            return known.clone();
        }
        let read = self.library.source(at).and_then(|source| match source {
            None => Ok(None),
            Some(source) if source.text.starts_with("$ANSIBLE_VAULT") => Err(Diagnostic::new(format!(
                "{at} is encrypted as a whole, which is not supported yet for this file"
            ))
            .help("encrypt single values in it with `!vault`")),
            Some(source) => yaml::parse_one(&source).map(Some),
        });
        let node = match read {
            Ok(node) => node.map(Arc::new),
            Err(diagnostic) => {
                self.complain(diagnostic);
                None
            }
        };
        self.parsed.insert(at.clone(), node.clone());
        node
    }

    /// The first of `stem.yml`, `stem.yaml` and `stem` that exists in a folder.
    pub(super) fn yaml_file(&self, folder: &Dir, stem: &str) -> Option<Dir> {
        let endings = ["", ".yml", ".yaml"].map(|ending| folder.join(&format!("{stem}{ending}")));
        self.library.first_file(&endings)
    }

    /// Checks every template inside a node.
    pub(super) fn lint(&mut self, node: &Node) {
        match &node.value {
            Yaml::List(items) => items.iter().for_each(|item| self.lint(item)),
            Yaml::Map(map) => self.lint_all(map),
            Yaml::Str(_) if is_template(node) && node.tag.is_none() => {
                let found = self.lint.template(node);
                self.complain_all(found);
            }
            _ => {}
        }
    }

    pub(super) fn lint_all(&mut self, map: &Mapping) {
        map.entries.iter().for_each(|(_, node)| self.lint(node));
    }

    pub(super) fn lint_condition(&mut self, node: &Node) {
        if node.as_str().is_some() {
            let found = self.lint.condition(node);
            self.complain_all(found);
        }
    }

    /// Checks a template file, once.
    pub(super) fn lint_file(&mut self, at: &Dir) {
        if self.linted.contains(at) {
            return;
        }
        self.linted.push(at.clone());
        let read: Result<Option<Arc<Source>>, Diagnostic> = self.library.source(at);
        match read {
            Ok(Some(source)) => {
                let found = self.lint.file(&source);
                self.complain_all(found);
            }
            Ok(None) => {}
            Err(diagnostic) => self.complain(diagnostic),
        }
    }

    /// Complains that a keyword's value is of the wrong kind.
    pub(super) fn wrong(&mut self, key: &Key, node: &Node, wanted: &str) {
        let at = if matches!(node.value, Yaml::List(_) | Yaml::Map(_)) { &key.span } else { &node.span };
        self.complain(
            Diagnostic::new(format!("`{}` takes {wanted}, not {}", key.name, node.kind()))
                .at(at, format!("this is {}", node.kind())),
        );
    }

    /// A value that is known or a template.
    pub(super) fn setting<T: Plain + Clone>(&mut self, key: &Key, node: &Node) -> Option<Setting<T>> {
        self.lint(node);
        let setting = Setting::of(node);
        if setting.is_none() {
            let given = match &node.value {
                Yaml::Null | Yaml::List(_) | Yaml::Map(_) => node.kind().to_owned(),
                _ => format!("`{}`", node.span.text()),
            };
            self.complain(Diagnostic::new(format!("`{}` takes {}, not {given}", key.name, T::WANTED)).at(
                if given.starts_with('`') { &node.span } else { &key.span },
                format!("not {}", T::WANTED),
            ));
        }
        setting
    }

    /// A list of strings, or a single one.
    pub(super) fn strings(&mut self, key: &Key, node: &Node) -> Vec<Node> {
        self.lint(node);
        let one = |node: &Node| matches!(node.value, Yaml::Str(_) | Yaml::Int(_));
        match &node.value {
            Yaml::List(items) => {
                for item in items.iter().filter(|item| !one(item)) {
                    self.wrong(key, item, "a list of strings");
                }
                items.iter().filter(|item| one(item)).cloned().collect()
            }
            _ if one(node) => vec![node.clone()],
            _ => {
                self.wrong(key, node, "a string or a list of strings");
                Vec::new()
            }
        }
    }

    /// Strings that have to be known before the run.
    pub(super) fn known_strings(&mut self, key: &Key, node: &Node, separator: Option<char>) -> Vec<String> {
        let mut words = Vec::new();
        for item in self.strings(key, node) {
            let text = item.to_value().as_str().map_or_else(|| item.span.text().to_owned(), str::to_owned);
            if has_template(&text) {
                self.complain(
                    Diagnostic::new(format!("a template in `{}` is not supported yet", key.name))
                        .at(&item.span, "has to be known before the run"),
                );
                continue;
            }
            match separator {
                Some(mark) => words.extend(text.split(mark).map(|word| word.trim().to_owned())),
                None => words.push(text),
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    /// One string that has to be known before the run.
    pub(super) fn known_string(&mut self, key: &Key, node: &Node) -> Option<String> {
        if node.as_list().is_some() {
            self.wrong(key, node, "a string");
            return None;
        }
        self.known_strings(key, node, None).pop()
    }

    /// The name of a variable.
    pub(super) fn variable(&mut self, key: &Key, node: &Node) -> Option<String> {
        let name = self.known_string(key, node)?;
        self.check_variable(&name, &node.span).then_some(name)
    }

    /// Whether a variable can have this name; complains if not.
    pub(super) fn check_variable(&mut self, name: &str, span: &crate::diagnostic::Span) -> bool {
        let starts = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
        let fine = starts && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        if !fine {
            self.complain(
                Diagnostic::new(format!("a variable cannot be called `{name}`"))
                    .at(span, "not a variable's name")
                    .help("letters, digits and `_`, not starting with a digit"),
            );
        }
        fine
    }

    /// Conditions: one, or a list that must all hold.
    pub(super) fn conditions(&mut self, key: &Key, node: &Node) -> Vec<Node> {
        let all: &[Node] = match &node.value {
            Yaml::List(items) => items,
            _ => std::slice::from_ref(node),
        };
        for one in all {
            match &one.value {
                Yaml::Str(text) if text.trim().is_empty() => self.complain(
                    Diagnostic::new(format!("`{}` is empty", key.name))
                        .at(&key.span, "needs a condition")
                        .help("an empty condition is an error since ansible-core 2.19, too"),
                ),
                Yaml::Str(_) => self.lint_condition(one),
                Yaml::Bool(_) => {}
                _ => self.wrong(key, one, "a condition or a list of conditions"),
            }
        }
        all.to_vec()
    }

    /// Variables: a mapping whose keys are names.
    pub(super) fn vars(&mut self, key: &Key, node: &Node) -> Mapping {
        match &node.value {
            Yaml::Null => Mapping::default(),
            Yaml::Map(map) => {
                for (name, _) in &map.entries {
                    self.check_variable(&name.name, &name.span);
                }
                self.lint_all(map);
                map.clone()
            }
            _ => {
                self.wrong(key, node, "a mapping of variables");
                Mapping::default()
            }
        }
    }

    /// Reads a directive; `false` where the keyword is none.
    pub(super) fn directive(&mut self, into: &mut Directives, key: &Key, node: &Node) -> bool {
        match key.name.as_str() {
            "become" => into.r#become = self.setting(key, node),
            "become_user" => into.become_user = self.setting(key, node),
            "become_flags" => into.become_flags = self.setting(key, node),
            "become_method" => self.only(key, node, &["sudo", "ansible.builtin.sudo"]),
            "check_mode" => into.check_mode = self.setting(key, node),
            "ignore_errors" => into.ignore_errors = self.setting(key, node),
            "ignore_unreachable" => into.ignore_unreachable = self.setting(key, node),
            "any_errors_fatal" => into.any_errors_fatal = self.setting(key, node),
            "no_log" => into.no_log = self.setting(key, node),
            "run_once" => into.run_once = self.setting(key, node),
            "delegate_to" => into.delegate_to = self.setting(key, node),
            "remote_user" => into.remote_user = self.setting(key, node),
            "connection" => {
                if !is_template(node) {
                    self.only(
                        key,
                        node,
                        &["ssh", "local", "smart", "ansible.builtin.ssh", "ansible.builtin.local"],
                    );
                }
                into.connection = self.setting(key, node);
            }
            "port" => into.port = self.setting(key, node),
            "when" => into.when = self.conditions(key, node),
            "environment" => self.environment(into, key, node),
            "vars" => into.vars = vec![Arc::new(self.vars(key, node))],
            "notify" => into.notify = self.strings(key, node),
            "tags" => into.tags = self.known_strings(key, node, Some(',')),
            _ => return false,
        }
        true
    }

    fn environment(&mut self, into: &mut Directives, key: &Key, node: &Node) {
        let all: &[Node] = match &node.value {
            Yaml::List(items) => items,
            Yaml::Null => &[],
            _ => std::slice::from_ref(node),
        };
        for one in all {
            match &one.value {
                Yaml::Map(_) => into.environment.push(one.clone()),
                Yaml::Str(_) if is_template(one) => into.environment.push(one.clone()),
                _ => self.wrong(key, one, "a mapping"),
            }
        }
        self.lint(node);
    }

    /// Complains about every value but these.
    pub(super) fn only(&mut self, key: &Key, node: &Node, works: &[&str]) {
        match node.as_str() {
            Some(text) if works.contains(&text) => {}
            Some(text) => self.complain(
                Diagnostic::new(format!("`{}: {text}` is not supported yet", key.name))
                    .at(&node.span, format!("only {} works", works[0])),
            ),
            None => self.wrong(key, node, "a string"),
        }
    }

    /// The entries of a mapping that work in this place; the others are complained about.
    pub(super) fn keywords<'n>(
        &mut self,
        place: Place,
        map: &'n Mapping,
    ) -> impl Iterator<Item = &'n (Key, Node)> + use<'n> {
        for (key, _) in map.entries.iter().filter(|(key, _)| !place.supports(&key.name)) {
            self.complain(place.complain(key));
        }
        map.entries.iter().filter(move |(key, _)| place.supports(&key.name))
    }

    /// The items of a list that holds tasks, roles or plays.
    pub(super) fn items<'n>(&mut self, key: &Key, node: &'n Node, of: &str) -> &'n [Node] {
        match &node.value {
            Yaml::List(items) => items,
            Yaml::Null => &[],
            _ => {
                let at = if node.as_map().is_some() { &key.span } else { &node.span };
                let complaint =
                    Diagnostic::new(format!("`{}` takes a list of {of}, not {}", key.name, node.kind()))
                        .at(at, format!("this is {}", node.kind()));
                let help = node.as_map().is_some();
                self.complain(if help { complaint.help("begin each entry with `- `") } else { complaint });
                &[]
            }
        }
    }
}
