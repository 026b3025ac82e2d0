//! Every keyword Ansible knows, and which of them work here. A keyword that is not supported is never ignored: it gets a
//! complaint of its own, different from that about a misspelt one.
//!
//! Source: ansible-core 2.19, dumped from its `FieldAttribute`s.

use crate::diagnostic::Diagnostic;
use crate::yaml::Key;

/// Where a keyword stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Play,
    /// An entry of `roles:` or of a role's `dependencies:`.
    Role,
    Block,
    Task,
    Handler,
    LoopControl,
    ImportPlaybook,
    /// `import_tasks`, `import_role`, `include_tasks` and `include_role`.
    Import,
}

/// Keywords that are handed down from a play to its tasks, and work here.
#[rustfmt::skip]
const INHERITED: &[&str] = &[
    "any_errors_fatal", "become", "become_flags", "become_method", "become_user", "check_mode",
    "environment", "ignore_errors", "ignore_unreachable", "name", "no_log", "tags", "vars",
];

/// Keywords that Ansible has everywhere.
#[rustfmt::skip]
const COMMON: &[&str] = &[
    "any_errors_fatal", "become", "become_exe", "become_flags", "become_method", "become_user",
    "check_mode", "collections", "connection", "debugger", "diff", "environment", "ignore_errors",
    "ignore_unreachable", "module_defaults", "name", "no_log", "port", "remote_user", "run_once", "tags",
    "throttle", "timeout", "vars",
];

impl Place {
    fn noun(self) -> &'static str {
        match self {
            Self::Play => "a play",
            Self::Role => "a role",
            Self::Block => "a block",
            Self::Task => "a task",
            Self::Handler => "a handler",
            Self::LoopControl => "`loop_control`",
            Self::ImportPlaybook => "`import_playbook`",
            Self::Import => "an import",
        }
    }

    /// Keywords that work in this place, beside [`INHERITED`] where it takes those.
    #[rustfmt::skip]
    fn own(self) -> &'static [&'static str] {
        match self {
            Self::Play => &[
                "connection", "force_handlers", "gather_facts", "gather_subset", "handlers", "hosts",
                "max_fail_percentage", "order", "port", "post_tasks", "pre_tasks", "remote_user", "roles",
                "serial", "strategy", "tasks", "vars_files",
            ],
            Self::Role => &["delegate_to", "role", "run_once", "when"],
            Self::Block => &["always", "block", "delegate_to", "notify", "rescue", "run_once", "when"],
            Self::Task => &[
                "action", "args", "changed_when", "consent", "delay", "delegate_to", "failed_when",
                "local_action", "loop", "loop_control", "notify", "register", "retries", "run_once",
                "until", "when", "with_dict", "with_items",
            ],
            Self::Handler => &[
                "action", "args", "changed_when", "consent", "delay", "delegate_to", "failed_when",
                "listen", "local_action", "loop", "loop_control", "notify", "register", "retries",
                "run_once", "until", "when", "with_dict", "with_items",
            ],
            Self::LoopControl => &["index_var", "label", "loop_var", "pause"],
            Self::ImportPlaybook => {
                &["import_playbook", "ansible.builtin.import_playbook", "name", "tags", "vars", "when"]
            }
            Self::Import => &["apply", "args", "delegate_to", "run_once", "when"],
        }
    }

    fn inherits(self) -> bool {
        !matches!(self, Self::LoopControl | Self::ImportPlaybook)
    }

    /// Keywords that only Ansible has in this place.
    #[rustfmt::skip]
    fn ansibles(self) -> &'static [&'static str] {
        match self {
            Self::Play => &["fact_path", "gather_timeout", "vars_prompt"],
            Self::Role | Self::Block => &["delegate_facts"],
            Self::Task | Self::Handler => &[
                "async", "delegate_facts", "poll", "with_cartesian", "with_community.general.flattened",
                "with_fileglob", "with_file", "with_first_found", "with_flattened", "with_indexed_items",
                "with_ini", "with_inventory_hostnames", "with_lines", "with_list", "with_nested",
                "with_password", "with_random_choice", "with_sequence", "with_subelements",
                "with_template", "with_together", "with_url",
            ],
            Self::LoopControl => &["break_when", "extended", "extended_allitems"],
            Self::ImportPlaybook => &[],
            Self::Import => &[
                "action", "async", "changed_when", "delay", "delegate_facts", "failed_when", "listen",
                "local_action", "loop", "loop_control", "notify", "poll", "register", "retries", "until",
                "with_dict", "with_items",
            ],
        }
    }

    pub(super) fn supports(self, keyword: &str) -> bool {
        self.own().contains(&keyword) || (self.inherits() && INHERITED.contains(&keyword))
    }

    /// Whether Ansible has this keyword here.
    pub(super) fn knows(self, keyword: &str) -> bool {
        self.supports(keyword) || COMMON.contains(&keyword) || self.ansibles().contains(&keyword)
    }

    /// All keywords that work here.
    pub(super) fn all(self) -> impl Iterator<Item = &'static str> {
        let inherited: &[&str] = if self.inherits() { INHERITED } else { &[] };
        self.own().iter().chain(inherited).copied()
    }

    /// What is wrong with a keyword that does not work here.
    pub(super) fn complain(self, key: &Key) -> Diagnostic {
        let name = &key.name;
        if self.knows(name) {
            let complaint = Diagnostic::new(format!("`{name}` is not supported yet in {}", self.noun()))
                .at(&key.span, "Ansible has it, holdfast does not");
            return match instead(name) {
                Some(help) => complaint.help(help),
                None => complaint,
            };
        }
        let complaint = Diagnostic::new(format!("unknown keyword `{name}` in {}", self.noun()))
            .at(&key.span, "no such keyword")
            .did_you_mean(name, self.all());
        match misplaced(self, name) {
            Some(help) if complaint.help.is_empty() => complaint.help(help),
            _ => complaint,
        }
    }
}

