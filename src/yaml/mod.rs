//! YAML as people write it, every node with its place in the text.
//!
//! Reads what PyYAML would read (`yes` is a boolean, `0644` an octal number, `<<` merges), because that is what
//! Ansible's users have on disk. One thing is stricter: a key that is written twice is an error. What is
//! written can be read back by PyYAML too: `'no'` keeps its quotes.

mod complaint;
mod merge;
mod node;
mod parse;
mod resolve;
mod tag;
mod write;

pub use node::{Key, Mapping, Node, Yaml};
pub use parse::{parse, parse_one};
pub use write::write;
