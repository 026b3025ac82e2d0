//! From a text to its documents: a tree of [`Node`]s, each with its place.
//!
//! The grammar is granit-parser's; this file builds the tree, resolves aliases and `<<`, refuses what would be
//! silently lost (a key written twice, an unknown tag) and keeps the tree within bounds. It reads no files and
//! knows nothing of playbooks.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle, Tag};

use super::complaint::{syntax, too_deep, unquoted};
use super::merge::merge;
use super::{Key, Mapping, Node, Yaml, resolve, tag};
use crate::diagnostic::{Diagnostic, Source, Span};

/// How deep collections may nest, aliases followed: everything that walks a tree recurses this far.
pub(super) const DEEPEST: usize = 128;
/// How many nodes a text may become; aliases count each time (the "billion laughs" stop here).
const MOST_NODES: usize = 2_000_000;

/// All documents of a text. A text without content has none.
pub fn parse(source: &Arc<Source>) -> Result<Vec<Node>, Diagnostic> {
    let mut builder = Builder::new(source);
    // As PyYAML: a literal block at the very end has no line break that is not written.
    let options = granit_parser::options! { block_scalar_eof_without_line_feed: true };
    for event in Parser::new_from_str_with_options(&source.text, options) {
        let (event, span) = event.map_err(|error| syntax(source, &error))?;
        let range = span.byte_range().unwrap_or(0..0);
        builder.hear(event, range)?;
    }
    Ok(builder.documents)
}

/// The one document of a text; nothing at all where the text is empty.
pub fn parse_one(source: &Arc<Source>) -> Result<Node, Diagnostic> {
    let mut documents = parse(source)?;
    match documents.len() {
        0 => Ok(Node { value: Yaml::Null, span: Span::whole(source), tag: None }),
        1 => Ok(documents.remove(0)),
        count => Err(Diagnostic::new(format!("`{}` holds {count} documents instead of one", source.name))
            .at(&documents[1].span, "the second document begins here")
            .help("put each document into a file of its own, or remove the `---` between them")),
    }
}

/// A collection whose end has not been seen.
struct Open {
    start: usize,
    tag: Option<String>,
    anchor: usize,
    flow: bool,
    /// The end of what it holds so far, in bytes.
    end: usize,
    /// How many levels it has below itself.
    height: usize,
    /// How many nodes it has become, itself included.
    size: usize,
    kind: Kind,
}

enum Kind {
    List(Vec<Node>),
    Map(Box<OpenMap>),
}

#[derive(Default)]
struct OpenMap {
    entries: Vec<(Key, Node)>,
    /// The names in `entries`.
    seen: HashSet<String>,
    key: Option<Pending>,
    /// `<<` and its value.
    merged: Option<(Key, Node)>,
}

/// The key whose value comes next.
struct Pending {
    key: Key,
    merges: bool,
}