/// What works in place of a keyword that does not.
fn instead(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "with_list" => "write `loop:`",
        "with_together" | "with_nested" | "with_cartesian" | "with_subelements" | "with_flattened"
        | "with_sequence" | "with_indexed_items" => {
            "write `loop:` with a filter such as `zip`, `product`, `subelements` or `flatten`"
        }
        "async" | "poll" => "tasks run to their end; a long one only holds up its own host",
        "collections" => "modules are found by their short names; remove it",
        _ => return None,
    })
}

/// Where a keyword belongs that was written in the wrong place.
fn misplaced(place: Place, keyword: &str) -> Option<&'static str> {
    match (place, keyword) {
        (_, "sudo") => Some("write `become: true`"),
        (_, "sudo_user") => Some("write `become_user:`"),
        (Place::Play | Place::Task | Place::Block, "listen") => Some("it belongs on a handler"),
        (Place::Play, _) if Place::Block.supports(keyword) => Some("it belongs on a block or a task"),
        (Place::Play | Place::Block | Place::Role, _) if Place::Task.supports(keyword) => {
            Some("it belongs on a task")
        }
        (Place::Block | Place::Task | Place::Handler | Place::Import, _) if Place::Play.supports(keyword) => {
            Some("it belongs on a play")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Source, Span};

    fn title(place: Place, keyword: &str) -> String {
        let key = Key { name: keyword.to_owned(), span: Span::whole(&Source::new("a", "")) };
        place.complain(&key).title
    }

    #[test]
    fn tells_unsupported_from_unknown() {
        assert_eq!(title(Place::Play, "vars_prompt"), "`vars_prompt` is not supported yet in a play");
        assert_eq!(title(Place::Task, "throttle"), "`throttle` is not supported yet in a task");
        assert_eq!(title(Place::Play, "taks"), "unknown keyword `taks` in a play");
        assert_eq!(title(Place::Play, "when"), "unknown keyword `when` in a play");
    }

    #[test]
    fn whatever_works_is_known_to_ansible_or_ours() {
        for place in [Place::Play, Place::Role, Place::Block, Place::Task, Place::Handler, Place::LoopControl]
        {
            assert!(place.all().all(|keyword| place.supports(keyword) && place.knows(keyword)));
        }
    }
}
