//! The order in which a graph is told: what belongs together stands together, and each thing once, below the last thing
//! it is made of.

use std::collections::{BTreeSet, VecDeque};

use crate::machine::graph::{Compared, Edge};

/// A graph by numbers: the places of its nodes.
pub(super) struct Links {
    pub(super) above: Vec<Vec<usize>>,
    pub(super) below: Vec<Vec<usize>>,
    /// From, to, place in the list of edges.
    pub(super) edges: Vec<(usize, usize, usize)>,
}

impl Links {
    pub(super) fn of(graph: &Compared) -> Self {
        let count = graph.nodes.len();
        let mut links =
            Self { above: vec![Vec::new(); count], below: vec![Vec::new(); count], edges: Vec::new() };
        let place = |id: &str| graph.nodes.iter().position(|node| node.thing.id == id);
        for (at, edge) in graph.edges.iter().enumerate() {
            let Edge { from, to, .. } = &edge.thing;
            let (Some(from), Some(to)) = (place(from), place(to)) else { continue };
            if from == to || links.reaches(to, from) {
                continue;
            }
            // A spare that becomes a member is two edges and still one neighbour.
            if !links.above[from].contains(&to) {
                links.above[from].push(to);
                links.below[to].push(from);
            }
            links.edges.push((from, to, at));
        }
        links
    }

    /// Whether `to` lies anywhere above `from`. A circle is drawn open.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(at) = next.pop() {
            if at == to {
                return true;
            }
            if seen.insert(at) {
                next.extend(&self.above[at]);
            }
        }
        false
    }

    /// What has nothing below it. The disks of one array follow each other; those of which nothing is made come last.
    pub(super) fn roots(&self) -> Vec<usize> {
        let count = self.above.len();
        let (lonely, tied): (Vec<usize>, Vec<usize>) =
            (0..count).filter(|at| self.below[*at].is_empty()).partition(|at| self.above[*at].is_empty());
        let mut placed = Vec::new();
        for root in tied {
            self.place(root, &mut placed);
        }
        placed.extend(lonely);
        placed
    }

    fn place(&self, root: usize, placed: &mut Vec<usize>) {
        if placed.contains(&root) {
            return;
        }
        placed.push(root);
        let (mut seen, mut next) = (BTreeSet::new(), VecDeque::from([root]));
        while let Some(at) = next.pop_front() {
            for above in self.above[at].iter().copied().filter(|above| seen.insert(*above)) {
                for other in self.roots_below(above) {
                    if !placed.contains(&other) {
                        placed.push(other);
                    }
                }
                next.push_back(above);
            }
        }
    }

    fn roots_below(&self, at: usize) -> BTreeSet<usize> {
        let (mut seen, mut next, mut roots) = (BTreeSet::new(), vec![at], BTreeSet::new());
        while let Some(at) = next.pop() {
            if self.below[at].is_empty() {
                roots.insert(at);
            }
            next.extend(self.below[at].iter().filter(|below| seen.insert(**below)));
        }
        roots
    }

    /// Every node once, each after all that it is made of, with the node it is told below of.
    pub(super) fn told(&self) -> Vec<Told> {
        let mut told = Vec::new();
        let mut seen = vec![false; self.above.len()];
        for root in self.roots() {
            self.tell(root, None, &mut seen, &mut told);
        }
        told
    }

    fn tell(&self, at: usize, parent: Option<usize>, seen: &mut [bool], told: &mut Vec<Told>) {
        seen[at] = true;
        let own = told.len();
        told.push(Told { node: at, parent, elsewhere: Vec::new() });
        for above in self.above[at].iter().copied() {
            if self.below[above].iter().all(|below| seen[*below]) && !seen[above] {
                self.tell(above, Some(at), seen, told);
            } else {
                told[own].elsewhere.push(above);
            }
        }
    }
}

/// A node in its turn.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) node: usize,
    pub(super) parent: Option<usize>,
    /// What is made of it too, and told elsewhere.
    pub(super) elsewhere: Vec<usize>,
}
