//! Which module a task calls.

use super::actions::{ActionEntry, actions, find_action};
use super::ansible;
use super::keywords::Place;
use super::loader::Loader;
use crate::diagnostic::{Diagnostic, Span};
use crate::modules;
use crate::yaml::{Key, Mapping, Node, Yaml};

/// A module with its arguments.
#[derive(Debug, Clone)]
pub struct ModuleCall {
    /// Its name as written, such as `ansible.builtin.copy`.
    pub written: String,
    pub does: Does,
    /// Arguments by the names they were written with; free text is already under its argument's name.
    pub args: Mapping,
    /// The module's name.
    pub span: Span,
}

/// Who does it.
#[derive(Debug, Clone, Copy)]
pub enum Does {
    /// An agent, on the host.
    Remote(&'static modules::Entry),
    /// The engine, here.
    Controller(&'static ActionEntry),
}

impl Does {
    /// The module of that name.
    pub fn find(name: &str) -> Option<Self> {
        modules::find(name).map(Self::Remote).or_else(|| find_action(name).map(Self::Controller))
    }

    /// Its own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Remote(entry) => entry.name,
            Self::Controller(entry) => entry.name,
        }
    }

    pub(super) fn free_form(self) -> Option<&'static str> {
        match self {
            Self::Remote(entry) => entry.free_form,
            Self::Controller(entry) => entry.free_form,
        }
    }

    pub(super) fn own_name(self, written: &str) -> &str {
        match self {
            Self::Remote(entry) => entry.own_name(written),
            Self::Controller(_) => written,
        }
    }
}

/// A module's name, where it stands, and its arguments as written.
struct Written<'n> {
    name: String,
    span: Span,
    args: &'n Node,
    /// What is left of an `action:` line after the module's name.
    line: Option<Node>,
}

impl Loader<'_> {
    /// The one module a task calls.
    pub(super) fn call(&mut self, map: &Mapping, place: Place) -> Option<ModuleCall> {
        let mut unknown = false;
        let mut calls: Vec<Written<'_>> = Vec::new();
        for (key, node) in &map.entries {
            if matches!(key.name.as_str(), "action" | "local_action") {
                let written = self.action(key, node);
                unknown |= written.is_none();
                calls.extend(written);
            } else if !place.knows(&key.name) {
                if Does::find(&key.name).is_some() || ansible::has_module(&key.name) {
                    calls.push(Written {
                        name: key.name.clone(),
                        span: key.span.clone(),
                        args: node,
                        line: None,
                    });
                } else {
                    unknown = true;
                    let complaint = unknown_word(key, place);
                    self.complain(complaint);
                }
            }
        }
        let mut calls = calls.into_iter();
        let Some(written) = calls.next() else {
            if !unknown {
                let at = map.entries.first().map(|(key, _)| key.span.clone());
                let complaint = Diagnostic::new("this task calls no module");
                self.complain(match at {
                    Some(span) => complaint.at(&span, "nothing to do"),
                    None => complaint,
                });
            }
            return None;
        };
        if let Some(second) = calls.next() {
            self.complain(
                Diagnostic::new(format!(
                    "this task calls two modules, `{}` and `{}`",
                    written.name, second.name
                ))
                .at(&second.span, "the second")
                .note(&written.span, "the first")
                .help("write a task for each"),
            );
        }
        let Some(does) = Does::find(&written.name) else {
            self.complain(
                Diagnostic::new(format!("module `{}` is not supported yet", written.name))
                    .at(&written.span, "Ansible has it, holdfast does not")
                    .help("`holdfast doc` lists the modules"),
            );
            return None;
        };
        let mut args = match &written.line {
            Some(line) => self.arguments(does, &written.span, line),
            None => self.arguments(does, &written.span, written.args),
        }?;
        if let (Some(key), Some(more)) = (map.key("args"), map.get("args")) {
            match &more.value {
                Yaml::Map(more) => {
                    let missing = more.entries.iter().filter(|(key, _)| args.get(&key.name).is_none());
                    args.entries.extend(missing.cloned().collect::<Vec<_>>());
                }
                Yaml::Null => {}
                _ => self.wrong_args(key, more),
            }
        }
        let call = ModuleCall { written: written.name, does, args, span: written.span };
        self.check_call(&call);
        Some(call)
    }

    /// `action: copy src=a` and `action: {module: copy, src: a}`.
    fn action<'n>(&mut self, key: &Key, node: &'n Node) -> Option<Written<'n>> {
        match &node.value {
            Yaml::Str(text) => {
                let name = text.split_whitespace().next().unwrap_or_default().to_owned();
                let rest = text.trim_start().get(name.len()..).unwrap_or_default().trim();
                let line = Node { value: Yaml::Str(rest.to_owned()), span: node.span.find(rest), tag: None };
                Some(Written { span: node.span.find(&name), name, args: node, line: Some(line) })
            }
            Yaml::Map(map) => {
                let Some(name) = map.get("module").and_then(Node::as_str) else {
                    self.complain(
                        Diagnostic::new(format!("`{}` names no module", key.name))
                            .at(&key.span, "needs `module:` inside"),
                    );
                    return None;
                };
                let span = map.get("module").map_or_else(|| key.span.clone(), |node| node.span.clone());
                let mut rest = map.clone();
                rest.entries.retain(|(key, _)| key.name != "module");
                let line = Node { value: Yaml::Map(rest), span: node.span.clone(), tag: None };
                Some(Written { name: name.to_owned(), span, args: node, line: Some(line) })
            }
            _ => {
                self.wrong(key, node, "a module with its arguments");
                None
            }
        }
    }
}

/// A key of a task that is neither a keyword nor a module.
fn unknown_word(key: &Key, place: Place) -> Diagnostic {
    let misplaced = place.complain(key);
    if !misplaced.help.is_empty() && !misplaced.help[0].starts_with("did you mean") {
        return misplaced;
    }
    let ours =
        modules::entries().iter().map(|entry| entry.name).chain(actions().iter().map(|entry| entry.name));
    let known: Vec<&str> = place.all().chain(ours).chain(ansible::modules()).collect();
    Diagnostic::new(format!("unknown keyword or module `{}`", key.name))
        .at(&key.span, "neither a keyword of a task nor a module")
        .did_you_mean(&key.name, known)
}
