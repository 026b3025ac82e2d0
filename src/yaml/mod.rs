//! YAML as people write it, every node with its place in the text.
//!
//! Reads what PyYAML would read (`yes` is a boolean, `0644` an octal number, `<<` merges, the last of two equal
//! keys wins), because that is what Ansible's users have on disk. Writing YAML is not done here.

mod node;

pub use node::{Key, Mapping, Node, Yaml};
