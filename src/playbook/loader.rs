//! What all parts of loading share: where files are, what is wrong so far, and the checks
//! of templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::directives::Directives;
use super::library::{Dir, Library};
use super::lint::Lint;
use super::role::RoleInfo;
use super::setting::is_template;
use super::task::Task;
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::yaml::{self, Mapping, Node, Yaml};

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
}
