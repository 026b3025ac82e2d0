//! A task, a block of tasks, and how they are read.

use std::sync::Arc;

use super::call::ModuleCall;
use super::directives::Directives;
use super::keywords::Place;
use super::library::Dir;
use super::loader::{Loader, Scope};
use super::role::RoleInfo;
use super::setting::Setting;
use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::{Key, Mapping, Node};

/// What a list of tasks holds.
#[derive(Debug, Clone)]
pub enum Entry {
    Task(Arc<Task>),
    Block(Arc<Block>),
}

/// Tasks that are rescued together. Its directives are already in its tasks.
#[derive(Debug)]
pub struct Block {
    pub name: Option<Node>,
    pub tasks: Vec<Entry>,
    pub rescue: Vec<Entry>,
    pub always: Vec<Entry>,
    pub span: Span,
}

/// One thing to be done on every host, with all that its play, role and blocks say merged in.
#[derive(Debug)]
pub struct Task {
    /// Ascending in the order the playbook runs; handlers come after the tasks of their play or role.
    pub id: usize,
    pub name: Option<Node>,
    pub call: ModuleCall,
    pub directives: Directives,
    pub looping: Option<Loop>,
    pub register: Option<String>,
    /// Topics a handler listens to.
    pub listen: Vec<String>,
    pub changed_when: Vec<Node>,
    pub failed_when: Vec<Node>,
    pub retry: Option<Retry>,
    /// Consent tokens for destructive changes of this task alone; may be templates.
    pub consent: Vec<Node>,
    pub role: Option<Arc<RoleInfo>>,
    /// The whole task.
    pub span: Span,
    /// The folder of the file it stands in.
    pub folder: Dir,
    /// The folder of its playbook.
    pub playbook: Dir,
}

/// Doing a task again until it is as wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Retry {
    /// All must hold; empty means until it does not fail.
    pub until: Vec<Node>,
    pub retries: Setting<u64>,
    /// Seconds.
    pub delay: Setting<f64>,
}

/// Doing a task for each of some items.
#[derive(Debug, Clone, PartialEq)]
pub struct Loop {
    pub over: Over,
    /// A list, a mapping (`with_dict`) or a template that gives one.
    pub items: Node,
    /// `item`, unless `loop_control` says otherwise.
    pub variable: String,
    pub index_variable: Option<String>,
    /// What to show in place of the item.
    pub label: Option<Node>,
    /// Seconds between two items.
    pub pause: Option<Setting<f64>>,
}

/// How items become what is looped over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// `loop`: as they are.
    List,
    /// `with_items`: lists in the list are flattened by one level; a single value is a list of one.
    Items,
    /// `with_dict`: each entry as `key` and `value`.
    Dict,
}

impl Task {
    /// Its name as written, or its module's; with its role's in front.
    pub fn title(&self) -> String {
        let own = self.own_title();
        match &self.role {
            Some(role) => format!("{} : {own}", role.name),
            None => own,
        }
    }

    /// Its name as written, or its module's.
    pub fn own_title(&self) -> String {
        self.name.as_ref().and_then(Node::as_str).unwrap_or(&self.call.written).to_owned()
    }

    /// Whether `--start-at-task PATTERN` means this task: its title, with or without the role, `*` standing for anything.
    pub fn is_called(&self, pattern: &str) -> bool {
        let (full, own) = (self.title(), self.own_title());
        full == pattern || own == pattern || matches(pattern, &full) || matches(pattern, &own)
    }

    /// Where a file named in this task may be: in `kind` (`files`, `templates`, `vars`) of its role and of those that
    /// use it, beside the task's own file, then in the playbook's folder. Source: ansible-core 2.19,
    /// `path_dwim_relative_stack`.
    pub fn places(&self, kind: &str, name: &str) -> Vec<Dir> {
        if name.starts_with('/') {
            return vec![self.playbook.join(name)];
        }
        let mut folders: Vec<Dir> = Vec::new();
        if let Some(role) = &self.role {
            let users = role.parents.iter().rev();
            folders.extend(std::iter::once(role).chain(users).map(|role| role.dir.clone()));
        }
        folders.push(self.folder.clone());
        folders.push(self.playbook.clone());
        let mut places = Vec::new();
        for place in folders.iter().flat_map(|folder| [folder.join(kind).join(name), folder.join(name)]) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }
}

