//! Lists and mappings with templates in them, each resolved when somebody looks at it.
//!
//! Using one key of a big mapping must neither pay for nor fail over the others.

use std::fmt;
use std::sync::{Arc, OnceLock, Weak};

use indexmap::IndexMap;
use minijinja::Value as Lively;
use minijinja::value::{Enumerator, Object, ObjectExt, ObjectRepr};

use super::compile;
use super::convert;
use super::error::TemplateError;
use super::scope::{Inner, Resolved};
use crate::value::Value;

/// Deeper than this, a variable is taken to contain itself.
const DEEPEST: usize = 130;

/// A list or mapping of one scope.
struct Branch {
    entries: Entries,
    scope: Weak<Inner>,
    /// Its name for people: `cfg.hosts`.
    label: String,
}

enum Entries {
    List(Vec<Entry>),
    Map(IndexMap<String, Entry>),
}

enum Entry {
    Done(Lively),
    Text(String, OnceLock<Resolved>),
    Branch(Arc<Branch>),
}

/// A branch as it was reached; the depth ends endless ones.
struct Lazy {
    branch: Arc<Branch>,
    depth: usize,
}

/// A written value as templates see it: lazy where it holds templates, plain where it does not.
pub(super) fn value(value: &Value, scope: &Arc<Inner>, label: &str) -> Lively {
    match entry(value, scope, label) {
        Entry::Done(value) => value,
        Entry::Text(text, _) => Lively::from(text),
        Entry::Branch(branch) => Lively::from_object(Lazy { branch, depth: 0 }),
    }
}

fn entry(value: &Value, scope: &Arc<Inner>, label: &str) -> Entry {
    let entries = match value {
        Value::String(text) if compile::is_template(text) => {
            return Entry::Text(text.clone(), OnceLock::new());
        }
        Value::Array(items) if holds_template(value) => Entries::List(
            items
                .iter()
                .enumerate()
                .map(|(at, item)| entry(item, scope, &format!("{label}[{at}]")))
                .collect(),
        ),
        Value::Object(map) if holds_template(value) => Entries::Map(
            map.iter()
                .map(|(key, item)| (key.clone(), entry(item, scope, &format!("{label}.{key}"))))
                .collect(),
        ),
        _ => return Entry::Done(convert::plain(value)),
    };
    Entry::Branch(Arc::new(Branch { entries, scope: Arc::downgrade(scope), label: label.to_owned() }))
}

fn holds_template(value: &Value) -> bool {
    match value {
        Value::String(text) => compile::is_template(text),
        Value::Array(items) => items.iter().any(holds_template),
        Value::Object(map) => map.values().any(holds_template),
        _ => false,
    }
}

impl Lazy {
    fn hand_out(&self, entry: &Entry, key: &str) -> Option<Lively> {
        match entry {
            Entry::Done(value) => Some(value.clone()),
            Entry::Branch(branch) => self.deeper(branch),
            Entry::Text(text, known) => {
                let resolved = match known.get() {
                    Some(resolved) => resolved.clone(),
                    None => self.resolve(text, key, known)?,
                };
                if let Resolved::Value(value) = &resolved
                    && let Some(lazy) = value.downcast_object_ref::<Self>()
                {
                    return self.deeper(&lazy.branch);
                }
                resolved.handed_out()
            }
        }
    }

    fn resolve(&self, text: &str, key: &str, known: &OnceLock<Resolved>) -> Option<Resolved> {
        let scope = self.branch.scope.upgrade()?;
        let label = match &self.branch.entries {
            Entries::List(_) => format!("{}[{key}]", self.branch.label),
            Entries::Map(_) => format!("{}.{key}", self.branch.label),
        };
        let owner = Arc::as_ptr(&self.branch).addr();
        let (resolved, lasting) = scope.evaluated(text, owner, key, &label);
        if lasting {
            // Two threads come to the same value.
            let _ = known.set(resolved.clone());
        }
        Some(resolved)
    }

    fn deeper(&self, branch: &Arc<Branch>) -> Option<Lively> {
        if self.depth < DEEPEST {
            return Some(Lively::from_object(Self { branch: Arc::clone(branch), depth: self.depth + 1 }));
        }
        let error = TemplateError::new(format!("`{}` contains itself", branch.label));
        Resolved::Failed(Arc::new(error)).handed_out()
    }
}

impl Object for Lazy {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        match &self.branch.entries {
            Entries::List(_) => ObjectRepr::Seq,
            Entries::Map(_) => ObjectRepr::Map,
        }
    }

    fn get_value(self: &Arc<Self>, key: &Lively) -> Option<Lively> {
        match &self.branch.entries {
            Entries::List(items) => {
                let at = key.as_usize()?;
                self.hand_out(items.get(at)?, &at.to_string())
            }
            Entries::Map(_) => self.get_value_by_str(key.as_str()?),
        }
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Lively> {
        match &self.branch.entries {
            Entries::List(_) => None,
            Entries::Map(map) => self.hand_out(map.get(key)?, key),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        match &self.branch.entries {
            Entries::List(items) => Enumerator::Seq(items.len()),
            Entries::Map(_) => self.mapped_enumerator(|this| match &this.branch.entries {
                Entries::List(_) => Box::new(std::iter::empty()),
                Entries::Map(map) => Box::new(map.keys().map(|key| Lively::from(key.as_str()))),
            }),
        }
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(match &self.branch.entries {
            Entries::List(items) => items.len(),
            Entries::Map(map) => map.len(),
        })
    }
}

/// Shows no variables: they are secrets.
impl fmt::Debug for Lazy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.branch.label)
    }
}
