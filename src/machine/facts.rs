//! Ansible's facts about a host, under Ansible's names and without the `ansible_` prefix.

use crate::value::{Map, Value};

/// Facts by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts(pub Map<String, Value>);
