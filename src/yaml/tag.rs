//! Tags: `!vault`, `!unsafe` and YAML's own. Any other is an error, because nothing would act on it.

use granit_parser::Tag;

use super::{Yaml, resolve};
use crate::diagnostic::{Diagnostic, Span};

/// The tags a value may carry besides YAML's own.
const TAGS: [&str; 3] = ["!vault", "!vault-encrypted", "!unsafe"];

/// The value of a scalar with the tag `tag`.
pub(super) fn scalar(tag: &Tag, text: &str, span: &Span) -> Result<Yaml, Diagnostic> {
    let written = tag.original();
    if written == "!" || TAGS.contains(&written.as_str()) {
        return Ok(Yaml::Str(text.to_owned()));
    }
    match tag.core_suffix() {
        Some(kind) => resolve::tagged(kind, text).ok_or_else(|| {
            Diagnostic::new(format!("`{text}` is not what the tag `{written}` says"))
                .at(span, format!("cannot be read as `{kind}`"))
        }),
        None => Err(unknown_tag(&written, span)),
    }
}

/// Whether `tag` may stand before a list or a mapping.
pub(super) fn collection(tag: &Tag, list: bool, span: &Span) -> Result<(), Diagnostic> {
    let written = tag.original();
    match (tag.core_suffix(), list) {
        (Some("seq"), true) | (Some("map"), false) => Ok(()),
        _ if written == "!unsafe" => Ok(()),
        (Some(_), _) => Err(Diagnostic::new(format!("the tag `{written}` does not fit this value"))
            .at(span, if list { "this is a list" } else { "this is a mapping" })),
        (None, _) => Err(unknown_tag(&written, span)),
    }
}

fn unknown_tag(written: &str, span: &Span) -> Diagnostic {
    Diagnostic::new(format!("the tag `{written}` is not known"))
        .at(span, "")
        .did_you_mean(written, TAGS)
        .help("known tags are `!vault`, `!unsafe` and YAML's own (`!!str`, `!!int`, `!!float`, `!!bool`)")
}
