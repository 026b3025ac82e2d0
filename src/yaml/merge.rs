//! `<<`: a mapping that takes over the entries of others.
//!
//! As PyYAML does it: what the mapping says itself wins, and of several merged mappings the first one wins.

use std::collections::HashSet;

use super::{Key, Node, Yaml};
use crate::diagnostic::Diagnostic;

/// The entries `own` behind those of `from`; `seen` are the names in `own`.
pub(super) fn merge(
    key: &Key,
    from: Node,
    own: Vec<(Key, Node)>,
    mut seen: HashSet<String>,
) -> Result<Vec<(Key, Node)>, Diagnostic> {
    let sources = match from.value {
        Yaml::List(items) => items,
        _ => vec![from],
    };
    let mut merged = Vec::new();
    for source in sources {
        match source.value {
            Yaml::Map(map) => {
                merged.extend(map.entries.into_iter().filter(|(key, _)| seen.insert(key.name.clone())));
            }
            _ => {
                return Err(Diagnostic::new("`<<` takes a mapping, or a list of mappings")
                    .at(&source.span, format!("this is {}", source.kind()))
                    .note(&key.span, "merged here"));
            }
        }
    }
    merged.extend(own);
    Ok(merged)
}
