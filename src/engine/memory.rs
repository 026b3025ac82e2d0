//! What a host has taught us during a run: facts, registered results, values it was given by `set_fact`.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;

use crate::template;
use crate::value::{Map, Value};

/// A snapshot: cheap to take, and unaffected by what is learnt later.
#[derive(Debug, Clone, Default)]
pub(super) struct Memory {
    /// Facts under their own names, without the `ansible_` prefix.
    pub(super) facts: Arc<Map<String, Value>>,
    /// The same, made for templates once.
    pub(super) facts_object: Option<minijinja::Value>,
    /// Registered results and set facts.
    pub(super) kept: Arc<IndexMap<String, Arc<Value>>>,
    /// Variables of `include_vars`: as written, so they may be templates.
    pub(super) included: Arc<Map<String, Value>>,
    /// Names whose results a dry run cannot know.
    withheld: Arc<BTreeSet<String>>,
}

/// The memory of one host.
#[derive(Debug, Default)]
pub(super) struct Learnt(Mutex<Memory>);

impl Learnt {
    pub(super) fn snapshot(&self) -> Memory {
        self.lock().clone()
    }

    /// Adds facts to those that are known.
    pub(super) fn facts(&self, facts: &Map<String, Value>) {
        let mut memory = self.lock();
        let known = Arc::make_mut(&mut memory.facts);
        for (name, value) in facts {
            known.insert(name.strip_prefix("ansible_").unwrap_or(name).to_owned(), value.clone());
        }
        memory.facts_object = Some(template::plain(&Value::Object(known.clone())));
    }

    /// Keeps a registered result or a set fact.
    pub(super) fn keep(&self, name: &str, value: Value) {
        let mut memory = self.lock();
        Arc::make_mut(&mut memory.kept).insert(name.to_owned(), Arc::new(value));
        if memory.withheld.contains(name) {
            Arc::make_mut(&mut memory.withheld).remove(name);
        }
    }

    /// Remembers that a dry run cannot know this.
    pub(super) fn withhold(&self, name: &str) {
        Arc::make_mut(&mut self.lock().withheld).insert(name.to_owned());
    }

    /// Keeps a variable of `include_vars`.
    pub(super) fn include(&self, name: &str, value: Value) {
        Arc::make_mut(&mut self.lock().included).insert(name.to_owned(), value);
    }

    /// Keeps a task's result; one that was `withheld` by a dry run is remembered as such.
    pub(super) fn register(&self, name: &str, value: Value, withheld: bool) {
        self.keep(name, value);
        if withheld {
            self.withhold(name);
        }
    }

    /// The withheld result a complaint such as "`disks.rc` is undefined" is about.
    pub(super) fn withheld_in(&self, complaint: &str) -> Option<String> {
        let root = complaint.split('`').nth(1)?.split(['.', '[']).next()?;
        self.lock().withheld.get(root).cloned()
    }

    /// Forgets all facts (`meta: clear_facts`).
    pub(super) fn clear_facts(&self) {
        let mut memory = self.lock();
        memory.facts = Arc::default();
        memory.facts_object = None;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Memory> {
        // A panic elsewhere leaves plain data behind, which is still good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
