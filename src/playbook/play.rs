//! A play: which hosts, and what is done on them in which order.

use std::sync::Arc;

use super::directives::Directives;
use super::keywords::Place;
use super::library::Dir;
use super::loader::{Loader, Scope};
use super::role::{Done, Role, RoleInfo};
use super::setting::{Setting, has_template, is_template};
use super::task::{Entry, Task, flatten};
use crate::diagnostic::{Diagnostic, Span};
use crate::yaml::{Key, Mapping, Node, Yaml};

/// A play with everything it imports.
#[derive(Debug)]
pub struct Play {
    pub name: Option<Node>,
    /// Host patterns; may be templates.
    pub hosts: Vec<Node>,
    pub vars: Mapping,
    /// Files of variables; may be templates. Literal ones were found and read while loading.
    pub vars_files: Vec<Node>,
    /// Whether to look at the hosts first; `None` means as the configuration says.
    pub gather_facts: Option<Setting<bool>>,
    pub gather_subset: Vec<Node>,
    /// Numbers of hosts or percentages (`30%`) for one batch after the other; may be templates. Empty: all at once.
    pub serial: Vec<Node>,
    pub order: Order,
    pub max_fail_percentage: Option<Setting<f64>>,
    pub force_handlers: Option<Setting<bool>>,
    /// What is handed down; already in every task.
    pub directives: Directives,
    pub pre_tasks: Vec<Entry>,
    /// Dependencies before those that need them.
    pub roles: Vec<Role>,
    pub tasks: Vec<Entry>,
    pub post_tasks: Vec<Entry>,
    /// Those of roles first, in the order they are run.
    pub handlers: Vec<Arc<Task>>,
    /// Every role of this play, imported ones too, in the order they come.
    pub role_infos: Vec<Arc<RoleInfo>>,
    /// The folder of its playbook.
    pub folder: Dir,
    /// Where `hosts` stands.
    pub span: Span,
}

/// In which order the hosts of a play come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    Inventory,
    ReverseInventory,
    Sorted,
    ReverseSorted,
}

impl Play {
    /// Its name, or its hosts.
    pub fn title(&self) -> String {
        if let Some(name) = self.name.as_ref().and_then(Node::as_str) {
            return name.to_owned();
        }
        let hosts: Vec<&str> = self.hosts.iter().filter_map(Node::as_str).collect();
        hosts.join(",")
    }

    /// The lists of tasks in the order they are run; handlers are flushed after each.
    pub fn phases(&self) -> [Vec<&Entry>; 3] {
        let roles = self.roles.iter().flat_map(|role| &role.tasks);
        [
            self.pre_tasks.iter().collect(),
            roles.chain(&self.tasks).collect(),
            self.post_tasks.iter().collect(),
        ]
    }

    /// All tasks but handlers, in the order they are run.
    pub fn tasks_in_order(&self) -> Vec<&Arc<Task>> {
        let mut tasks = flatten(&self.pre_tasks);
        tasks.extend(self.roles.iter().flat_map(|role| flatten(&role.tasks)));
        tasks.extend(flatten(&self.tasks));
        tasks.extend(flatten(&self.post_tasks));
        tasks
    }
}

