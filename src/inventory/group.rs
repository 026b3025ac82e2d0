//! One group: hosts, groups inside it, and what was written for all of them.

use super::vars::Layers;
use crate::diagnostic::Span;

/// A group, as all sources together describe it.
#[derive(Debug)]
pub struct Group {
    pub name: String,
    /// Where it is first mentioned; `None` for `all` and `ungrouped` where nobody did.
    pub span: Option<Span>,
    /// How far it is from `all`, by the longest way.
    pub depth: usize,
    /// `ansible_group_priority`: of two groups of equal depth, the higher one counts.
    pub priority: i64,
    /// Hosts it mentions itself, as indices.
    pub(super) hosts: Vec<usize>,
    /// Groups it mentions, as indices.
    pub(super) children: Vec<usize>,
    pub(super) parents: Vec<usize>,
    pub(super) layers: Layers,
}

impl Group {
    pub(super) fn new(name: &str, span: Option<&Span>) -> Self {
        Self {
            name: name.to_owned(),
            span: span.cloned(),
            depth: 0,
            priority: 1,
            hosts: Vec::new(),
            children: Vec::new(),
            parents: Vec::new(),
            layers: Layers::default(),
        }
    }

    /// Ansible's order of groups: of a variable in several, the last one counts.
    pub(super) fn rank(&self) -> (usize, i64, &str) {
        (self.depth, self.priority, &self.name)
    }

    /// The variables written for this group itself, nearest to the inventory first.
    pub fn vars(&self) -> super::Vars {
        let mut vars = super::Vars::new();
        for layer in self.layers.all() {
            vars.extend(layer.iter().map(|(name, var)| (name.clone(), std::sync::Arc::clone(var))));
        }
        vars
    }
}
