//! What nobody may read: a [`Secret`] cannot be shown by mistake, and [`Secrets`] are taken out of other texts.
//!
//! A secret comes in with an order's arguments, which are plain JSON that nobody but the agent reads. Out it goes only
//! through [`Secret::reveal`], on the standard input of a program: written down in whatever form (a plan, a prediction,
//! a report, an event, a debug line) it is `***`. So a dry run and a real run still tell the same, and nobody downstream
//! has to remember to hide anything.

mod known;

pub use known::Secrets;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What is shown instead.
pub(crate) const MASK: &str = "***";

/// A text nobody may read.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whoever hands it to a program.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// One way only: what is written down is never the secret.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, into: S) -> Result<S::Ok, S::Error> {
        into.serialize_str(MASK)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Not `invalid type: string "hunter2"` and the like: what was given is not repeated.
        String::deserialize(from).map(Self).map_err(|_| serde::de::Error::custom("a secret has to be text"))
    }
}

/// Text that is only written: by this word (`writeOnly`) everybody who handles arguments knows it.
impl schemars::JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "writeOnly": true})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_in_and_is_never_written_down() {
        let secret: Secret = serde_json::from_str("\"hunter2\"").unwrap();
        assert_eq!(secret.reveal(), "hunter2");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "*** Some(***)");
        let bytes = postcard::to_allocvec(&secret).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    }

    #[test]
    fn what_was_given_wrongly_is_not_repeated() {
        let error = serde_json::from_str::<Secret>("12345678").unwrap_err().to_string();
        assert!(error.contains("a secret has to be text") && !error.contains("1234"), "{error}");
    }
}
