//! A host's storage drawn: as a tree for the terminal, as SVG, as a graph for Graphviz. Pure text from plain data; the
//! same graph always gives the same bytes.

mod dot;
mod order;
mod svg;
mod tree;
mod words;

pub use dot::dot;
pub use svg::svg;
pub use tree::tree;

use serde::Serialize;

use crate::machine::graph::{Compared, Mark};

/// What is drawn.
#[derive(Debug, Clone, Serialize)]
pub struct Picture {
    pub host: String,
    /// The playbook whose effect is shown, where one is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    pub graph: Compared,
}

impl Picture {
    fn title(&self) -> String {
        format!("storage of {}", words::plain(&self.host))
    }

    /// What the playbook would do, in numbers.
    fn subtitle(&self) -> Option<String> {
        let playbook = words::plain(self.playbook.as_ref()?);
        let counts: Vec<String> =
            [(Mark::Added, "added"), (Mark::Changed, "changed"), (Mark::Removed, "removed")]
                .into_iter()
                .map(|(mark, word)| (self.graph.count(mark), word))
                .filter(|(count, _)| *count > 0)
                .map(|(count, word)| format!("{count} {word}"))
                .collect();
        let change = if counts.is_empty() { "nothing would change".to_owned() } else { counts.join(", ") };
        Some(format!("as it would be after {playbook}: {change}"))
    }
}

#[cfg(test)]
mod tests;
