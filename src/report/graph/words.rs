//! What is said of a node, the same in every form of the picture.

use std::fmt::Write as _;

use crate::machine::graph::{Layer, Marked, Node};
use crate::report::clean;
use crate::units::Size;

/// Text from a host on one line, unable to do anything but to be read.
pub(super) fn plain(text: &str) -> String {
    clean(text).replace(['\n', '\t'], " ")
}

/// Its name, unless the device below has the same: `ext4`, but `/dev/vdb`.
pub(super) fn name(node: &Node) -> Option<String> {
    let device_below = node.layer == Layer::FileSystem && node.name.starts_with("/dev/");
    (!device_below).then(|| plain(&node.name))
}

/// How many of its facts say who it is, beside its name: a disk's serial, a file system's label.
pub(super) fn identity(node: &Node) -> usize {
    usize::from(matches!(node.layer, Layer::Disk | Layer::FileSystem)).min(node.facts.len())
}

/// `4 GiB`, or `4 GiB → 8 GiB` of what changes.
pub(super) fn size(node: &Marked<Node>) -> String {
    let shown = |node: &Node| node.size.map(|size| Size(size).to_string());
    match (node.before.as_ref().and_then(&shown), shown(&node.thing)) {
        (Some(before), Some(after)) if before != after => format!("{before} → {after}"),
        (_, after) => after.unwrap_or_default(),
    }
}

/// `43 %`; what is used at all is never 0 %.
pub(super) fn percent(permille: u64) -> String {
    match permille {
        1..10 => "<1 %".to_owned(),
        _ => format!("{} %", permille / 10),
    }
}

/// Its facts; of what changes also what it was.
pub(super) fn facts(node: &Marked<Node>) -> Vec<String> {
    let mut facts: Vec<String> = node.thing.facts.iter().map(|fact| plain(fact)).collect();
    if let Some(before) = &node.before {
        let lost: Vec<&String> =
            before.facts.iter().filter(|fact| !node.thing.facts.contains(fact)).collect();
        let mut was = String::new();
        if before.what != node.thing.what {
            let _ = write!(was, "{} ", plain(&before.what));
        }
        was.push_str(&lost.into_iter().map(|fact| plain(fact)).collect::<Vec<_>>().join(", "));
        if !was.trim().is_empty() {
            facts.push(format!("was {}", was.trim_end()));
        }
    }
    facts
}
