//! How the boxes and lines look. Nothing is told by colour alone: what comes has a plus and a dashed border, what goes
//! is hatched and struck out, trouble has a sign of its own shape.

use std::fmt::Write as _;

use super::boxes::{Box, LEFT, LINE, NAME, SMALL, count_of};
use super::layout::Layout;
use super::measure;
use super::route::curve;
use crate::machine::graph::{Health, Layer, Mark, Marked, Node};
use crate::report::graph::Picture;

const MARGIN: f64 = 28.0;
const FONT: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";
const INK: &str = "#0f172a";
const SOFT: &str = "#475569";
const LAYERS: [Layer; 9] = [
    Layer::Disk,
    Layer::Partition,
    Layer::Array,
    Layer::Device,
    Layer::Group,
    Layer::Volume,
    Layer::FileSystem,
    Layer::Mount,
    Layer::Export,
];

/// Writes the document.
pub(super) fn document(picture: &Picture, boxes: &[Box], layout: &Layout) -> String {
    let subtitle = picture.subtitle();
    let top = if subtitle.is_some() { 92.0 } else { 72.0 } + 24.0;
    let legend = legend(picture);
    let title = measure::width(&picture.title(), 20.0, true);
    let wide = measure::width(subtitle.as_deref().unwrap_or_default(), 13.0, false);
    let width = layout.width.max(legend.1).max(title).max(wide) + 2.0 * MARGIN;
    let height = top + layout.height + 76.0;
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" font-family=\"{FONT}\" fill=\"{INK}\">"
    );
    let _ = writeln!(svg, "<title>{}</title>", escape(&picture.title()));
    svg.push_str(
        "<defs><pattern id=\"gone\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\" fill=\"#fef2f2\"/>\
         <path d=\"M0,0V7\" stroke=\"#fecaca\" stroke-width=\"3\"/></pattern></defs>\n",
    );
    let _ = writeln!(svg, "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>");
    text(&mut svg, MARGIN, 44.0, 20.0, "font-weight=\"bold\"", &picture.title());
    if let Some(subtitle) = subtitle {
        text(&mut svg, MARGIN, 66.0, 13.0, &format!("fill=\"{SOFT}\""), &subtitle);
    }
    for column in &layout.columns {
        let names: Vec<&str> = column.layers.iter().map(|layer| LAYERS[*layer].heading()).collect();
        let style = format!("fill=\"{SOFT}\" font-weight=\"bold\" letter-spacing=\"0.4\"");
        text(&mut svg, MARGIN + column.left, top - 16.0, SMALL, &style, &names.join(", "));
    }
    let _ = writeln!(svg, "<g transform=\"translate({MARGIN},{top})\">");
    for (edge, way) in &layout.ways {
        line(&mut svg, picture, *edge, way);
    }
    for (at, one) in boxes.iter().enumerate() {
        node(&mut svg, &picture.graph.nodes[at], one, layout.at[at]);
    }
    svg.push_str("</g>\n");
    let _ = writeln!(svg, "<g transform=\"translate({MARGIN},{:.1})\">", top + layout.height + 44.0);
    svg.push_str(&legend.0);
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// `&`, `<`, `>` and quotes, and nothing that XML cannot hold.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            control if control.is_control() && control != '\n' => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

fn text(svg: &mut String, x: f64, y: f64, size: f64, style: &str, text: &str) {
    let _ =
        writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" {style}>{}</text>", escape(text));
}

fn line(svg: &mut String, picture: &Picture, edge: usize, way: &[(f64, f64)]) {
    let edge = &picture.graph.edges[edge];
    let style = match edge.mark {
        Mark::Added => "stroke=\"#15803d\" stroke-width=\"1.8\" stroke-dasharray=\"6 4\"",
        Mark::Removed => {
            "stroke=\"#b91c1c\" stroke-width=\"1.5\" stroke-dasharray=\"1.5 4\" stroke-linecap=\"round\""
        }
        _ if edge.thing.spare => "stroke=\"#64748b\" stroke-width=\"1.4\" stroke-dasharray=\"3 3\"",
        _ => "stroke=\"#94a3b8\" stroke-width=\"1.6\"",
    };
    let _ = writeln!(svg, "<path d=\"{}\" fill=\"none\" {style}/>", curve(way));
    if edge.thing.spare {
        let (x, y) = way[0];
        let halo = format!(
            "fill=\"{SOFT}\" stroke=\"#ffffff\" stroke-width=\"3\" paint-order=\"stroke\" font-style=\"italic\""
        );
        text(svg, x + 6.0, y - 4.0, 10.0, &halo, "spare");
    }
}

