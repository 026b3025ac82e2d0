//! The picture for a terminal: each thing once, below the last thing it is made of; the others point to it.

use std::fmt::Write as _;

use super::order::{Links, Told};
use super::{Picture, words};
use crate::machine::graph::{Health, Layer, Mark};
use crate::report::paint::{BOLD, CYAN, DIM, GREEN, RED, YELLOW, paint};
use anstyle::Style;

/// How many cells a bar has.
const BAR: usize = 10;

/// A stretch of text in one style.
type Piece = (Style, String);

/// A line before its columns are known.
struct Line {
    mark: Mark,
    /// Lines and corners.
    rails: String,
    /// What stands in their place when the line goes on below.
    rails_below: String,
    head: Vec<Piece>,
    size: String,
    permille: Option<u64>,
    health: Health,
    tail: Vec<Piece>,
}

/// The picture as lines of at most `width` columns, where there is such a limit. Colours are always written.
pub fn tree(picture: &Picture, width: Option<usize>) -> String {
    let mut text = paint(BOLD, picture.title());
    text.push('\n');
    if let Some(subtitle) = picture.subtitle() {
        let _ = writeln!(text, "{}", paint(DIM, subtitle));
    }
    let lines = lines(picture);
    if lines.is_empty() {
        return text + "  nothing\n";
    }
    let signed = picture.playbook.is_some();
    let heads = lines.iter().map(|line| columns(&line.head) + line.rails.chars().count()).max().unwrap_or(0);
    let sizes = lines.iter().map(|line| line.size.chars().count()).max().unwrap_or(0);
    let bars = if lines.iter().any(|line| line.permille.is_some()) { BAR + 8 } else { 0 };
    for line in &lines {
        let gone = line.mark == Mark::Removed;
        let style = mark_style(line.mark);
        let sign = if signed { format!("{} ", line.mark.sign()) } else { String::new() };
        let mut shown = paint(style, sign) + &paint(DIM, &line.rails);
        for (own, piece) in &line.head {
            shown.push_str(&paint(
                if line.mark == Mark::Kept || !gone && *own == DIM { *own } else { style },
                piece,
            ));
        }
        let fill = heads - columns(&line.head) - line.rails.chars().count();
        let short = sizes - line.size.chars().count();
        let _ = write!(shown, "{:fill$}  {:short$}", "", "");
        // What is painted is not trimmed away.
        if !line.size.is_empty() {
            shown.push_str(&paint(style, &line.size));
        }
        let mut used = heads + sizes + 2 + if signed { 2 } else { 0 };
        let rest: usize = line.tail.iter().map(|(_, piece)| piece.chars().count() + 3).sum();
        match line.permille {
            Some(permille) => {
                let _ = write!(shown, "  {}", bar(permille, line.health));
                used += bars;
            }
            // Where it is narrow, words take the place that no bar needs.
            None if width.is_none_or(|width| used + bars + rest < width) => {
                let _ = write!(shown, "{:bars$}", "");
                used += bars;
            }
            None => {}
        }
        let below = format!("{}{}   ", if signed { "  " } else { "" }, line.rails_below);
        push_tail(&mut shown, used, &below, &line.tail, width);
        let _ = writeln!(text, "{}", shown.trim_end());
    }
    text
}

/// Puts what is left to say behind the columns, or below where it does not fit.
fn push_tail(shown: &mut String, used: usize, below: &str, tail: &[Piece], width: Option<usize>) {
    let mut at = used;
    let mut first = true;
    for (style, piece) in tail {
        let length = piece.chars().count();
        let gap = if first { 2 } else { 3 };
        if width.is_some_and(|width| at + gap + length > width) {
            shown.truncate(shown.trim_end().len());
            shown.push('\n');
            shown.push_str(&paint(DIM, below));
            at = below.chars().count();
        } else {
            shown.push_str(if first { "  " } else { " · " });
            at += gap;
        }
        shown.push_str(&paint(*style, piece));
        at += length;
        first = false;
    }
}

