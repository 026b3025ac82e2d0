//! Jinja templates as Ansible users write them, on minijinja.
//!
//! Follows ansible-core 2.19: a string that is one `{{ expression }}` gives a native value; anything undefined
//! that is used is an error, except by `default` and `is defined`; conditions must be booleans. Variables may
//! themselves be templates and are resolved when used. Where variables come from is the engine's business
//! ([`Variables`]); nothing here changes anything or remembers anything about a host beyond its [`Scope`].

mod check;
mod compile;
mod convert;
mod environment;
mod error;
mod files;
mod filters;
mod frame;
mod lazy;
mod lookups;
mod methods;
mod scope;
mod tests;
mod undefined;
mod walk;

use std::sync::Arc;

use minijinja::value::ValueKind;

pub use convert::plain;
pub use error::TemplateError;
pub use files::{Disk, FileRoots, Files};
pub use scope::{Raw, Scope, Variables};

use crate::diagnostic::{Diagnostic, Source, Span};
use crate::value::{Map, Value};
use crate::yaml::{Node, Yaml};
use environment::Core;

/// Evaluates templates. One per run; clones share everything.
#[derive(Debug, Clone)]
pub struct Templar {
    core: Arc<Core>,
}

impl Templar {
    pub fn new(search: FileRoots) -> Self {
        Self { core: Core::new(search) }
    }

    /// The value of a node, templates in it resolved however deep. Keys are not templated.
    pub fn node(&self, node: &Node, scope: &Scope) -> Result<Value, Diagnostic> {
        self.optional(node, scope)?.ok_or_else(|| {
            Diagnostic::new("there is nothing here that could be omitted").at(&node.span, "is `omit`")
        })
    }