impl Loader<'_> {
    /// Reads a play that stands in a playbook in `folder`; `outer` comes from `import_playbook`.
    pub(super) fn play(&mut self, map: &Mapping, folder: &Dir, outer: &Directives) -> Option<Play> {
        let mut own = Directives::default();
        let first = map.entries.first().map(|(key, _)| key.span.clone())?;
        let mut play = Play {
            name: None,
            hosts: Vec::new(),
            vars: Mapping::default(),
            vars_files: Vec::new(),
            gather_facts: None,
            gather_subset: Vec::new(),
            serial: Vec::new(),
            order: Order::default(),
            max_fail_percentage: None,
            force_handlers: None,
            directives: Directives::default(),
            pre_tasks: Vec::new(),
            roles: Vec::new(),
            tasks: Vec::new(),
            post_tasks: Vec::new(),
            handlers: Vec::new(),
            role_infos: Vec::new(),
            folder: folder.clone(),
            span: map.key("hosts").map_or(first, |key| key.span.clone()),
        };
        let module = map.entries.iter().find(|(key, _)| {
            key.name == "block"
                || (!Place::Play.knows(&key.name) && super::call::Does::find(&key.name).is_some())
        });
        if let Some((key, _)) = module.filter(|_| map.get("hosts").is_none()) {
            self.complain(
                Diagnostic::new(format!("`{}` is a task, and this is a list of plays", key.name))
                    .at(&key.span, "a task")
                    .help("put tasks under `tasks:` of a play with `hosts:`, or import this file with `import_tasks`"),
            );
            return None;
        }
        let keywords: Vec<&(Key, Node)> = self.keywords(Place::Play, map).collect();
        for (key, value) in &keywords {
            self.play_keyword(&mut play, &mut own, key, value);
        }
        // What `import_playbook` sets wins over the play's own.
        for (key, node) in outer.vars.iter().flat_map(|vars| &vars.entries) {
            play.vars.entries.retain(|(own, _)| own.name != key.name);
            play.vars.entries.push((key.clone(), node.clone()));
        }
        play.directives = own.inside(&Directives { vars: Vec::new(), ..outer.clone() });
        if map.get("hosts").is_none() {
            self.complain(
                Diagnostic::new("a play needs `hosts`")
                    .at(&play.span, "this play names no hosts")
                    .help("`hosts: all` means every host of the inventory"),
            );
        }
        let scope = Scope {
            directives: play.directives.clone(),
            role: None,
            playbook: folder.clone(),
            here: folder.clone(),
            trail: Vec::new(),
            handlers: false,
        };
        self.handlers.clear();
        self.roles.clear();
        // In the order they are run, so that the numbers of tasks ascend.
        let find = |name: &str| keywords.iter().find(|(key, _)| key.name == name);
        if let Some((key, value)) = find("pre_tasks") {
            play.pre_tasks = self.entries(key, value, &scope);
        }
        let mut done = Done::default();
        if let Some((key, value)) = find("roles") {
            for role in self.items(key, value, "roles") {
                self.role_entry(role, &scope, &mut done);
            }
        }
        play.roles = done.roles;
        if let Some((key, value)) = find("tasks") {
            play.tasks = self.entries(key, value, &scope);
        }
        if let Some((key, value)) = find("post_tasks") {
            play.post_tasks = self.entries(key, value, &scope);
        }
        if let Some((key, value)) = find("handlers") {
            let handlers = self.entries(key, value, &Scope { handlers: true, ..scope });
            self.add_handlers(&handlers);
        }
        play.handlers = std::mem::take(&mut self.handlers);
        play.role_infos = std::mem::take(&mut self.roles);
        self.check_notifications(&play);
        Some(play)
    }

    fn play_keyword(&mut self, play: &mut Play, own: &mut Directives, key: &Key, value: &Node) {
        match key.name.as_str() {
            "name" => {
                self.lint(value);
                play.name = Some(value.clone());
            }
            "hosts" => {
                play.hosts = self.strings(key, value);
                if play.hosts.iter().all(|host| host.as_str().is_some_and(|host| host.trim().is_empty())) {
                    self.complain(Diagnostic::new("`hosts` is empty").at(&key.span, "names no hosts"));
                }
            }
            "vars" => play.vars = self.vars(key, value),
            "vars_files" => self.vars_files(play, key, value),
            "gather_facts" => play.gather_facts = self.setting(key, value),
            "gather_subset" => play.gather_subset = self.strings(key, value),
            "serial" => {
                self.lint(value);
                let all: &[Node] = value.as_list().unwrap_or(std::slice::from_ref(value));
                for one in all.iter().filter(|one| !is_batch(one)) {
                    self.complain(
                        Diagnostic::new("`serial` takes a number of hosts or a percentage such as `30%`")
                            .at(&one.span, "neither"),
                    );
                }
                play.serial = all.to_vec();
            }
            "order" => self.order(play, key, value),
            "strategy" => self.only(key, value, &["linear", "ansible.builtin.linear"]),
            "max_fail_percentage" => play.max_fail_percentage = self.setting(key, value),
            "force_handlers" => play.force_handlers = self.setting(key, value),
            "pre_tasks" | "roles" | "tasks" | "post_tasks" | "handlers" => {}
            _ => drop(self.directive(own, key, value)),
        }
    }

    fn order(&mut self, play: &mut Play, key: &Key, value: &Node) {
        play.order = match value.as_str() {
            Some("inventory") => Order::Inventory,
            Some("reverse_inventory") => Order::ReverseInventory,
            Some("sorted") => Order::Sorted,
            Some("reverse_sorted") => Order::ReverseSorted,
            Some("shuffle") => {
                self.only(key, value, &["inventory"]);
                return;
            }
            _ => {
                let words = ["inventory", "reverse_inventory", "sorted", "reverse_sorted"];
                self.complain(
                    Diagnostic::new(format!("`order` is one of {}", words.join(", ")))
                        .at(&value.span, "none of them")
                        .did_you_mean(value.as_str().unwrap_or_default(), words),
                );
                return;
            }
        };
    }

    fn vars_files(&mut self, play: &mut Play, key: &Key, value: &Node) {
        if value.as_list().is_some_and(|items| items.iter().any(|item| item.as_list().is_some())) {
            self.complain(
                Diagnostic::new("a list of alternatives in `vars_files` is not supported yet")
                    .at(&key.span, "names one file each"),
            );
            return;
        }
        play.vars_files = self.strings(key, value);
        for file in play.vars_files.clone() {
            let Some(name) = file.as_str().filter(|name| !has_template(name)) else { continue };
            let places = [play.folder.join("vars").join(name), play.folder.join(name)];
            let Some(at) = self.library.first_file(&places) else {
                self.complain(
                    Diagnostic::new(format!("there is no file of variables `{name}`"))
                        .at(&file.span, "not found")
                        .help(format!("looked for {}", places[0]))
                        .help(format!("looked for {}", places[1])),
                );
                continue;
            };
            let encrypted =
                matches!(self.library.read(&at), Ok(Some(bytes)) if bytes.starts_with(b"$ANSIBLE_VAULT"));
            if encrypted {
                continue;
            }
            if let Some(node) = self.yaml(&at) {
                self.vars(&Key { name: at.to_string(), span: node.span.clone() }, &node);
            }
        }
    }
}

/// Whether a batch can have this size.
fn is_batch(node: &Node) -> bool {
    match &node.value {
        Yaml::Int(number) => *number > 0,
        Yaml::Str(text) => {
            let digits = text.strip_suffix('%').unwrap_or(text);
            is_template(node) || digits.parse::<f64>().is_ok_and(|number| number > 0.0)
        }
        _ => false,
    }
}
