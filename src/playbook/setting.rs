//! A value that is either known from the text or known only once a template has been rendered.

use crate::diagnostic::Diagnostic;
use crate::value::{self, Value};
use crate::yaml::{Node, Yaml};

/// A keyword's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting<T> {
    Known(T),
    /// Has to be rendered for each host.
    Template(Node),
}

/// What a keyword can be set to.
pub trait Plain: Sized {
    /// As a person would call it: `a boolean`.
    const WANTED: &'static str;
    fn from_value(value: &Value) -> Option<Self>;
}

impl Plain for bool {
    const WANTED: &'static str = "a boolean";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => value::truth(text),
            Value::Number(number) => match number.as_i64() {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Plain for String {
    const WANTED: &'static str = "a string";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

impl Plain for u64 {
    const WANTED: &'static str = "a whole number that is not negative";

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }
}

impl Plain for f64 {
    const WANTED: &'static str = "a number that is not negative";

    fn from_value(value: &Value) -> Option<Self> {
        let number: f64 = match value {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().trim_end_matches('%').parse().ok()?,
            _ => return None,
        };
        (number.is_finite() && number >= 0.0).then_some(number)
    }
}

impl<T: Plain + Clone> Setting<T> {
    /// Reads a keyword's value; `None` where it can never be what is wanted.
    pub fn of(node: &Node) -> Option<Self> {
        if is_template(node) {
            return Some(Self::Template(node.clone()));
        }
        T::from_value(&node.to_value()).map(Self::Known)
    }

    /// The value where it needs no rendering.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Template(_) => None,
        }
    }

    /// The value for one host, with `render` for those that are templates.
    pub fn resolve<E: From<Diagnostic>>(
        &self,
        render: impl FnOnce(&Node) -> Result<Value, E>,
    ) -> Result<T, E> {
        match self {
            Self::Known(value) => Ok(value.clone()),
            Self::Template(node) => {
                let rendered = render(node)?;
                T::from_value(&rendered).ok_or_else(|| {
                    Diagnostic::new(format!(
                        "this template gives {}, where {} is needed",
                        value::kind(&rendered),
                        T::WANTED
                    ))
                    .at(&node.span, format!("gives `{rendered}`"))
                    .into()
                })
            }
        }
    }
}

/// Whether a scalar is known only after rendering or decrypting.
pub fn is_template(node: &Node) -> bool {
    match (&node.value, node.tag.as_deref()) {
        (_, Some("!vault" | "!vault-encrypted")) => true,
        (_, Some("!unsafe")) => false,
        (Yaml::Str(text), _) => has_template(text),
        _ => false,
    }
}

/// Whether text has anything a template engine would act on.
pub fn has_template(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|mark| text.contains(mark))
}

/// Whether nothing in this node has to be rendered.
pub fn is_literal(node: &Node) -> bool {
    match &node.value {
        Yaml::List(items) => items.iter().all(is_literal),
        Yaml::Map(map) => map.entries.iter().all(|(key, item)| !has_template(&key.name) && is_literal(item)),
        _ => !is_template(node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::{Source, Span};

    fn node(value: Yaml) -> Node {
        Node { value, span: Span::whole(&Source::new("a", "")), tag: None }
    }

    #[test]
    fn reads_what_ansible_takes_for_a_boolean() {
        assert_eq!(Setting::<bool>::of(&node(Yaml::Str("yes".into()))), Some(Setting::Known(true)));
        assert_eq!(Setting::<bool>::of(&node(Yaml::Str("maybe".into()))), None);
        assert!(matches!(
            Setting::<bool>::of(&node(Yaml::Str("{{ x }}".into()))),
            Some(Setting::Template(_))
        ));
    }

    #[test]
    fn says_what_a_template_gave_instead() {
        let setting = Setting::<bool>::Template(node(Yaml::Str("{{ x }}".into())));
        let error = setting.resolve(|_| Ok::<_, Diagnostic>(Value::from(7))).unwrap_err();
        assert_eq!(error.title, "this template gives a number, where a boolean is needed");
    }
}
