//! What went wrong in a template, before and after it has a place in a file.
//!
//! Only names and kinds of values are told, never values: minijinja's own debug output prints variables, and
//! variables are secrets.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source, Span};

/// A template that could not be evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateError {
    /// First line: lower case, standing alone.
    pub message: String,
    /// What to do, a line each.
    pub help: Vec<String>,
    /// The variables on the way from the template that was asked for to the text that is wrong.
    pub chain: Vec<String>,
    /// Something undefined was used; `default` and `is defined` would have taken it.
    pub(super) undefined: bool,
    /// The bytes of the template text that was asked for.
    pub(super) range: Option<Range<usize>>,
    /// The included file that is wrong, and where in it.
    pub(super) file: Option<Box<(Arc<Source>, Range<usize>)>>,
}

impl TemplateError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: Vec::new(),
            chain: Vec::new(),
            undefined: false,
            range: None,
            file: None,
        }
    }

    /// Something is undefined, and nobody knows what.
    pub(super) fn vague() -> Self {
        Self::new("something undefined is used")
            .help("an `if` without `else` gives nothing when it does not hold")
    }

    pub(super) fn is_vague(&self) -> bool {
        self.message == Self::vague().message
    }

    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    pub(super) fn at(mut self, range: Option<Range<usize>>) -> Self {
        self.range = range;
        self
    }

    /// The same, seen from a template that uses the variable `name`.
    pub(super) fn through(mut self, name: &str) -> Self {
        self.chain.insert(0, name.to_owned());
        self.range = None;
        self
    }

    /// A complaint about `text`, the value of the YAML scalar at `span`.
    pub(super) fn in_yaml(self, span: &Span, text: &str) -> Diagnostic {
        let at = match &self.range {
            Some(range) => inside(span, text, range),
            None => span.clone(),
        };
        self.complain(&at)
    }

    /// A complaint about a template file.
    pub(super) fn in_file(self, source: &Arc<Source>) -> Diagnostic {
        let at = match &self.range {
            Some(range) => Span::new(source, range.clone()),
            None => Span::whole(source),
        };
        self.complain(&at)
    }

    fn complain(self, at: &Span) -> Diagnostic {
        let through = match self.chain.split_first() {
            None => String::new(),
            Some((first, [])) => format!("in the value of `{first}`"),
            Some((first, rest)) => {
                let rest: Vec<String> = rest.iter().map(|name| format!("`{name}`")).collect();
                format!("in the value of `{first}`, through {}", rest.join(", "))
            }
        };
        let mut diagnostic = match &self.file {
            Some(place) => {
                let (file, range) = &**place;
                let label = if self.chain.is_empty() { String::new() } else { through };
                Diagnostic::new(self.message).at(&Span::new(file, range.clone()), label).note(at, "used here")
            }
            None => Diagnostic::new(self.message).at(at, through),
        };
        diagnostic.help = self.help;
        diagnostic
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for (at, name) in self.chain.iter().enumerate() {
            write!(f, "{}`{name}`", if at == 0 { " (in the value of " } else { ", through " })?;
        }
        if self.chain.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}

impl std::error::Error for TemplateError {}

/// Where the bytes `range` of a scalar's value stand in the YAML text of that scalar.
pub(super) fn inside(span: &Span, text: &str, range: &Range<usize>) -> Span {
    let start = text.floor_char_boundary(range.start.min(text.len()));
    let end = text.ceil_char_boundary(range.end.clamp(start, text.len()));
    let written = span.text();
    let base = span.range().start;
    let at = |offset: usize, length: usize| Span::new(span.source(), base + offset..base + offset + length);
    if let Some(offset) = written.find(text).filter(|_| !text.is_empty()) {
        return at(offset + start, end - start);
    }
    // A block scalar is the same text, line by line, further to the right.
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
    let line = text[line_start..line_end].trim_end();
    match written.find(line).filter(|_| !line.is_empty()) {
        Some(offset) => {
            let column = start - line_start;
            at(offset + column, end.min(line_end).saturating_sub(start))
        }
        None => span.find(&text[start..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_expression_in_a_quoted_and_in_a_block_scalar() {
        let source = Source::new("a.yml", "a: \"n {{ n }}\"\nb: |\n  n\n  {{ n }} x\n");
        let quoted = Span::new(&source, 3..14);
        assert_eq!(inside(&quoted, "n {{ n }}", &(5..6)).to_string(), "a.yml:1:10");
        let block = Span::new(&source, 18..source.text.len());
        let found = inside(&block, "n\n{{ n }} x\n", &(5..6));
        assert_eq!((found.to_string().as_str(), found.text()), ("a.yml:4:6", "n"));
    }
}
