//! How the values of keywords are read: each as what it has to be, or complained about at its place.

use super::keywords::Place;
use super::loader::Loader;
use super::setting::{Plain, Setting, has_template};
use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::{Key, Mapping, Node, Yaml};

impl Loader<'_> {
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
    pub(super) fn check_variable(&mut self, name: &str, span: &Span) -> bool {
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
