//! Complaints about text a person wrote: where it is, what is wrong, what to do.
//!
//! A [`Diagnostic`] is one of the three kinds of no (the others are `Refusal` and `Failure`, in `plan`).
//! It never decides the exit code and never prints itself.

mod render;
mod source;

pub use source::{Source, Span};

/// One thing that is wrong with the text, found before any host is touched.
#[derive(Debug, Clone, PartialEq)]
pub struct Diagnostic {
    /// First line: lower case, standing alone.
    pub title: String,
    /// The place the reader should look at first; `None` for complaints without a file (flags).
    pub at: Option<Label>,
    /// Other places that explain the first.
    pub notes: Vec<Label>,
    /// What to do, a line each.
    pub help: Vec<String>,
}

/// Words beside a stretch of text.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

impl Diagnostic {
    /// A complaint with its first line.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), at: None, notes: Vec::new(), help: Vec::new() }
    }

    /// Where it is, with a few words beside the text (may be empty).
    #[must_use]
    pub fn at(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.at = Some(Label { span: span.clone(), text: text.into() });
        self
    }

    /// Another place that explains the first.
    #[must_use]
    pub fn note(mut self, span: &Span, text: impl Into<String>) -> Self {
        self.notes.push(Label { span: span.clone(), text: text.into() });
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// `did you mean ...`, when one of `candidates` is close to `word`.
    #[must_use]
    pub fn did_you_mean<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match crate::value::closest(word, candidates) {
            Some(meant) => self.help(format!("did you mean `{meant}`?")),
            None => self,
        }
    }
}

/// All complaints of one pass: collected, then shown together.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the value of a part that went well, and the complaint of one that did not.
    pub fn take<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|diagnostic| self.push(diagnostic)).ok()
    }

    /// `value`, unless something was wrong.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl Extend<Diagnostic> for Diagnostics {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, more: I) {
        self.0.extend(more);
    }
}
