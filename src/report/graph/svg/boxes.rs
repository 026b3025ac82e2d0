//! What stands in the box of a node, and how large the box is for it.

use super::measure;
use crate::machine::graph::{Health, Mark, Marked, Node};
use crate::report::graph::words;

/// Pixels of the letters of names.
pub(super) const NAME: f64 = 13.0;
/// Pixels of all other letters.
pub(super) const SMALL: f64 = 11.0;
/// From one line of small letters to the next.
pub(super) const LINE: f64 = 15.0;
/// Between the border and what is in it; at the left there is a stripe too.
pub(super) const LEFT: f64 = 15.0;
const RIGHT: f64 = 12.0;
const WIDEST: f64 = 230.0;
const NARROWEST: f64 = 96.0;

/// A node, as its box shows it.
pub(super) struct Box {
    pub(super) name: String,
    /// What it is, its size, its facts.
    pub(super) lines: Vec<String>,
    pub(super) permille: Option<u64>,
    pub(super) used: String,
    pub(super) notes: Vec<(Health, String)>,
    pub(super) width: f64,
    pub(super) height: f64,
    /// All of it, uncut, for whoever points at it.
    pub(super) whole: String,
}

impl Box {
    pub(super) fn of(node: &Marked<Node>) -> Self {
        let thing = &node.thing;
        let what = words::plain(&thing.what);
        let own = words::name(thing);
        let name = own.clone().unwrap_or_else(|| what.clone());
        let mut parts: Vec<String> = own.map(|_| what.clone()).into_iter().collect();
        parts.push(words::size(node));
        parts.extend(words::facts(node));
        parts.retain(|part| !part.is_empty());
        let lines = measure::fill(&parts, " · ", WIDEST, SMALL);
        let used = thing.permille().map(words::percent).unwrap_or_default();
        let notes: Vec<(Health, String)> = thing
            .notes
            .iter()
            .flat_map(|note| {
                let text = words::plain(&note.text);
                let mut split: Vec<String> = text.split(' ').map(str::to_owned).collect();
                split.retain(|word| !word.is_empty());
                let lines = measure::fill(&split, " ", WIDEST - 14.0, SMALL);
                lines.into_iter().map(|line| (note.health, line))
            })
            .collect();
        let shown = measure::cut(&name, WIDEST, NAME, true);
        let badge = if node.mark == Mark::Kept { 0.0 } else { 12.0 };
        let widest = lines.iter().map(|line| measure::width(line, SMALL, false));
        let widest = widest.chain(notes.iter().map(|(_, note)| measure::width(note, SMALL, false) + 14.0));
        let widest = widest.fold(measure::width(&shown, NAME, true) + badge, f64::max);
        let bar = if thing.permille().is_some() { 14.0 } else { 0.0 };
        let count = lines.len() + notes.len();
        let height = 26.0 + LINE * count_of(count) + bar + if count == 0 && bar == 0.0 { 4.0 } else { 6.0 };
        let whole: Vec<String> = std::iter::once(format!("{what} {}", words::plain(&thing.name)))
            .chain(parts.into_iter().skip(1))
            .chain(thing.notes.iter().map(|note| words::plain(&note.text)))
            .collect();
        Self {
            name: shown,
            lines,
            permille: thing.permille(),
            used,
            notes,
            width: widest.clamp(NARROWEST, WIDEST) + LEFT + RIGHT,
            height,
            whole: whole.join("\n"),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few lines")]
pub(super) fn count_of(count: usize) -> f64 {
    count as f64
}