fn columns(pieces: &[Piece]) -> usize {
    pieces.iter().map(|(_, text)| text.chars().count()).sum()
}

fn mark_style(mark: Mark) -> Style {
    match mark {
        Mark::Kept => Style::new(),
        Mark::Added => GREEN,
        Mark::Removed => RED,
        Mark::Changed => YELLOW,
    }
}

/// `████░░░░░░  43 %`
fn bar(permille: u64, health: Health) -> String {
    let cells = usize::try_from(permille).unwrap_or(0) * BAR;
    let full = if permille == 0 { 0 } else { (cells / 1000).max(1) };
    let style = match health {
        Health::Good => CYAN,
        Health::Warning => YELLOW,
        Health::Critical => RED,
    };
    let empty = paint(DIM, "░".repeat(BAR - full));
    format!("{}{empty} {:>5}", paint(style, "█".repeat(full)), words::percent(permille))
}

fn lines(picture: &Picture) -> Vec<Line> {
    let told = Links::of(&picture.graph).told();
    // What the current line is below of, and whether that was the last of its siblings.
    let mut open: Vec<(usize, bool)> = Vec::new();
    let mut lines = Vec::new();
    for (at, one) in told.iter().enumerate() {
        while open.last().is_some_and(|(node, _)| Some(*node) != one.parent) {
            open.pop();
        }
        let last = !told[at + 1..].iter().any(|later| later.parent == one.parent);
        let rail = |last: &bool| if *last { "   " } else { "│  " };
        let outer: String = open.iter().map(|(_, last)| rail(last)).collect();
        let holds = told.get(at + 1).is_some_and(|next| next.parent == Some(one.node));
        let rails = format!("{outer}{}", if last { "└─ " } else { "├─ " });
        let rails_below = format!("{outer}{}{}", rail(&last), if holds { "│" } else { " " });
        open.push((one.node, last));
        lines.push(line(picture, one, rails, rails_below));
    }
    lines
}

fn line(picture: &Picture, told: &Told, rails: String, rails_below: String) -> Line {
    let node = &picture.graph.nodes[told.node];
    let thing = &node.thing;
    let mut head = vec![(DIM, words::plain(&thing.what))];
    match words::name(thing) {
        Some(name) => {
            head[0].1.push(' ');
            head.push((BOLD, name));
        }
        None => head[0].0 = BOLD,
    }
    let facts = words::facts(node);
    let (known_by, facts) = facts.split_at(words::identity(thing));
    head.extend(known_by.iter().map(|fact| (Style::new(), format!(" {fact}"))));
    let mut tail: Vec<Piece> = Vec::new();
    for edge in picture.graph.edges.iter().filter(|edge| edge.thing.from == thing.id) {
        let spare = if edge.thing.spare { "spare " } else { "" };
        let other = told.elsewhere.iter().map(|at| &picture.graph.nodes[*at].thing);
        match other.clone().find(|other| other.id == edge.thing.to) {
            Some(other) => tail.push((DIM, format!("{spare}→ {}", words::plain(&other.name)))),
            None if edge.thing.spare => tail.push((DIM, "spare".to_owned())),
            None => {}
        }
    }
    let mut notes: Vec<_> = thing.notes.iter().collect();
    notes.sort_by_key(|note| std::cmp::Reverse(note.health));
    tail.extend(notes.into_iter().map(|note| {
        let text = words::plain(&note.text);
        match note.health {
            Health::Good => (DIM, text),
            Health::Warning => (YELLOW, format!("! {text}")),
            Health::Critical => (RED, format!("!! {text}")),
        }
    }));
    tail.extend(facts.iter().map(|fact| (Style::new(), fact.clone())));
    Line {
        mark: node.mark,
        rails,
        rails_below,
        head,
        size: words::size(node),
        permille: thing.permille(),
        // What is wrong with a group is not that it is full.
        health: if thing.layer == Layer::FileSystem { thing.health() } else { Health::Good },
        tail,
    }
}