fn stripe(layer: Layer) -> &'static str {
    match layer {
        Layer::Disk => "#475569",
        Layer::Partition => "#94a3b8",
        Layer::Array => "#7c3aed",
        Layer::Device => "#a16207",
        Layer::Group => "#1d4ed8",
        Layer::Volume => "#0284c7",
        Layer::FileSystem => "#0d9488",
        Layer::Mount => "#4d7c0f",
        Layer::Export => "#be185d",
    }
}

/// Border and ground of a box.
fn frame(mark: Mark, health: Health) -> &'static str {
    match (mark, health) {
        (Mark::Added, _) => {
            "fill=\"#f0fdf4\" stroke=\"#15803d\" stroke-width=\"1.8\" stroke-dasharray=\"6 4\""
        }
        (Mark::Removed, _) => {
            "fill=\"url(#gone)\" stroke=\"#b91c1c\" stroke-width=\"1.5\" stroke-dasharray=\"1.5 4\" stroke-linecap=\"round\""
        }
        (_, Health::Critical) => "fill=\"#fef2f2\" stroke=\"#b91c1c\" stroke-width=\"2\"",
        (_, Health::Warning) => "fill=\"#fffbeb\" stroke=\"#b45309\" stroke-width=\"2\"",
        (Mark::Changed, _) => "fill=\"#eff6ff\" stroke=\"#1d4ed8\" stroke-width=\"2\"",
        (Mark::Kept, Health::Good) => "fill=\"#f8fafc\" stroke=\"#cbd5e1\" stroke-width=\"1.2\"",
    }
}

fn node(svg: &mut String, node: &Marked<Node>, shown: &Box, (x, y): (f64, f64)) {
    let thing = &node.thing;
    let (width, height) = (shown.width, shown.height);
    let _ =
        writeln!(svg, "<g transform=\"translate({x:.1},{y:.1})\"><title>{}</title>", escape(&shown.whole));
    let _ = writeln!(
        svg,
        "<rect width=\"{width:.1}\" height=\"{height:.1}\" rx=\"6\" {}/>",
        frame(node.mark, thing.health())
    );
    let _ = writeln!(
        svg,
        "<rect x=\"5\" y=\"7\" width=\"4\" height=\"{:.1}\" rx=\"2\" fill=\"{}\"/>",
        height - 14.0,
        stripe(thing.layer)
    );
    let style = match node.mark {
        Mark::Removed => "font-weight=\"bold\" text-decoration=\"line-through\"",
        _ => "font-weight=\"bold\"",
    };
    text(svg, LEFT, 20.0, NAME, style, &shown.name);
    let mut baseline = 20.0;
    for line in &shown.lines {
        baseline += LINE;
        text(svg, LEFT, baseline, SMALL, &format!("fill=\"{SOFT}\""), line);
    }
    if let Some(permille) = shown.permille {
        baseline += 14.0;
        // What is wrong with a group is not that it is full.
        let health = if thing.layer == Layer::FileSystem { thing.health() } else { Health::Good };
        bar(svg, baseline, shown, permille, health);
    }
    for (at, (health, note)) in shown.notes.iter().enumerate() {
        baseline += LINE;
        let (colour, indent) = match health {
            Health::Good => (SOFT, 0.0),
            Health::Warning => ("#92400e", 14.0),
            Health::Critical => ("#991b1b", 14.0),
        };
        if indent > 0.0 && (at == 0 || shown.notes[at - 1].0 != *health) {
            sign(svg, LEFT, baseline, *health);
        }
        let style = match health {
            Health::Good => format!("fill=\"{colour}\" font-style=\"italic\""),
            _ => format!("fill=\"{colour}\" font-weight=\"bold\""),
        };
        text(svg, LEFT + indent, baseline, SMALL, &style, note);
    }
    badge(svg, node.mark, width);
    svg.push_str("</g>\n");
}

fn bar(svg: &mut String, baseline: f64, shown: &Box, permille: u64, health: Health) {
    let room = shown.width - LEFT - 12.0 - 36.0;
    let full = room * count_of(usize::try_from(permille).unwrap_or(0)) / 1000.0;
    let colour = match health {
        Health::Good => "#0284c7",
        Health::Warning => "#d97706",
        Health::Critical => "#dc2626",
    };
    let _ = writeln!(
        svg,
        "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{room:.1}\" height=\"7\" rx=\"3.5\" fill=\"#e2e8f0\"/>\
         <rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{:.1}\" height=\"7\" rx=\"3.5\" fill=\"{colour}\"/>",
        baseline - 7.0,
        baseline - 7.0,
        if permille > 0 { full.max(4.0) } else { 0.0 }
    );
    let x = shown.width - 12.0;
    text(svg, x, baseline, SMALL, &format!("fill=\"{INK}\" text-anchor=\"end\""), &shown.used);
}

