//! Properties of pools and datasets: a value, and where it comes from.

use serde::{Deserialize, Serialize};

use crate::units::Size;

/// A property as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Numbers in full, as `-p` shows them.
    pub value: String,
    pub source: Source,
    /// The value that came with `zfs receive`, whatever counts now.
    pub received: Option<String>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Not a setting: it is so, or was decided when the dataset was made.
    None,
    Default,
    Local,
    Received,
    Inherited(String),
    /// Of this mount only.
    Temporary,
}

impl Source {
    pub fn describe(&self) -> String {
        match self {
            Self::None => "fixed".to_owned(),
            Self::Default => "default".to_owned(),
            Self::Local => "local".to_owned(),
            Self::Received => "received".to_owned(),
            Self::Inherited(from) => format!("inherited from {from}"),
            Self::Temporary => "of this mount only".to_owned(),
        }
    }
}

impl Property {
    pub fn local(value: impl Into<String>) -> Self {
        Self { value: value.into(), source: Source::Local, received: None }
    }

    /// Whether it is this because somebody said so here, or because nobody ever said anything.
    pub fn is(&self, name: &str, value: &str) -> bool {
        same(name, value, &self.value)
            && matches!(self.source, Source::Local | Source::Default | Source::None)
    }

    /// The value and where it comes from, in words.
    pub fn describe(&self) -> String {
        match self.source {
            Source::Local | Source::None => self.value.clone(),
            _ => format!("{} ({})", self.value, self.source.describe()),
        }
    }
}

/// Properties that are numbers. Source: zfsprops(7) and zpoolprops(7) of 2.1.
const NUMBERS: [&str; 15] = [
    "ashift",
    "copies",
    "filesystem_limit",
    "pbkdf2iters",
    "quota",
    "recordsize",
    "refquota",
    "refreservation",
    "reservation",
    "snapshot_limit",
    "special_small_blocks",
    "version",
    "volblocksize",
    "volsize",
    "dedupditto",
];

/// Whether two values of a property mean the same: numbers are compared as numbers, and `none` is no limit at all.
pub fn same(name: &str, left: &str, right: &str) -> bool {
    let counted = NUMBERS.contains(&name) || name.contains("quota@");
    // Limits on numbers of things are the largest number where there is none.
    let none = if name.ends_with("_limit") { u64::MAX } else { 0 };
    let number = |text: &str| match text {
        "none" | "-" => Some(none),
        text => text.parse::<Size>().ok().map(Size::bytes),
    };
    left == right || counted && number(left).is_some() && number(left) == number(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(same("recordsize", "1M", "1048576") && same("quota", "none", "0"));
        assert!(same("userquota@anna", "1G", "1073741824"));
        assert!(same("snapshot_limit", "none", "18446744073709551615"));
        assert!(!same("quota", "1M", "2M") && !same("org.example:size", "1M", "1048576"));
        assert!(!same("compression", "lz4", "on"));
    }

    #[test]
    fn what_is_inherited_is_not_set_here() {
        let property = |source| Property { value: "1048576".into(), source, received: None };
        assert!(property(Source::Local).is("recordsize", "1M"));
        assert!(!property(Source::Inherited("tank".into())).is("recordsize", "1M"));
        assert!(!property(Source::Received).is("recordsize", "1M"));
        assert_eq!(property(Source::Received).describe(), "1048576 (received)");
    }
}
