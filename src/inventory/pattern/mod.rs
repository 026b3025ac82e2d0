//! Whom a pattern means: `hosts:` of a play, and `--limit`.
//!
//! Terms are separated by `,` or `:`. Whatever their order, plain terms come first, then `&` (and also in), then
//! `!` (but not in). A term is a name, a glob, or `~` and a regular expression; `[0]`, `[-1]`, `[0:2]` pick from it.

use std::path::Path;

use super::{ALL, Host, Inventory, LOCALHOST, files};
use crate::diagnostic::{Diagnostic, Source, Span};

mod subscript;
mod text;

use subscript::Subscript;
use text::Matcher;

/// The hosts `pattern` means, each once, in the order of the terms and then of the inventory.
pub(super) fn select<'a>(
    inventory: &'a Inventory,
    pattern: &str,
    span: Option<&Span>,
) -> Result<Vec<&'a Host>, Diagnostic> {
    let terms = text::split(pattern);
    if terms.is_empty() {
        let complaint = Diagnostic::new("a pattern of hosts is empty").help("write `all` to mean every host");
        return Err(match span {
            Some(span) => complaint.at(span, "names nobody"),
            None => complaint,
        });
    }
    let mut selection = Selection::new(inventory);
    selection.take(terms.into_iter().map(|term| (term, span.map(|span| span.find(term)))))?;
    Ok(selection.hosts())
}

/// The hosts `--limit` means; `@file` stands for the patterns in that file, a line each.
pub(super) fn limit<'a>(inventory: &'a Inventory, limit: &str) -> Result<Vec<&'a Host>, Diagnostic> {
    let source = Source::new("--limit", limit);
    let mut terms: Vec<(String, Span)> = Vec::new();
    for term in text::split(limit) {
        match term.strip_prefix('@') {
            None => terms.push((term.to_owned(), Span::new(&source, 0..limit.len()).find(term))),
            Some(path) => {
                let file = files::text(inventory.files.as_ref(), Path::new(path))?;
                let whole = Span::new(&file, 0..file.text.len());
                let lines = file
                    .text
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty() && !line.starts_with('#'));
                terms.extend(lines.flat_map(text::split).map(|term| (term.to_owned(), whole.find(term))));
            }
        }
    }
    if terms.is_empty() {
        return Err(Diagnostic::new(format!("`--limit {limit}` names nobody")));
    }
    let mut selection = Selection::new(inventory);
    selection.take(terms.iter().map(|(term, span)| (term.as_str(), Some(span.clone()))))?;
    Ok(selection.hosts())
}

/// Hosts as numbers: those of the inventory, then this machine's implicit names.
struct Selection<'a> {
    inventory: &'a Inventory,
    chosen: Vec<usize>,
}

impl<'a> Selection<'a> {
    fn new(inventory: &'a Inventory) -> Self {
        Self { inventory, chosen: Vec::new() }
    }

    fn hosts(self) -> Vec<&'a Host> {
        let written = self.inventory.hosts.len();
        self.chosen
            .into_iter()
            .map(|index| match index.checked_sub(written) {
                None => &self.inventory.hosts[index],
                Some(implicit) => &self.inventory.implicit[implicit],
            })
            .collect()
    }

    fn take<'t>(&mut self, terms: impl Iterator<Item = (&'t str, Option<Span>)>) -> Result<(), Diagnostic> {
        let (mut plain, mut both, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for (term, span) in terms {
            match term.split_at_checked(1) {
                Some(("&", rest)) => both.push((rest, span)),
                Some(("!", rest)) => without.push((rest, span)),
                _ => plain.push((term, span)),
            }
        }
        if plain.is_empty() {
            plain.push((ALL, None));
        }
        let mut chosen = self.flags();
        for (term, span) in plain {
            for host in self.matches(term, span.as_ref())? {
                if !std::mem::replace(&mut chosen[host], true) {
                    self.chosen.push(host);
                }
            }
        }
        for (term, span) in both {
            let mut here = self.flags();
            self.matches(term, span.as_ref())?.into_iter().for_each(|host| here[host] = true);
            self.chosen.retain(|host| here[*host]);
        }
        for (term, span) in without {
            let mut here = self.flags();
            self.matches(term, span.as_ref())?.into_iter().for_each(|host| here[host] = true);
            self.chosen.retain(|host| !here[*host]);
        }
        Ok(())
    }

    fn flags(&self) -> Vec<bool> {
        vec![false; self.inventory.hosts.len() + self.inventory.implicit.len()]
    }

    /// The hosts one term means, without its sign.
    fn matches(&self, term: &str, span: Option<&Span>) -> Result<Vec<usize>, Diagnostic> {
        let place = |complaint: Diagnostic| match span {
            Some(span) => complaint.at(span, ""),
            None => complaint,
        };
        // A host of exactly this name is meant, whatever its name looks like.
        if let Some(index) = self.inventory.hosts.get_index_of(term)
            && !self.inventory.groups.contains_key(term)
        {
            return Ok(vec![index]);
        }
        let (name, subscript) = Subscript::split(term);
        let matcher = Matcher::new(name)
            .map_err(|why| place(Diagnostic::new(format!("`{name}` is not a regular expression: {why}"))))?;
        let hosts = match &matcher {
            Matcher::Name(name) => self.named(name).ok_or_else(|| place(self.nobody(name)))?,
            Matcher::Like(_) => self.matching(&matcher),
        };
        match subscript {
            None => Ok(hosts),
            Some(subscript) => subscript.pick(&hosts).ok_or_else(|| {
                place(Diagnostic::new(format!(
                    "`{term}` asks for a host that is not there: `{name}` has {}",
                    counted(hosts.len())
                )))
            }),
        }
    }

    fn named(&self, name: &str) -> Option<Vec<usize>> {
        if let Some(index) = self.inventory.groups.get_index_of(name) {
            return Some(self.inventory.member_indices(index));
        }
        if let Some(index) = self.inventory.hosts.get_index_of(name) {
            return Some(vec![index]);
        }
        let implicit = self.inventory.implicit.iter().position(|host| host.name.as_str() == name)?;
        Some(vec![self.inventory.hosts.len() + implicit])
    }

    fn matching(&self, matcher: &Matcher) -> Vec<usize> {
        let groups = self.inventory.groups.values().enumerate();
        let mut found: Vec<usize> = groups
            .filter(|(_, group)| matcher.matches(&group.name))
            .flat_map(|(index, _)| self.inventory.member_indices(index))
            .collect();
        let hosts = self.inventory.hosts.values().enumerate();
        found.extend(hosts.filter(|(_, host)| matcher.matches(host.name.as_str())).map(|(index, _)| index));
        let mut seen = self.flags();
        found.retain(|host| !std::mem::replace(&mut seen[*host], true));
        found
    }

    fn nobody(&self, name: &str) -> Diagnostic {
        let groups = self.inventory.groups.keys().map(String::as_str);
        let hosts = self.inventory.hosts.values().map(|host| host.name.as_str());
        let complaint = Diagnostic::new(format!("no host and no group is called `{name}`"))
            .did_you_mean(name, groups.chain(hosts).chain(LOCALHOST));
        if self.inventory.hosts.is_empty() {
            return complaint.help("the inventory has no hosts; name one with `-i`");
        }
        complaint
    }
}

fn counted(hosts: usize) -> String {
    match hosts {
        0 => "no hosts".to_owned(),
        1 => "one host".to_owned(),
        more => format!("{more} hosts"),
    }
}
