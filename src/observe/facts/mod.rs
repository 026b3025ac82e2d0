//! Ansible's facts, from the kernel's own files wherever they say it. A part that cannot be had is left out: facts
//! inform, and nothing is decided on what is not there.

mod hardware;
mod network;
mod storage;
mod system;

use std::path::Path;

use crate::exec::{Command, System};
use crate::machine::Machine;
use crate::machine::facts::Facts;
use crate::value::{Map, Value};

pub(super) fn look(machine: &Machine, system: &dyn System) -> Facts {
    let ask = Ask { system };
    let mut facts = Map::new();
    system::look(&ask, machine, &mut facts);
    hardware::look(&ask, &mut facts);
    storage::look(&ask, &mut facts);
    network::look(&ask, &mut facts);
    Facts(facts)
}

/// Questions whose missing answer is no error.
struct Ask<'a> {
    system: &'a dyn System,
}

impl Ask<'_> {
    fn text(&self, path: &str) -> Option<String> {
        let bytes = self.system.read(Path::new(path)).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A file of one value, as sysfs has them.
    fn value(&self, path: &str) -> Option<String> {
        let text = self.text(path)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn number(&self, path: &str) -> Option<u64> {
        self.value(path)?.parse().ok()
    }

    fn list(&self, path: &str) -> Vec<String> {
        self.system.list(Path::new(path)).unwrap_or_default()
    }

    fn exists(&self, path: &str) -> bool {
        matches!(self.system.stat(Path::new(path)), Ok(Some(_)))
    }

    /// The last part of where a link leads.
    fn link_name(&self, path: &str) -> Option<String> {
        let target = self.system.stat(Path::new(path)).ok()??.target?;
        Some(target.file_name()?.to_string_lossy().into_owned())
    }

    /// What a program says, where it ends well.
    fn said(&self, command: &Command) -> Option<String> {
        let output = self.system.run(command);
        output.success().then(|| output.text())
    }
}

/// Puts what is known.
fn put(facts: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        facts.insert(name.to_owned(), value.into());
    }
}