/// A node an alias may repeat.
struct Anchored {
    node: Node,
    height: usize,
    size: usize,
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    documents: Vec<Node>,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        Self { source, open: Vec::new(), anchors: HashMap::new(), nodes: 0, documents: Vec::new() }
    }

    fn hear(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), Diagnostic> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(&text, style, anchor, tag.as_deref(), range)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.begin(Kind::List(Vec::new()), style, anchor, tag.as_deref(), &range)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.begin(Kind::Map(Box::default()), style, anchor, tag.as_deref(), &range)
            }
            Event::SequenceEnd | Event::MappingEnd => self.finish(&range),
            Event::Alias(anchor) => self.alias(anchor, &range),
            // What else there is concerns the stream, and unresolved aliases are errors of the parser.
            _ => Ok(()),
        }
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, range)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        range: Range<usize>,
    ) -> Result<(), Diagnostic> {
        let span = self.span(range.clone());
        let plain = style == ScalarStyle::Plain;
        if self.wants_key() {
            // The parser says `~` for a key that is not there.
            let text = if plain && range.is_empty() { "" } else { text };
            let merges = plain && tag.is_none() && text == "<<";
            return self.key(Pending { key: Key { name: text.to_owned(), span }, merges });
        }
        let value = match tag {
            Some(tag) => tag::scalar(tag, text, &span)?,
            None if plain => resolve::plain(text),
            None => Yaml::Str(text.to_owned()),
        };
        let node = Node { value, span, tag: tag.map(Tag::original) };
        self.count(1, &node.span)?;
        self.keep(anchor, &node, 0, 1);
        self.place(node, 0, 1, range.end);
        Ok(())
    }

    fn begin(
        &mut self,
        kind: Kind,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        range: &Range<usize>,
    ) -> Result<(), Diagnostic> {
        let flow = style == StructureStyle::Flow;
        if self.wants_key() {
            return Err(self.odd_key(flow && matches!(kind, Kind::Map(_)), range));
        }
        if let Some(tag) = tag {
            tag::collection(tag, matches!(kind, Kind::List(_)), &self.span(range.clone()))?;
        }
        if self.open.len() >= DEEPEST {
            return Err(too_deep(&self.span(range.clone())));
        }
        self.count(1, &self.span(range.clone()))?;
        let tag = tag.map(Tag::original);
        self.open.push(Open {
            start: range.start,
            tag,
            anchor,
            flow,
            end: range.end,
            height: 0,
            size: 1,
            kind,
        });
        Ok(())
    }

    fn finish(&mut self, range: &Range<usize>) -> Result<(), Diagnostic> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let end = if open.flow { range.end } else { open.end };
        let span = self.span(open.start..end);
        let value = match open.kind {
            Kind::List(items) => Yaml::List(items),
            Kind::Map(map) => Yaml::Map(Mapping {
                entries: match map.merged {
                    Some((key, node)) => merge(&key, node, map.entries, map.seen)?,
                    None => map.entries,
                },
            }),
        };
        let node = Node { value, span, tag: open.tag };
        self.keep(open.anchor, &node, open.height, open.size);
        self.place(node, open.height, open.size, end);
        Ok(())
    }

    fn alias(&mut self, anchor: usize, range: &Range<usize>) -> Result<(), Diagnostic> {
        let span = self.span(range.clone());
        if self.wants_key() {
            return Err(Diagnostic::new("a key must be text, not an alias").at(&span, "used as a key"));
        }
        let Some((height, size)) = self.anchors.get(&anchor).map(|known| (known.height, known.size)) else {
            return Err(Diagnostic::new("an alias stands inside the value it repeats")
                .at(&span, "this would never end"));
        };
        if self.open.len() + height > DEEPEST {
            return Err(too_deep(&span));
        }
        self.count(size, &span)?;
        let node = self.anchors[&anchor].node.clone();
        self.place(node, height, size, range.end);
        Ok(())
    }

    /// Whether the next node is a key.
    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { kind: Kind::Map(map), .. }) if map.key.is_none())
    }

    fn key(&mut self, pending: Pending) -> Result<(), Diagnostic> {
        let Some(Open { kind: Kind::Map(map), .. }) = self.open.last_mut() else {
            return Ok(());
        };
        let new = &pending.key;
        let first = if pending.merges {
            map.merged.as_ref().map(|(first, _)| first)
        } else if map.seen.insert(new.name.clone()) {
            None
        } else {
            map.entries.iter().map(|(first, _)| first).find(|first| first.name == new.name)
        };
        if let Some(first) = first {
            let complaint = Diagnostic::new(format!("the key `{}` is written twice", new.name))
                .at(&new.span, "the second time")
                .note(&first.span, "the first time");
            return Err(if pending.merges {
                complaint.help("merge several mappings with one list: `<<: [*first, *second]`")
            } else {
                complaint.help("only one of them can count; remove or rename the other")
            });
        }
        map.key = Some(pending);
        Ok(())
    }

    fn place(&mut self, node: Node, height: usize, size: usize, end: usize) {
        let Some(parent) = self.open.last_mut() else {
            self.documents.push(node);
            self.anchors.clear();
            return;
        };
        parent.height = parent.height.max(height + 1);
        parent.size += size;
        parent.end = parent.end.max(end);
        match &mut parent.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(map) => match map.key.take() {
                Some(Pending { key, merges: false }) => map.entries.push((key, node)),
                Some(Pending { key, merges: true }) => map.merged = Some((key, node)),
                None => {}
            },
        }
    }

    fn keep(&mut self, anchor: usize, node: &Node, height: usize, size: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, Anchored { node: node.clone(), height, size });
        }
    }

    fn count(&mut self, more: usize, span: &Span) -> Result<(), Diagnostic> {
        self.nodes += more;
        if self.nodes <= MOST_NODES {
            return Ok(());
        }
        Err(Diagnostic::new(format!("this text becomes more than {MOST_NODES} values"))
            .at(span, "the limit is reached here")
            .help("aliases count each time they are used; split the file or repeat less"))
    }

    /// A collection where a key should be; most often a template somebody forgot to quote.
    fn odd_key(&self, flow_map: bool, range: &Range<usize>) -> Diagnostic {
        let outer = self.open.last().filter(|outer| outer.flow && flow_map);
        match outer {
            Some(outer) if self.source.text[outer.start..].starts_with("{{") => {
                let line = self.source.text[outer.start..].lines().next().unwrap_or_default();
                let line = line.split(" #").next().unwrap_or(line).trim_end();
                let inner = self.open.len() > 1 && self.open[self.open.len() - 2].flow;
                let value = match line.find("}}") {
                    Some(at) if inner => &line[..at + 2],
                    _ => line,
                };
                unquoted(&self.span(outer.start..outer.start + value.len()))
            }
            _ => Diagnostic::new("a key must be text, not a list or a mapping")
                .at(&self.span(range.clone()), "used as a key")
                .help("if this is meant as text, put it in quotes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::{any, proptest};
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Result<Node, Diagnostic> {
        parse_one(&Source::new("a.yml", text))
    }

    fn value(text: &str) -> crate::value::Value {
        read(text).unwrap_or_else(|complaint| panic!("{}", complaint.render(false))).to_value()
    }

    fn complaint(text: &str) -> String {
        read(text).map(|node| node.to_value()).unwrap_err().render(false)
    }

    #[test]
    fn reads_nested_collections_in_order() {
        assert_eq!(
            value("b: [1, two, {c: ~}]\na:\n- x: 'no'\n  y: no\n80: http\n").to_string(),
            r#"{"b":[1,"two",{"c":null}],"a":[{"x":"no","y":false}],"80":"http"}"#
        );
    }

    #[test]
    fn nodes_know_their_text() {
        let node = read("a: 'q'\nb:\n  c: 1\n  d: [x,\n    y]\ne: |\n  text\n").unwrap();
        let map = node.as_map().unwrap();
        assert_eq!(map.get("a").unwrap().span.text(), "'q'");
        assert_eq!(map.get("b").unwrap().span.text(), "c: 1\n  d: [x,\n    y]");
        assert_eq!(map.key("b").unwrap().span.to_string(), "a.yml:2:1");
        assert_eq!(map.get("e").unwrap().as_str(), Some("text\n"));
    }

    #[test]
    fn merges_as_pyyaml_does() {
        let text =
            "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nall:\n  <<: [*one, *two]\n  c: 3\n'<<': kept\n";
        assert_eq!(value(text)["all"], json!({"a": 1, "b": 1, "c": 3}));
        assert_eq!(value(text)["<<"], json!("kept"));
        assert_eq!(
            value("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, x: 3}")["c"],
            json!({"x": 3, "y": 2})
        );
        assert!(complaint("a: {<<: 1}").contains("this is a number"));
    }

    #[test]
    fn keeps_tags() {
        let node =
            read("a: !vault |\n  $ANSIBLE\nb: !unsafe '{{ x }}'\nc: !!str 0644\nd: !unsafe [x]\n").unwrap();
        let map = node.as_map().unwrap();
        let tag = |name: &str| map.get(name).unwrap().tag.clone().unwrap();
        assert_eq!([tag("a"), tag("b"), tag("c"), tag("d")], ["!vault", "!unsafe", "!!str", "!unsafe"]);
        assert_eq!(map.get("c").unwrap().as_str(), Some("0644"));
        assert!(complaint("a: !valut x").contains("did you mean `!vault`?"));
        assert!(complaint("a: !!python/object:os.system {}").contains("not known"));
    }

    #[test]
    fn reads_documents() {
        assert_eq!(parse(&Source::new("a", "---\na: 1\n---\nb: 2\n")).unwrap().len(), 2);
        assert!(read("").unwrap().is_null());
        assert!(read("# nothing\n").unwrap().is_null());
        assert!(read("---\n").unwrap().is_null());
        assert_eq!(value("a: |\n  b"), json!({"a": "b"}));
        assert_eq!(value("? "), json!({"": null}));
        assert!(complaint("---\na: 1\n---\nb: 2\n").contains("2 documents instead of one"));
    }

    #[test]
    fn a_key_written_twice_is_shown_at_both_places() {
        insta::assert_snapshot!(complaint("a: 1\nb: 2\na: 3\n"), @r"
        error: the key `a` is written twice
         --> a.yml:3:1
          |
        1 | a: 1
          | - the first time
        2 | b: 2
        3 | a: 3
          | ^ the second time
          |
          = help: only one of them can count; remove or rename the other
        ");
    }

    #[test]
    fn a_template_without_quotes_is_recognised() {
        insta::assert_snapshot!(complaint("path: {{ base }}/data\n"), @r#"
        error: a value that begins with a template must be quoted
         --> a.yml:1:7
          |
        1 | path: {{ base }}/data
          |       ^^^^^^^^^^^^^^^ YAML reads this brace as a mapping
          |
          = help: quote the template: "{{ base }}/data"
        "#);
        for text in
            ["p: {{ x }}", "- {{ x }}\n- b", "p: {% if x %}y{% endif %}", "p: {{ x | d('a: b') }}z\nq: 1\n"]
        {
            assert!(complaint(text).contains("quote the template"), "{text}: {}", complaint(text));
        }
        assert_eq!(value("p: x{{ y }}"), json!({"p": "x{{ y }}"}));
    }

    #[test]
    fn syntax_errors_show_their_place() {
        insta::assert_snapshot!(complaint("a: b: c\n"), @r"
        error: this is not valid YAML
         --> a.yml:1:5
          |
        1 | a: b: c
          |     ^ mapping values are not allowed in this context
          |
          = help: text with `: `, ` #`, or a leading `[`, `{`, `*`, `&`, `%`, `@` must be in quotes
        ");
        insta::assert_snapshot!(complaint("a:\n\t- b\n"), @r"
        error: this is not valid YAML
         --> a.yml:2:2
          |
        2 |     - b
          |     ^ tabs disallowed within this context (block indentation)
          |
          = help: indent with spaces; YAML allows no tabs here
        ");
        insta::assert_snapshot!(complaint("a: *nobody\n"), @r"
        error: this is not valid YAML
         --> a.yml:1:4
          |
        1 | a: *nobody
          |    ^ while parsing node, found unknown anchor
          |
          = help: an anchor (`&name`) must stand before its alias (`*name`)
        ");
        assert!(complaint("a: [1, 2\n").contains("not valid YAML"));
        assert!(complaint("? [a, b]\n: 1\n").contains("a key must be text"));
    }

    #[test]
    fn bombs_and_towers_stop() {
        let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
        for level in 1..10 {
            let repeat = vec![format!("*a{}", level - 1); 10].join(", ");
            writeln!(laughs, "a{level}: &a{level} [{repeat}]").unwrap();
        }
        assert!(complaint(&laughs).contains("more than 2000000 values"));
        assert!(complaint(&"[".repeat(20_000)).contains("deeper than"));
        assert!(complaint("a: &a [*a]").contains("never end"));
        let mut tower = String::from("a0: &a0 [x]\n");
        for level in 1..200 {
            writeln!(tower, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
        }
        assert!(complaint(&tower).contains("deeper than"));
    }

    #[test]
    fn many_keys_do_not_take_for_ever() {
        let mut text = String::new();
        for n in 0..50_000 {
            writeln!(text, "key{n}: {n}").unwrap();
        }
        assert_eq!(read(&text).unwrap().as_map().unwrap().entries.len(), 50_000);
    }

    proptest! {
        #[test]
        fn never_panics_on_text(text in any::<String>()) {
            let _ = parse(&Source::new("a", text)).map_err(|complaint| complaint.render(false));
        }

        #[test]
        fn never_panics_on_what_looks_like_yaml(text in "([a-c]|: |- |\n|  |\\{\\{|\\}|\\[|\\]|&a|\\*a|<<: |'|\"|!|\\||>|\t|#|%|,|\\?|ä){0,40}") {
            let _ = parse(&Source::new("a", text)).map_err(|complaint| complaint.render(false));
        }
    }
}
