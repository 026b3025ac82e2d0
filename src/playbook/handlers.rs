//! Handlers: which one a notification means, and whether there is one at all.

use std::sync::Arc;

use super::loader::Loader;
use super::play::Play;
use super::setting::has_template;
use super::task::Task;
use crate::diagnostic::Diagnostic;
use crate::value::closest;
use crate::yaml::Node;

impl Task {
    /// Whether this handler has that name, with or without its role's in front.
    pub fn answers_to_name(&self, name: &str) -> bool {
        let Some(own) = self.name.as_ref().and_then(Node::as_str) else { return false };
        let Some(rest) = name.strip_suffix(own) else { return false };
        match (&self.role, rest) {
            (_, "") => true,
            (Some(role), rest) => rest.strip_suffix(" : ").is_some_and(|written| {
                written == role.name || written.rsplit('.').next() == Some(role.name.as_str())
            }),
            (None, _) => false,
        }
    }
}

impl Play {
    /// The handlers a notification means: the last one of that name, and all that listen to it; in the order they are run.
    ///
    /// Source: ansible-core 2.19, `StrategyBase.search_handlers_by_notification`.
    pub fn handlers_for(&self, notification: &str) -> Vec<&Arc<Task>> {
        let named = self.handlers.iter().rposition(|handler| handler.answers_to_name(notification));
        self.handlers
            .iter()
            .enumerate()
            .filter(|(at, handler)| {
                named == Some(*at) || handler.listen.iter().any(|topic| topic == notification)
            })
            .map(|(_, handler)| handler)
            .collect()
    }
}

impl Loader<'_> {
    /// Warns about a handler that can never be run because a later one has its name.
    pub(super) fn check_handler_names(&mut self, handlers: &[Arc<Task>]) {
        for (at, handler) in handlers.iter().enumerate() {
            let Some(name) = handler.name.as_ref() else { continue };
            let text = name.as_str().unwrap_or_default();
            let earlier = handlers[..at].iter().filter_map(|other| other.name.as_ref());
            if let Some(first) =
                earlier.rev().find(|other| other.as_str() == Some(text) && !has_template(text))
            {
                self.warn(
                    Diagnostic::new(format!(
                        "two handlers are called `{text}`; only the second can be notified"
                    ))
                    .at(&name.span, "this one is notified")
                    .note(&first.span, "this one never is"),
                );
            }
        }
    }

    /// Complains about notifications that no handler of the play answers to.
    pub(super) fn check_notifications(&mut self, play: &Play) {
        // A handler whose name is a template may answer to anything.
        let open = play.handlers.iter().any(|handler| handler.own_title_is_template());
        let topics: Vec<&str> = play
            .handlers
            .iter()
            .flat_map(|handler| handler.listen.iter().map(String::as_str))
            .chain(play.handlers.iter().filter_map(|handler| handler.name.as_ref()?.as_str()))
            .collect();
        let tasks: Vec<&Arc<Task>> = play.tasks_in_order().into_iter().chain(&play.handlers).collect();
        for node in tasks.iter().flat_map(|task| &task.directives.notify) {
            let Some(name) = node.as_str().filter(|name| !has_template(name) && !open) else { continue };
            if !play.handlers_for(name).is_empty() {
                continue;
            }
            let complaint = Diagnostic::new(format!("there is no handler `{name}` in this play"))
                .at(&node.span, "nothing answers");
            let complaint = match closest(name, topics.iter().copied()) {
                Some(meant) => complaint.help(format!("did you mean `{meant}`?")),
                None if topics.is_empty() => complaint.help("the play and its roles have no handlers at all"),
                None => complaint.help(format!("there are: {}", topics.join(", "))),
            };
            self.complain(complaint);
        }
    }
}

impl Task {
    fn own_title_is_template(&self) -> bool {
        self.name.as_ref().and_then(Node::as_str).is_some_and(has_template)
    }
}
