//! The variables of one host at one task, resolved when they are used and remembered.
//!
//! Who defines a variable and who wins is not decided here: that is the engine's [`Variables`].

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use minijinja::Value as Lively;
use minijinja::value::{Enumerator, Object};

use super::compile;
use super::convert;
use super::environment::{self, Core};
use super::error::TemplateError;
use super::frame;
use super::lazy;
use crate::value::{Map, Value};

/// What a variable is before it is used.
#[derive(Debug, Clone)]
pub enum Raw<'a> {
    /// As a person wrote it: strings in it, however deep, may be templates. Resolved when used.
    Template(&'a Value),
    /// Facts and results: never templated, whatever they contain.
    Plain(&'a Value),
    /// Something already made for templates: [`plain`](super::plain) facts, `hostvars`, a lazily computed object.
    Object(Lively),
}

/// Where variables come from. Asked once per variable and scope; should be cheap.
pub trait Variables: Send + Sync + fmt::Debug {
    fn get(&self, name: &str) -> Option<Raw<'_>>;
    /// All names, for "did you mean" and for iterating over `hostvars[host]`.
    fn names(&self) -> Vec<String>;
}

/// Variables resolved for one host and one task. Cheap to clone; clones share what was resolved.
#[derive(Debug, Clone)]
pub struct Scope {
    pub(super) inner: Arc<Inner>,
}

/// A map that lies over the variables below it.
#[derive(Debug)]
enum Layer {
    Templates(Map<String, Value>),
    Plain(Map<String, Value>),
}

pub(super) struct Inner {
    variables: Arc<dyn Variables>,
    /// Innermost last.
    layers: Vec<Arc<Layer>>,
    roots: Arc<[PathBuf]>,
    resolved: Mutex<HashMap<String, Resolved>>,
    /// Values that cannot depend on a layer are shared with the scopes made from this one.
    shared: Arc<Mutex<HashMap<String, Lively>>>,
}

/// What came of a variable.
#[derive(Debug, Clone)]
pub(super) enum Resolved {
    Value(Lively),
    /// Its template uses something undefined, so it is undefined itself.
    Undefined(Arc<TemplateError>),
    Failed(Arc<TemplateError>),
    Absent,
}

impl Scope {
    pub fn new(variables: Arc<dyn Variables>) -> Self {
        Self {
            inner: Arc::new(Inner {
                variables,
                layers: Vec::new(),
                roots: Arc::from([]),
                resolved: Mutex::default(),
                shared: Arc::default(),
            }),
        }
    }

    /// This scope with variables on top that may be templates: the `vars` of a task.
    #[must_use]
    pub fn with(&self, templates: Map<String, Value>) -> Self {
        self.over(Layer::Templates(templates))
    }

    /// This scope with values on top that are never templated: `item` and the other loop variables.
    #[must_use]
    pub fn with_plain(&self, values: Map<String, Value>) -> Self {
        self.over(Layer::Plain(values))
    }

    /// This scope, with the folders included templates and looked-up files are searched in.
    #[must_use]
    pub fn searching(&self, roots: Vec<PathBuf>) -> Self {
        Self { inner: Arc::new(Inner { roots: roots.into(), ..self.inner.derived() }) }
    }

    /// All variables as one mapping for another scope's templates, resolved when used: `hostvars['web1']`.
    pub fn as_object(&self) -> Lively {
        Lively::from_dyn_object(Arc::clone(&self.inner))
    }

    fn over(&self, layer: Layer) -> Self {
        let mut inner = self.inner.derived();
        inner.layers.push(Arc::new(layer));
        Self { inner: Arc::new(inner) }
    }
}

impl Inner {
    /// The same variables with nothing resolved yet.
    fn derived(&self) -> Self {
        Self {
            variables: Arc::clone(&self.variables),
            layers: self.layers.clone(),
            roots: Arc::clone(&self.roots),
            resolved: Mutex::default(),
            shared: Arc::clone(&self.shared),
        }
    }

    pub(super) fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    pub(super) fn names(&self) -> Vec<String> {
        let mut names = self.variables.names();
        for layer in &self.layers {
            let (Layer::Templates(map) | Layer::Plain(map)) = &**layer;
            names.extend(map.keys().cloned());
        }
        names.push("omit".to_owned());
        names
    }

    /// The value of a variable, resolved now if it was not before.
    pub(super) fn resolve(self: &Arc<Self>, name: &str) -> Resolved {
        if let Some(known) = held(&self.resolved).get(name) {
            return known.clone();
        }
        let (resolved, lasting) = self.fresh(name);
        if lasting {
            held(&self.resolved).insert(name.to_owned(), resolved.clone());
        }
        resolved
    }

    /// The value, and whether it stays what it is (a variable that refers to itself depends on who asks first).
    fn fresh(self: &Arc<Self>, name: &str) -> (Resolved, bool) {
        for layer in self.layers.iter().rev() {
            match &**layer {
                Layer::Templates(map) => {
                    if let Some(value) = map.get(name) {
                        return self.template(name, value);
                    }
                }
                Layer::Plain(map) => {
                    if let Some(value) = map.get(name) {
                        return (Resolved::Value(convert::plain(value)), true);
                    }
                }
            }
        }
        match self.variables.get(name) {
            Some(Raw::Template(value)) => self.template(name, value),
            Some(Raw::Object(object)) => (Resolved::Value(object), true),
            Some(Raw::Plain(value)) => {
                let known = held(&self.shared).get(name).cloned();
                let value = known.unwrap_or_else(|| {
                    let value = convert::plain(value);
                    held(&self.shared).insert(name.to_owned(), value.clone());
                    value
                });
                (Resolved::Value(value), true)
            }
            None if name == "omit" => (Resolved::Value(convert::omit()), true),
            None => (Resolved::Absent, true),
        }
    }

    fn template(self: &Arc<Self>, name: &str, value: &Value) -> (Resolved, bool) {
        match value {
            Value::String(text) if compile::is_template(text) => {
                self.evaluated(text, self.address(), name, name)
            }
            _ => (Resolved::Value(lazy::value(value, self, name)), true),
        }
    }

    /// A template of this scope that belongs to a variable.
    pub(super) fn evaluated(
        self: &Arc<Self>,
        text: &str,
        owner: usize,
        key: &str,
        label: &str,
    ) -> (Resolved, bool) {
        let Some(core) = frame::current(|frame| Arc::clone(&frame.core)) else {
            return (Resolved::Absent, false);
        };
        let variable = frame::Variable { owner, key: key.to_owned(), label: label.to_owned() };
        match Core::text(&core, text, self, Some(variable)) {
            Ok(value) => (Resolved::Value(value), true),
            Err(error) => {
                let lasting = !error.message.contains(" refers to itself");
                let error = error.through(label);
                if error.undefined {
                    (Resolved::Undefined(Arc::new(error)), lasting)
                } else {
                    (Resolved::Failed(Arc::new(error)), lasting)
                }
            }
        }
    }

    fn address(self: &Arc<Self>) -> usize {
        Arc::as_ptr(self).addr()
    }
}

impl Resolved {
    /// What a template sees of it; failures are left for the evaluation to find.
    pub(super) fn handed_out(self) -> Option<Lively> {
        match self {
            Self::Value(value) => Some(value),
            Self::Undefined(error) => {
                frame::current(|frame| frame.because.push((*error).clone()));
                Some(Lively::UNDEFINED)
            }
            Self::Failed(error) => {
                frame::fail((*error).clone());
                Some(Lively::from(environment::carrying(&error)))
            }
            Self::Absent => None,
        }
    }
}

impl Object for Inner {
    fn get_value(self: &Arc<Self>, key: &Lively) -> Option<Lively> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Lively> {
        self.resolve(key).handed_out()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let mut names = self.variables.names();
        names.sort();
        names.dedup();
        Enumerator::Values(names.into_iter().map(Lively::from).collect())
    }
}

/// Shows no variables: they are secrets.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("variables")
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
