//! For Graphviz.

use std::fmt::Write as _;

use super::{Picture, words};
use crate::machine::graph::{Health, Mark};

/// The picture in Graphviz's language, disks at the left.
pub fn dot(picture: &Picture) -> String {
    let heading = [Some(picture.title()), picture.subtitle()].into_iter().flatten().collect::<Vec<_>>();
    let mut text = String::from("digraph storage {\n  rankdir=LR\n");
    let _ = writeln!(text, "  label={}\n  labelloc=t", quoted(&heading));
    text.push_str(
        "  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=Helvetica, fontsize=11]\n",
    );
    text.push_str("  edge [color=\"#64748b\", arrowsize=0.6, fontname=Helvetica, fontsize=9]\n");
    for node in &picture.graph.nodes {
        let thing = &node.thing;
        let mut first = match words::name(thing) {
            Some(name) => format!("{} {name}", words::plain(&thing.what)),
            None => words::plain(&thing.what),
        };
        if node.mark != Mark::Kept {
            first = format!("{} {first}", node.mark.sign());
        }
        let used = thing.permille().map(|permille| format!("{} used", words::percent(permille)));
        let measures: Vec<String> =
            [Some(words::size(node)), used].into_iter().flatten().filter(|part| !part.is_empty()).collect();
        let mut lines = vec![first, measures.join(", "), words::facts(node).join(", ")];
        lines.extend(
            thing.notes.iter().map(|note| format!("{}{}", sign(note.health), words::plain(&note.text))),
        );
        lines.retain(|line| !line.is_empty());
        let _ = writeln!(
            text,
            "  {} [label={}{}]",
            quoted(std::slice::from_ref(&thing.id)),
            quoted(&lines),
            look(node.mark, thing.health())
        );
    }
    for edge in &picture.graph.edges {
        let mut parts = Vec::new();
        match edge.mark {
            Mark::Added => parts.push("color=\"#15803d\", style=dashed"),
            Mark::Removed => parts.push("color=\"#b91c1c\", style=dotted"),
            Mark::Kept | Mark::Changed if edge.thing.spare => parts.push("style=dashed"),
            Mark::Kept | Mark::Changed => {}
        }
        if edge.thing.spare {
            parts.push("label=spare");
        }
        let (from, to) = (&edge.thing.from, &edge.thing.to);
        let (from, to) = (quoted(std::slice::from_ref(from)), quoted(std::slice::from_ref(to)));
        let _ = match parts.is_empty() {
            true => writeln!(text, "  {from} -> {to}"),
            false => writeln!(text, "  {from} -> {to} [{}]", parts.join(", ")),
        };
    }
    text.push_str("}\n");
    text
}

fn sign(health: Health) -> &'static str {
    match health {
        Health::Good => "",
        Health::Warning => "! ",
        Health::Critical => "!! ",
    }
}

fn look(mark: Mark, health: Health) -> &'static str {
    match (mark, health) {
        (Mark::Added, _) => ", style=\"rounded,filled,dashed\", color=\"#15803d\", fillcolor=\"#f0fdf4\"",
        (Mark::Removed, _) => ", style=\"rounded,filled,dotted\", color=\"#b91c1c\", fillcolor=\"#fef2f2\"",
        (_, Health::Critical) => ", color=\"#b91c1c\", penwidth=2",
        (_, Health::Warning) => ", color=\"#b45309\", penwidth=2",
        (Mark::Changed, _) => ", color=\"#1d4ed8\", penwidth=2",
        (Mark::Kept, Health::Good) => "",
    }
}

/// A string of lines. Graphviz knows no escape but these two.
fn quoted(lines: &[String]) -> String {
    let lines: Vec<String> =
        lines.iter().map(|line| words::plain(line).replace('\\', "\\\\").replace('"', "\\\"")).collect();
    format!("\"{}\"", lines.join("\\n"))
}
