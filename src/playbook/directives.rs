//! What a play, role, block or task says about how its tasks are run, handed down from the outer to the inner.

use std::sync::Arc;

use super::loader::Loader;
use super::setting::{Setting, is_template};
use crate::yaml::{Key, Mapping, Node, Yaml};

/// The directives of one thing; in a [`Task`](super::Task) all outer ones are already merged in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Directives {
    pub r#become: Option<Setting<bool>>,
    pub become_user: Option<Setting<String>>,
    pub become_flags: Option<Setting<String>>,
    pub check_mode: Option<Setting<bool>>,
    pub ignore_errors: Option<Setting<bool>>,
    pub ignore_unreachable: Option<Setting<bool>>,
    pub any_errors_fatal: Option<Setting<bool>>,
    pub no_log: Option<Setting<bool>>,
    pub run_once: Option<Setting<bool>>,
    pub delegate_to: Option<Setting<String>>,
    /// Only plays have these three.
    pub remote_user: Option<Setting<String>>,
    pub connection: Option<Setting<String>>,
    pub port: Option<Setting<u64>>,
    /// All must hold; outermost first.
    pub when: Vec<Node>,
    /// Mappings or templates that give one, outermost first; later ones win.
    pub environment: Vec<Node>,
    /// Variables of blocks, imports and tasks (not of plays and roles), outermost first; later ones win.
    pub vars: Vec<Arc<Mapping>>,
    /// Handlers to notify.
    pub notify: Vec<Node>,
    /// Outer and own tags, each once.
    pub tags: Vec<String>,
}

impl Directives {
    /// These directives, with those of the thing around it where it says nothing itself.
    #[must_use]
    pub fn inside(self, outer: &Self) -> Self {
        let mut tags = outer.tags.clone();
        for tag in self.tags {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        Self {
            r#become: self.r#become.or_else(|| outer.r#become.clone()),
            become_user: self.become_user.or_else(|| outer.become_user.clone()),
            become_flags: self.become_flags.or_else(|| outer.become_flags.clone()),
            check_mode: self.check_mode.or_else(|| outer.check_mode.clone()),
            ignore_errors: self.ignore_errors.or_else(|| outer.ignore_errors.clone()),
            ignore_unreachable: self.ignore_unreachable.or_else(|| outer.ignore_unreachable.clone()),
            any_errors_fatal: self.any_errors_fatal.or_else(|| outer.any_errors_fatal.clone()),
            no_log: self.no_log.or_else(|| outer.no_log.clone()),
            run_once: self.run_once.or_else(|| outer.run_once.clone()),
            delegate_to: self.delegate_to.or_else(|| outer.delegate_to.clone()),
            remote_user: self.remote_user.or_else(|| outer.remote_user.clone()),
            connection: self.connection.or_else(|| outer.connection.clone()),
            port: self.port.or_else(|| outer.port.clone()),
            when: chain(&outer.when, self.when),
            environment: chain(&outer.environment, self.environment),
            vars: chain(&outer.vars, self.vars),
            notify: chain(&outer.notify, self.notify),
            tags,
        }
    }
}

fn chain<T: Clone>(outer: &[T], inner: Vec<T>) -> Vec<T> {
    outer.iter().cloned().chain(inner).collect()
}

impl Loader<'_> {
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
}
