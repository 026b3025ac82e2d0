//! What the kernel's NFS server offers, as the server itself lists it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The exports of a host: for each path and client the options, with all defaults spelt out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Exports {
    pub live: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
}

/// What an action does to exports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExportsEffect {
    /// The path is offered to these clients; to nobody when empty.
    Put { path: String, clients: BTreeMap<String, BTreeSet<String>> },
}

impl ExportsEffect {
    pub fn apply(&self, exports: &mut Exports) {
        let Self::Put { path, clients } = self;
        if clients.is_empty() {
            exports.live.remove(path);
        } else {
            exports.live.insert(path.clone(), clients.clone());
        }
    }

    pub fn holds(&self, exports: &Exports) -> Result<(), String> {
        let Self::Put { path, clients } = self;
        let none = BTreeMap::new();
        let found = exports.live.get(path).unwrap_or(&none);
        for (client, options) in clients {
            let Some(live) = found.get(client) else {
                return Err(format!("{path} is not exported to {client}"));
            };
            if let Some(missing) = options.iter().find(|option| !live.contains(*option)) {
                return Err(format!("{path} is exported to {client} without `{missing}`"));
            }
        }
        // Other files may offer the path to others.
        match found.keys().next() {
            Some(client) if clients.is_empty() => Err(format!("{path} is still exported to {client}")),
            _ => Ok(()),
        }
    }

    /// Whether this makes an earlier effect moot: both are about the same thing.
    pub fn replaces(&self, earlier: &Self) -> bool {
        let (Self::Put { path, .. }, Self::Put { path: other, .. }) = (self, earlier);
        path == other
    }
}
