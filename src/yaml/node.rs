//! One node of a YAML document: a value and where it stands.

use crate::diagnostic::Span;
use crate::value::{Map, Number, Value};

/// A value and its place. Equality looks at values only where it matters to tests; spans take part.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub value: Yaml,
    /// The node's own text: of a scalar with its quotes, of a collection from its first to its last entry.
    pub span: Span,
    /// An explicit tag such as `!vault` or `!unsafe`, with its exclamation mark.
    pub tag: Option<String>,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    List(Vec<Node>),
    Map(Mapping),
}

/// A key of a mapping. Keys that are no strings (`80: http`) are kept as they were written.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    pub name: String,
    pub span: Span,
}

/// Entries in the order they were written, each key once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    pub entries: Vec<(Key, Node)>,
}

impl Mapping {
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    pub fn key(&self, name: &str) -> Option<&Key> {
        self.entries.iter().map(|(key, _)| key).find(|key| key.name == name)
    }
}

impl Node {
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Yaml::Str(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Mapping> {
        match &self.value {
            Yaml::Map(map) => Some(map),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Node]> {
        match &self.value {
            Yaml::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.value, Yaml::Null)
    }

    /// Names the kind of node as a person would: `a list`.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Yaml::Null => "nothing",
            Yaml::Bool(_) => "a boolean",
            Yaml::Int(_) | Yaml::Float(_) => "a number",
            Yaml::Str(_) => "a string",
            Yaml::List(_) => "a list",
            Yaml::Map(_) => "a mapping",
        }
    }

    /// The plain data, without places. A float JSON cannot hold (`.inf`, `.nan`) becomes its text.
    pub fn to_value(&self) -> Value {
        match &self.value {
            Yaml::Null => Value::Null,
            Yaml::Bool(flag) => Value::Bool(*flag),
            Yaml::Int(number) => Value::from(*number),
            Yaml::Float(number) => {
                Number::from_f64(*number).map_or_else(|| Value::from(number.to_string()), Value::Number)
            }
            Yaml::Str(text) => Value::from(text.as_str()),
            Yaml::List(items) => items.iter().map(Self::to_value).collect(),
            Yaml::Map(map) => Value::Object(map.to_map()),
        }
    }
}

impl Mapping {
    pub fn to_map(&self) -> Map<String, Value> {
        self.entries.iter().map(|(key, node)| (key.name.clone(), node.to_value())).collect()
    }
}
