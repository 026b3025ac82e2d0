//! Two pictures of one host as one: what came, what went, what is different.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Edge, Graph, Node};

/// A graph in which everything says whether it is new.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    pub nodes: Vec<Marked<Node>>,
    pub edges: Vec<Marked<Edge>>,
}

/// Something that is there before, after, or both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Marked<T> {
    pub mark: Mark,
    /// As it is afterwards; as it was, when it goes.
    #[serde(flatten)]
    pub thing: T,
    /// As it was, when it becomes different.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<T>,
}

/// What becomes of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Kept,
    Added,
    Removed,
    Changed,
}

impl Mark {
    /// As changes are signed everywhere; a blank for what stays.
    pub fn sign(self) -> char {
        match self {
            Self::Kept => ' ',
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed => '~',
        }
    }
}

impl Compared {
    /// One picture alone: everything stays.
    pub fn alone(graph: &Graph) -> Self {
        Self::of(graph, graph)
    }

    pub fn of(before: &Graph, after: &Graph) -> Self {
        let mut nodes: Vec<Marked<Node>> = after
            .nodes
            .iter()
            .map(|node| match before.node(&node.id) {
                None => Marked { mark: Mark::Added, thing: node.clone(), before: None },
                Some(old) if differs(old, node) => {
                    Marked { mark: Mark::Changed, thing: node.clone(), before: Some(old.clone()) }
                }
                Some(_) => Marked { mark: Mark::Kept, thing: node.clone(), before: None },
            })
            .collect();
        let gone = before.nodes.iter().filter(|node| after.node(&node.id).is_none());
        nodes.extend(gone.map(|node| Marked { mark: Mark::Removed, thing: node.clone(), before: None }));
        nodes.sort_by_cached_key(|node| node.thing.turn());
        let (old, new): (BTreeSet<&Edge>, BTreeSet<&Edge>) =
            (before.edges.iter().collect(), after.edges.iter().collect());
        let edges = old.union(&new).map(|edge| {
            let mark = match (old.contains(edge), new.contains(edge)) {
                (false, _) => Mark::Added,
                (_, false) => Mark::Removed,
                _ => Mark::Kept,
            };
            Marked { mark, thing: (*edge).clone(), before: None }
        });
        Self { edges: edges.collect(), nodes }
    }

    /// How many things are marked so.
    pub fn count(&self, mark: Mark) -> usize {
        self.nodes.iter().filter(|node| node.mark == mark).count()
    }
}

/// Whether it was made different: fuller is not different, and that something is made of it now shows as an edge.
fn differs(old: &Node, new: &Node) -> bool {
    old.layer != new.layer || old.what != new.what || old.facts != new.facts || old.size != new.size
}
