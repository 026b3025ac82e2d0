//! A complaint as a person reads it, in the shape rustc has made familiar.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Diagnostic, Diagnostics, Label};

impl Diagnostic {
    /// The whole complaint, ending in a newline; `coloured` only where somebody looks at a terminal.
    pub fn render(&self, coloured: bool) -> String {
        self.render_as(Level::ERROR, coloured)
    }

    /// The same as a warning: odd, but no reason to stop.
    pub fn render_warning(&self, coloured: bool) -> String {
        self.render_as(Level::WARNING, coloured)
    }

    fn render_as(&self, level: Level<'_>, coloured: bool) -> String {
        let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
        let mut text = renderer.render(&[self.group(level)]);
        text.push('\n');
        text
    }

    fn group<'a>(&'a self, level: Level<'a>) -> Group<'a> {
        let mut group = Group::with_title(level.primary_title(self.title.as_str()));
        let mut others: Vec<&Label> = self.notes.iter().collect();
        if let Some(at) = &self.at {
            let mut snippet = Snippet::source(at.span.source().shown())
                .path(at.span.source().name.as_str())
                .fold(true)
                .annotation(AnnotationKind::Primary.span(at.span.range()).label(at.text.as_str()));
            others.retain(|note| {
                let here = note.span.source() == at.span.source();
                if here {
                    snippet = snippet.clone().annotation(
                        AnnotationKind::Context.span(note.span.range()).label(note.text.as_str()),
                    );
                }
                !here
            });
            group = group.element(snippet);
        }
        for note in others {
            let snippet = Snippet::source(note.span.source().shown())
                .path(note.span.source().name.as_str())
                .fold(true)
                .annotation(AnnotationKind::Context.span(note.span.range()).label(note.text.as_str()));
            group = group.element(snippet);
        }
        for help in &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        group
    }
}

impl Diagnostics {
    /// All complaints, a blank line between them, and how many there were when it is more than one.
    pub fn render(&self, coloured: bool) -> String {
        let mut text = self.0.iter().map(|one| one.render(coloured)).collect::<Vec<_>>().join("\n");
        if self.0.len() > 1 {
            use std::fmt::Write as _;
            let _ = write!(text, "\n{} problems found; nothing was done\n", self.0.len());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Source, Span};
    use super::*;

    #[test]
    fn what_is_hidden_is_not_shown_and_moves_nothing() {
        let source = Source::new("site.yml", "- luks: {passphrase: hünter2, nme: box}\n");
        let at = |word: &str| {
            let start = source.text.find(word).unwrap();
            Span::new(&source, start..start + word.len())
        };
        at("hünter2").hide();
        let text = Diagnostic::new("`luks` has no argument `nme`").at(&at("nme"), "").render(false);
        assert!(text.contains("- luks: {passphrase: ********, nme: box}"), "{text}");
    }

    #[test]
    fn shows_the_place_and_what_to_do() {
        let source = Source::new("site.yml", "- hosts: all\n  taks: []\n");
        let span = Span::new(&source, 15..19);
        let text = Diagnostic::new("a play has no keyword `taks`")
            .at(&span, "not a keyword")
            .did_you_mean("taks", ["tasks", "roles"])
            .render(false);
        insta::assert_snapshot!(text, @r"
        error: a play has no keyword `taks`
         --> site.yml:2:3
          |
        2 |   taks: []
          |   ^^^^ not a keyword
          |
          = help: did you mean `tasks`?
        ");
    }
}
