//! What is said about YAML that cannot be read, in words that help somebody who writes playbooks.
//!
//! Deliberately not here: complaints that need no more than one line where they arise.

use std::sync::Arc;

use granit_parser::{ErrorKind, ScanError};

use super::parse::DEEPEST;
use crate::diagnostic::{Diagnostic, Source, Span};

/// `p: {{ x }}`, the classic mistake: `span` is the value that lacks its quotes.
pub(super) fn unquoted(span: &Span) -> Diagnostic {
    Diagnostic::new("a value that begins with a template must be quoted")
        .at(span, "YAML reads this brace as a mapping")
        .help(if span.text().contains('"') {
            format!("quote the template: '{}'", span.text().replace('\'', "''"))
        } else {
            format!("quote the template: \"{}\"", span.text())
        })
}

pub(super) fn too_deep(span: &Span) -> Diagnostic {
    Diagnostic::new(format!("this text nests deeper than {DEEPEST} levels")).at(span, "too deep")
}

/// The parser's complaint in our words; its own text is the label.
pub(super) fn syntax(source: &Arc<Source>, error: &ScanError) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(0).min(source.text.len());
    let span = Span::new(source, at..at + usize::from(at < source.text.len()));
    if let Some(template) = open_template(source, at) {
        return unquoted(&template);
    }
    if *error.kind() == ErrorKind::RecursionLimitExceeded {
        return too_deep(&span);
    }
    let what = error.info();
    let complaint = Diagnostic::new("this is not valid YAML").at(&span, what);
    match error.kind() {
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation => {
            complaint.help("indent with spaces; YAML allows no tabs here")
        }
        ErrorKind::UnknownAnchor => {
            complaint.help("an anchor (`&name`) must stand before its alias (`*name`)")
        }
        _ => complaint
            .help("text with `: `, ` #`, or a leading `[`, `{`, `*`, `&`, `%`, `@` must be in quotes"),
    }
}

/// An unquoted template at the start of a value on the line of `at`, or on the line before.
fn open_template(source: &Arc<Source>, at: usize) -> Option<Span> {
    let before = &source.text[..source.text.floor_char_boundary(at)];
    let line = before.rfind('\n').map_or(0, |newline| newline + 1);
    let previous = before[..line.saturating_sub(1)].rfind('\n').map_or(0, |newline| newline + 1);
    let mut start = previous;
    for text in source.text[previous..].lines().take(if line > previous { 2 } else { 1 }) {
        let found = ["{{", "{%"].iter().filter_map(|opening| text.find(opening)).min();
        if let Some(found) = found {
            let lead = text[..found].trim_end();
            if lead.ends_with(':') || lead.ends_with('-') || lead.trim().is_empty() {
                return Some(Span::new(source, start + found..start + text.trim_end().len()));
            }
        }
        start += text.len() + 1;
    }
    None
}
