//! Files that tasks name: whether they are there, and whether templates among them can be rendered.

use super::loader::Loader;
use super::setting::is_literal;
use super::task::Task;
use crate::diagnostic::Diagnostic;
use crate::value::Value;

impl Loader<'_> {
    /// Whether files the task names are there, and whether its template can be rendered.
    pub(super) fn check_files(&mut self, task: &Task) {
        let kind = match task.call.does.name() {
            "template" => "templates",
            "copy" | "script" => "files",
            "include_vars" => "vars",
            _ => return,
        };
        let argument = if kind == "vars" { "file" } else { "src" };
        let Some(node) = task.call.args.get(argument).filter(|node| is_literal(node)) else { return };
        let Some(name) = node.as_str() else { return };
        // `remote_src: true` and a template for it: the file is on the host, or nobody knows yet.
        if task.call.args.get("remote_src").is_some_and(|node| node.to_value() != Value::Bool(false)) {
            return;
        }
        let places = task.places(kind, name.trim_end_matches('/'));
        let there = places
            .iter()
            .find(|place| self.library.is_file(place) || (kind == "files" && self.library.is_dir(place)));
        match there.cloned() {
            Some(at) if kind == "templates" => self.lint_file(&at),
            Some(_) => {}
            None => {
                let mut complaint =
                    Diagnostic::new(format!("there is no file `{name}` for `{}`", task.call.written))
                        .at(&node.span, "not found");
                for place in places {
                    complaint = complaint.help(format!("looked for {place}"));
                }
                self.complain(complaint);
            }
        }
    }
}
