//! Pictures as they are drawn.

use super::*;
use crate::machine::graph::tests::{change, disk, large, unwell};
use crate::machine::graph::{Edge, Graph, Marked};
use crate::machine::{Machine, block};

fn alone(machine: &Machine) -> Picture {
    Picture { host: "nas1".into(), playbook: None, graph: Compared::alone(&Graph::of(machine)) }
}

fn planned() -> Picture {
    let (before, after) = change();
    let graph = Compared::of(&Graph::of(&before), &Graph::of(&after));
    Picture { host: "nas1".into(), playbook: Some("site.yml".into()), graph }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Writes pictures for a person to look at, where `HOLDFAST_PICTURES` names a folder.
#[test]
fn pictures_can_be_looked_at() {
    let Ok(folder) = std::env::var("HOLDFAST_PICTURES") else { return };
    for (name, picture) in [("unwell", alone(&unwell())), ("large", alone(&large())), ("planned", planned())]
    {
        std::fs::write(format!("{folder}/{name}.svg"), svg(&picture)).unwrap();
        std::fs::write(format!("{folder}/{name}.dot"), dot(&picture)).unwrap();
        std::fs::write(format!("{folder}/{name}.txt"), tree(&picture, Some(110))).unwrap();
        std::fs::write(format!("{folder}/{name}-80.txt"), tree(&picture, Some(80))).unwrap();
    }
}

#[test]
fn a_tree_says_what_is_wrong() {
    insta::assert_snapshot!(plain(&tree(&alone(&unwell()), None)));
}

#[test]
fn a_tree_signs_what_comes_and_goes() {
    insta::assert_snapshot!(plain(&tree(&planned(), None)));
}

#[test]
fn a_tree_keeps_to_the_width_of_the_terminal() {
    let narrow = plain(&tree(&alone(&unwell()), Some(80)));
    insta::assert_snapshot!(narrow);
}

#[test]
fn graphviz_gets_everything() {
    insta::assert_snapshot!(dot(&planned()));
}

#[test]
fn an_svg_is_the_same_every_time_and_escapes_what_it_shows() {
    let picture = svg(&planned());
    assert_eq!(picture, svg(&planned()));
    assert!(picture.contains("old &lt;photos&gt; &amp; &quot;films&quot;"), "{picture}");
    insta::assert_snapshot!(picture);
}

#[test]
fn forty_disks_have_places_of_their_own() {
    let picture = svg(&alone(&large()));
    let mut places: Vec<&str> = picture
        .lines()
        .filter(|line| line.starts_with("<g transform=\"translate(0.0,") && line.contains("<title>"))
        .collect();
    let count = places.len();
    places.sort_unstable();
    places.dedup();
    assert_eq!((count, places.len()), (41, 41));
    insta::assert_snapshot!(plain(&tree(&alone(&large()), None)));
}

#[test]
fn nothing_and_circles_are_drawn_too() {
    let nothing = alone(&Machine::default());
    assert!(svg(&nothing).contains("storage of nas1"));
    assert!(plain(&tree(&nothing, None)).contains("nothing"));
    let mut block = block::Block::default();
    for number in [1, 2] {
        block::BlockEffect::Put(disk(number, 1).into()).apply(&mut block);
    }
    let mut circle = alone(&Machine { block: Some(block), ..Machine::default() });
    let edge = |from: &str, to: &str| Marked {
        mark: Mark::Kept,
        thing: Edge { from: format!("device:{from}"), to: format!("device:{to}"), spare: false },
        before: None,
    };
    circle.graph.edges = vec![edge("/dev/vdb", "/dev/vdc"), edge("/dev/vdc", "/dev/vdb")];
    assert!(svg(&circle).contains("/dev/vdc"));
    assert!(plain(&tree(&circle, None)).contains("/dev/vdc"));
    assert!(dot(&circle).contains("/dev/vdc"));
}