/// A triangle for a warning, an octagon for trouble; both with an exclamation mark.
fn sign(svg: &mut String, x: f64, baseline: f64, health: Health) {
    let y = baseline - 9.5;
    let (shape, colour) = match health {
        Health::Critical => ("3,0 8,0 11,3 11,8 8,11 3,11 0,8 0,3", "#b91c1c"),
        _ => ("5.5,0 11,11 0,11", "#b45309"),
    };
    let _ = writeln!(
        svg,
        "<g transform=\"translate({x:.1},{y:.1})\"><polygon points=\"{shape}\" fill=\"{colour}\"/>\
         <text x=\"5.5\" y=\"9.5\" font-size=\"9\" font-weight=\"bold\" fill=\"#ffffff\" text-anchor=\"middle\">!</text></g>"
    );
}

fn badge(svg: &mut String, mark: Mark, width: f64) {
    let colour = match mark {
        Mark::Kept => return,
        Mark::Added => "#15803d",
        Mark::Removed => "#b91c1c",
        Mark::Changed => "#1d4ed8",
    };
    // Drawn, not written: fonts put these letters at heights of their own.
    let strokes = match mark {
        Mark::Added => "M-4,0H4M0,-4V4",
        Mark::Removed => "M-4,0H4",
        _ => "M-4.5,1C-3,-2.5 -1.5,-2.5 0,0S3,2.5 4.5,-1",
    };
    let _ = writeln!(
        svg,
        "<g transform=\"translate({:.1},0)\"><circle r=\"8\" fill=\"{colour}\" stroke=\"#ffffff\" stroke-width=\"1.5\"/>\
         <path d=\"{strokes}\" fill=\"none\" stroke=\"#ffffff\" stroke-width=\"1.8\" stroke-linecap=\"round\"/></g>",
        width - 8.0
    );
}

/// The signs that occur in this picture, and how wide the list of them is.
fn legend(picture: &Picture) -> (String, f64) {
    let mut svg = String::new();
    let mut x = 0.0;
    let mut say = |svg: &mut String, sign: &str, wide: f64, words: &str| {
        let _ = writeln!(svg, "<g transform=\"translate({x:.1},0)\">{sign}</g>");
        text(svg, x + wide + 8.0, 4.0, SMALL, &format!("fill=\"{SOFT}\""), words);
        x += wide + 8.0 + measure::width(words, SMALL, false) + 26.0;
    };
    let there = |mark| picture.graph.count(mark) > 0;
    for (mark, words) in [(Mark::Added, "added"), (Mark::Changed, "changed"), (Mark::Removed, "removed")] {
        if there(mark) {
            let mut sign =
                format!("<rect y=\"-9\" width=\"30\" height=\"18\" rx=\"4\" {}/>", frame(mark, Health::Good));
            sign.push_str("<g transform=\"translate(0,-9) scale(0.8)\">");
            badge(&mut sign, mark, 42.0);
            sign.push_str("</g>");
            say(&mut svg, &sign, 34.0, words);
        }
    }
    for (health, words) in [(Health::Warning, "look at it"), (Health::Critical, "act now")] {
        if picture.graph.nodes.iter().any(|node| node.thing.health() == health) {
            let mut shape = String::new();
            sign(&mut shape, 0.0, 4.0, health);
            say(&mut svg, &shape, 11.0, words);
        }
    }
    if picture.graph.edges.iter().any(|edge| edge.thing.spare) {
        let dashes = "<path d=\"M0,0H30\" stroke=\"#64748b\" stroke-width=\"1.4\" stroke-dasharray=\"3 3\"/>";
        say(&mut svg, dashes, 30.0, "spare, stands by");
    }
    if picture.graph.nodes.iter().any(|node| node.thing.permille().is_some()) {
        let bar = "<rect y=\"-3.5\" width=\"30\" height=\"7\" rx=\"3.5\" fill=\"#e2e8f0\"/>\
                   <rect y=\"-3.5\" width=\"13\" height=\"7\" rx=\"3.5\" fill=\"#0284c7\"/>";
        say(&mut svg, bar, 30.0, "used");
    }
    let line = "<path d=\"M0,0H30\" stroke=\"#94a3b8\" stroke-width=\"1.6\"/>";
    say(&mut svg, line, 30.0, "left carries right");
    (svg, x - 26.0)
}