    /// Like [`node`](Self::node); `None` when the whole of it is `omit`.
    pub fn optional(&self, node: &Node, scope: &Scope) -> Result<Option<Value>, Diagnostic> {
        Ok(Some(match &node.value {
            Yaml::Str(text) if is_template(node, text) => {
                return self.finished(text, scope).map_err(|error| error.in_yaml(&node.span, text));
            }
            Yaml::List(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.extend(self.optional(item, scope)?);
                }
                Value::Array(values)
            }
            Yaml::Map(mapping) => {
                let mut map = Map::new();
                for (key, item) in &mapping.entries {
                    if let Some(value) = self.optional(item, scope)? {
                        map.insert(key.name.clone(), value);
                    }
                }
                Value::Object(map)
            }
            _ => node.to_value(),
        }))
    }

    /// The value of plain data that may hold templates.
    pub fn value(&self, value: &Value, scope: &Scope) -> Result<Value, TemplateError> {
        let omitted = || TemplateError::new("there is nothing here that could be omitted");
        self.plain_value(value, scope)?.ok_or_else(omitted)
    }

    fn plain_value(&self, value: &Value, scope: &Scope) -> Result<Option<Value>, TemplateError> {
        Ok(Some(match value {
            Value::String(text) if compile::is_template(text) => return self.finished(text, scope),
            Value::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.extend(self.plain_value(item, scope)?);
                }
                Value::Array(values)
            }
            Value::Object(map) => {
                let mut values = Map::new();
                for (key, item) in map {
                    if let Some(value) = self.plain_value(item, scope)? {
                        values.insert(key.clone(), value);
                    }
                }
                Value::Object(values)
            }
            other => other.clone(),
        }))
    }

    /// The resolved value of one variable; `None` where there is none of that name.
    pub fn variable(&self, name: &str, scope: &Scope) -> Result<Option<Value>, TemplateError> {
        let (resolved, _) = frame::within(&self.core, &scope.inner, None, || scope.inner.resolve(name))?;
        match resolved {
            scope::Resolved::Absent => Ok(None),
            scope::Resolved::Value(value) => self.core.finish(&value, &scope.inner, ""),
            scope::Resolved::Undefined(error) | scope::Resolved::Failed(error) => Err((*error).clone()),
        }
    }

    /// A condition: a boolean, an expression, or a list of which all must hold. Must come out as a boolean.
    pub fn condition(&self, node: &Node, scope: &Scope) -> Result<bool, Diagnostic> {
        match &node.value {
            Yaml::Bool(flag) => Ok(*flag),
            Yaml::Str(text) => {
                plausible(node, text)?;
                let value = self
                    .core
                    .expression(text, &scope.inner)
                    .map_err(|error| error.in_yaml(&node.span, text))?;
                match value.kind() {
                    ValueKind::Bool => Ok(value.is_true()),
                    kind => Err(no_boolean(&node.span, kind)),
                }
            }
            Yaml::List(items) => {
                for item in items {
                    if !self.condition(item, scope)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => Err(no_condition(node)),
        }
    }

    /// The value of a bare expression, such as the `var` of `debug`.
    pub fn expression(&self, text: &str, span: &Span, scope: &Scope) -> Result<Value, Diagnostic> {
        let told = |error: TemplateError| error.in_yaml(span, text);
        let value = self.core.expression(text, &scope.inner).map_err(told)?;
        let value = self.core.finish(&value, &scope.inner, text).map_err(told)?;
        value.ok_or_else(|| {
            Diagnostic::new("there is nothing here that could be omitted").at(span, "is `omit`")
        })
    }

    /// The text a template file makes. Blocks swallow the newline after them (`trim_blocks`), as in Ansible.
    pub fn file(&self, source: &Arc<Source>, scope: &Scope) -> Result<String, Diagnostic> {
        if let Some(complaint) = header(source) {
            return Err(complaint);
        }
        self.core.file(&source.text, &scope.inner).map_err(|error| error.in_file(source))
    }

    /// What is wrong with the templates in a node, before any variable is known.
    pub fn check(&self, node: &Node) -> Vec<Diagnostic> {
        match &node.value {
            Yaml::Str(text) if is_template(node, text) => check::text(&self.core, text)
                .into_iter()
                .map(|error| error.in_yaml(&node.span, text))
                .collect(),
            Yaml::List(items) => items.iter().flat_map(|item| self.check(item)).collect(),
            Yaml::Map(map) => map.entries.iter().flat_map(|(_, item)| self.check(item)).collect(),
            _ => Vec::new(),
        }
    }

    /// What is wrong with a condition, before any variable is known.
    pub fn check_condition(&self, node: &Node) -> Vec<Diagnostic> {
        match &node.value {
            Yaml::Bool(_) => Vec::new(),
            Yaml::Str(text) => match plausible(node, text) {
                Err(complaint) => vec![complaint],
                Ok(()) => self.check_expression(text, &node.span),
            },
            Yaml::List(items) => items.iter().flat_map(|item| self.check_condition(item)).collect(),
            _ => vec![no_condition(node)],
        }
    }

    /// What is wrong with a bare expression, before any variable is known.
    pub fn check_expression(&self, text: &str, span: &Span) -> Vec<Diagnostic> {
        check::expression(&self.core, text).into_iter().map(|error| error.in_yaml(span, text)).collect()
    }

    /// What is wrong with a template file, before any variable is known.
    pub fn check_file(&self, source: &Arc<Source>) -> Vec<Diagnostic> {
        let found = check::text(&self.core, &source.text).into_iter().map(|error| error.in_file(source));
        header(source).into_iter().chain(found).collect()
    }

    fn finished(&self, text: &str, scope: &Scope) -> Result<Option<Value>, TemplateError> {
        let value = self.core.text(text, &scope.inner, None)?;
        self.core.finish(&value, &scope.inner, text)
    }
}

fn is_template(node: &Node, text: &str) -> bool {
    compile::is_template(text) && node.tag.as_deref() != Some("!unsafe")
}

/// Conditions that cannot be meant: empty ones, and templates.
fn plausible(node: &Node, text: &str) -> Result<(), Diagnostic> {
    if text.trim().is_empty() {
        return Err(Diagnostic::new("a condition is empty")
            .at(&node.span, "")
            .help("leave it out, or write `true`"));
    }
    let inner = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim);
    match inner {
        Some(inner) if !inner.contains("{{") => Err(Diagnostic::new("a condition is already an expression")
            .at(&node.span, "has `{{ }}` around it")
            .help(format!("write it without: `{inner}`"))),
        _ if text.contains("{{") || text.contains("{%") => {
            Err(Diagnostic::new("a condition is already an expression")
                .at(&node.span.find("{{"), "a template inside it")
                .help("use the variable itself, without `{{ }}`; join text with `~`"))
        }
        _ => Ok(()),
    }
}

fn no_boolean(span: &Span, kind: ValueKind) -> Diagnostic {
    let diagnostic = Diagnostic::new("a condition must come out as true or false")
        .at(span, format!("comes out as {}", filters::article(kind)));
    match kind {
        ValueKind::String => {
            diagnostic.help("write `... | bool` for words like `yes`, `... | length > 0` for any text")
        }
        ValueKind::Number => diagnostic.help("compare it: `... > 0`"),
        ValueKind::None => diagnostic.help("write `... is not none`"),
        _ => diagnostic.help("write `... | length > 0`"),
    }
}

fn no_condition(node: &Node) -> Diagnostic {
    Diagnostic::new("a condition must be an expression, a boolean or a list of them")
        .at(&node.span, format!("is {}", node.kind()))
}

/// Ansible reads settings from the first line of a template; we do not.
fn header(source: &Arc<Source>) -> Option<Diagnostic> {
    let line = source.text.lines().next().filter(|line| line.starts_with("#jinja2:"))?;
    Some(
        Diagnostic::new("a `#jinja2:` header in a template is not supported yet")
            .at(&Span::new(source, 0..line.len()), "")
            .help("remove it, and use `{%-` and `-%}` where white space matters"),
    )
}

#[cfg(test)]
mod suite;