/// Whether text fits a pattern in which `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            (0..=tail.len()).filter(|at| tail.is_char_boundary(*at)).any(|at| matches(rest, &tail[at..]))
        }),
    }
}

/// All tasks of these entries in order, those of blocks too.
pub fn flatten(entries: &[Entry]) -> Vec<&Arc<Task>> {
    let mut tasks = Vec::new();
    for entry in entries {
        match entry {
            Entry::Task(task) => tasks.push(task),
            Entry::Block(block) => {
                for part in [&block.tasks, &block.rescue, &block.always] {
                    tasks.extend(flatten(part));
                }
            }
        }
    }
    tasks
}

impl Loader<'_> {
    /// Reads a list of tasks.
    pub(super) fn entries(&mut self, key: &Key, node: &Node, scope: &Scope) -> Vec<Entry> {
        let mut entries = Vec::new();
        for item in self.items(key, node, "tasks") {
            let Some(map) = item.as_map() else {
                self.complain(
                    Diagnostic::new(format!("a task is a mapping, not {}", item.kind()))
                        .at(&item.span, format!("this is {}", item.kind())),
                );
                continue;
            };
            if ["block", "rescue", "always"].iter().any(|part| map.get(part).is_some()) {
                entries.extend(self.block(item, map, scope));
            } else if let Some(imported) = self.import(map, scope) {
                entries.extend(imported);
            } else {
                entries.extend(self.task(item, map, scope).map(|task| Entry::Task(Arc::new(task))));
            }
        }
        entries
    }

    fn block(&mut self, node: &Node, map: &Mapping, scope: &Scope) -> Option<Entry> {
        let mut own = Directives::default();
        let mut name = None;
        let keywords: Vec<&(Key, Node)> = self.keywords(Place::Block, map).collect();
        for (key, value) in &keywords {
            match key.name.as_str() {
                "name" => name = Some(value.clone()),
                "block" | "rescue" | "always" => {}
                _ => drop(self.directive(&mut own, key, value)),
            }
        }
        if scope.handlers {
            self.complain(
                Diagnostic::new("a block of handlers is not supported yet")
                    .at(&map.entries.first()?.0.span, "give each handler of its own"),
            );
            return None;
        }
        let inner = scope.with(own);
        let mut part = |name: &str| match keywords.iter().find(|(key, _)| key.name == name) {
            Some((key, value)) => self.entries(key, value, &inner),
            None => Vec::new(),
        };
        let (tasks, rescue, always) = (part("block"), part("rescue"), part("always"));
        if map.get("block").is_none() {
            let key = map.key("rescue").or_else(|| map.key("always"))?;
            self.complain(
                Diagnostic::new(format!("`{}` without a `block`", key.name))
                    .at(&key.span, "belongs to a `block:` beside it"),
            );
        }
        Some(Entry::Block(Arc::new(Block { name, tasks, rescue, always, span: node.span.clone() })))
    }

    fn task(&mut self, node: &Node, map: &Mapping, scope: &Scope) -> Option<Task> {
        let place = if scope.handlers { Place::Handler } else { Place::Task };
        let mut own = Directives::default();
        let mut task = Parts::default();
        for (key, value) in map.entries.iter().filter(|(key, _)| place.knows(&key.name)) {
            if !place.supports(&key.name) {
                self.complain(place.complain(key));
            } else if !self.directive(&mut own, key, value) {
                self.task_keyword(&mut task, key, value);
            }
        }
        if let Some(control) = map.entries.iter().find(|(key, _)| key.name == "loop_control") {
            self.loop_control(&mut task, &control.0, &control.1);
        }
        if let Some((key, _)) = map.entries.iter().find(|(key, _)| key.name == "local_action") {
            let local =
                Node { value: crate::yaml::Yaml::Str("localhost".into()), span: key.span.clone(), tag: None };
            own.delegate_to = Setting::of(&local);
        }
        let call = self.call(map, place);
        let task = Task {
            id: self.id(),
            name: task.name,
            call: call?,
            directives: own.inside(&scope.directives),
            looping: task.looping,
            register: task.register,
            listen: task.listen,
            changed_when: task.changed_when,
            failed_when: task.failed_when,
            retry: retry(task.until, task.retries, task.delay),
            consent: task.consent,
            role: scope.role.clone(),
            span: node.span.clone(),
            folder: scope.here.clone(),
            playbook: scope.playbook.clone(),
        };
        self.check_files(&task);
        Some(task)
    }

    fn task_keyword(&mut self, task: &mut Parts, key: &Key, value: &Node) {
        match key.name.as_str() {
            "name" => {
                self.lint(value);
                task.name = Some(value.clone());
            }
            "loop" => self.looping(task, Over::List, key, value),
            "with_items" => self.looping(task, Over::Items, key, value),
            "with_dict" => self.looping(task, Over::Dict, key, value),
            "register" => task.register = self.variable(key, value),
            "listen" => task.listen = self.known_strings(key, value, None),
            "changed_when" => task.changed_when = self.conditions(key, value),
            "failed_when" => task.failed_when = self.conditions(key, value),
            "until" => task.until = Some(self.conditions(key, value)),
            "retries" => task.retries = self.setting(key, value),
            "delay" => task.delay = self.setting(key, value),
            "consent" => task.consent = self.strings(key, value),
            // `args`, `action` and `local_action` are part of the call, `loop_control` of the loop.
            _ => {}
        }
    }

    fn looping(&mut self, task: &mut Parts, over: Over, key: &Key, value: &Node) {
        self.lint(value);
        let template = value.as_str().is_some_and(super::setting::has_template);
        let fits = template
            || match over {
                Over::List => value.as_list().is_some(),
                Over::Items => value.as_map().is_none() && !value.is_null(),
                Over::Dict => value.as_map().is_some(),
            };
        if !fits {
            let wanted = if over == Over::Dict { "a mapping" } else { "a list" };
            self.wrong(key, value, wanted);
            return;
        }
        if task.looping.is_some() {
            self.complain(Diagnostic::new("a task loops once").at(&key.span, "a second loop"));
            return;
        }
        task.looping = Some(Loop {
            over,
            items: value.clone(),
            variable: "item".to_owned(),
            index_variable: None,
            label: None,
            pause: None,
        });
    }

    fn loop_control(&mut self, task: &mut Parts, key: &Key, value: &Node) {
        let Some(map) = value.as_map() else {
            self.wrong(key, value, "a mapping");
            return;
        };
        let keywords: Vec<&(Key, Node)> = self.keywords(Place::LoopControl, map).collect();
        let Some(mut looping) = task.looping.take() else { return };
        for (key, value) in keywords {
            match key.name.as_str() {
                "loop_var" => {
                    if let Some(name) = self.variable(key, value) {
                        looping.variable = name;
                    }
                }
                "index_var" => looping.index_variable = self.variable(key, value),
                "label" => {
                    self.lint(value);
                    looping.label = Some(value.clone());
                }
                "pause" => looping.pause = self.setting(key, value),
                _ => {}
            }
        }
        task.looping = Some(looping);
    }
}

/// What a task says beside its module and its directives.
#[derive(Default)]
struct Parts {
    name: Option<Node>,
    looping: Option<Loop>,
    register: Option<String>,
    listen: Vec<String>,
    changed_when: Vec<Node>,
    failed_when: Vec<Node>,
    until: Option<Vec<Node>>,
    retries: Option<Setting<u64>>,
    delay: Option<Setting<f64>>,
    consent: Vec<Node>,
}

/// Source: ansible-core 2.19, where `retries` alone means until it succeeds, and the defaults are 3 times and 5 seconds.
fn retry(
    until: Option<Vec<Node>>,
    retries: Option<Setting<u64>>,
    delay: Option<Setting<f64>>,
) -> Option<Retry> {
    if until.is_none() && retries.is_none() {
        return None;
    }
    Some(Retry {
        until: until.unwrap_or_default(),
        retries: retries.unwrap_or(Setting::Known(3)),
        delay: delay.unwrap_or(Setting::Known(5.0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_at_task_takes_patterns() {
        assert!(matches("mount *", "mount the disks"));
        assert!(matches("*disk*", "mount the disks"));
        assert!(!matches("mount", "mount the disks"));
    }
}
