//! The picture as SVG: a column for each layer, disks at the left, what they carry to the right.
//!
//! `boxes` says what stands in each box and how large it is, `layout` where it goes, `draw` how it looks.

mod boxes;
mod draw;
mod layout;
mod measure;
mod route;

use super::Picture;
use super::order::Links;

/// The picture as an SVG document of its own.
pub fn svg(picture: &Picture) -> String {
    let links = Links::of(&picture.graph);
    let boxes: Vec<boxes::Box> = picture.graph.nodes.iter().map(boxes::Box::of).collect();
    let layers: Vec<usize> = picture.graph.nodes.iter().map(|node| node.thing.layer as usize).collect();
    let sizes: Vec<(f64, f64)> = boxes.iter().map(|one| (one.width, one.height)).collect();
    let layout = layout::Layout::of(&links, &layers, &sizes);
    draw::document(picture, &boxes, &layout)
}
