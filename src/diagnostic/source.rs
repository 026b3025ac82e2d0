//! A text with a name, and a stretch of it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// A text that was read: a file, or something given on the command line.
#[derive(Debug)]
pub struct Source {
    /// How a person knows it: a path as they typed it, or `-e`.
    pub name: String,
    pub text: String,
    hidden: Mutex<Vec<Range<usize>>>,
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.text) == (&other.name, &other.text)
    }
}

impl Eq for Source {}

impl Source {
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into(), hidden: Mutex::default() })
    }

    /// The text as it may be shown: what was hidden is stars, and everything else is where it was.
    pub fn shown(&self) -> Cow<'_, str> {
        let hidden = self.hidden.lock().unwrap_or_else(PoisonError::into_inner);
        if hidden.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let within = |at: usize| hidden.iter().any(|range| range.contains(&at));
        let stars = |(at, letter): (usize, char)| match within(at) && letter != '\n' {
            true => "*".repeat(letter.len_utf8()),
            false => letter.to_string(),
        };
        Cow::Owned(self.text.char_indices().map(stars).collect())
    }
}

/// A stretch of a source, in bytes; always on character boundaries and within the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    source: Arc<Source>,
    start: usize,
    end: usize,
}

impl Span {
    /// The stretch `range` of `source`, pulled to the nearest boundaries that exist.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        let start = source.text.floor_char_boundary(range.start);
        let end = source.text.ceil_char_boundary(range.end.max(start)).max(start);
        Self { source: Arc::clone(source), start, end }
    }

    /// The whole of a source, for complaints about a file as such.
    pub fn whole(source: &Arc<Source>) -> Self {
        Self::new(source, 0..0)
    }

    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The text itself, as it stands in the source.
    pub fn text(&self) -> &str {
        &self.source.text[self.start..self.end]
    }

    /// Never shows this stretch in any complaint: it is a secret.
    pub fn hide(&self) {
        self.source.hidden.lock().unwrap_or_else(PoisonError::into_inner).push(self.range());
    }

    /// The part of this span where `needle` stands, or the whole of it where it cannot be found (a folded or
    /// escaped scalar does not contain its own value).
    #[must_use]
    pub fn find(&self, needle: &str) -> Self {
        match self.text().find(needle) {
            Some(at) if !needle.is_empty() => Self {
                source: Arc::clone(&self.source),
                start: self.start + at,
                end: self.start + at + needle.len(),
            },
            _ => self.clone(),
        }
    }

    /// Line and column of the start, counted from one; columns are characters.
    pub fn line_column(&self) -> (usize, usize) {
        let before = &self.source.text[..self.start];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_columns_in_characters() {
        let source = Source::new("a.yml", "ä: 1\nbö: twö\n");
        let at = source.text.find("twö").unwrap();
        let span = Span::new(&source, at..at + 4);
        assert_eq!((span.to_string().as_str(), span.text()), ("a.yml:2:5", "twö"));
    }

    #[test]
    fn never_leaves_the_text() {
        let source = Source::new("a", "ä");
        assert_eq!(Span::new(&source, 1..99).range(), 0..2);
    }
}
