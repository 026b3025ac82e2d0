//! Many hosts with the same result are one entry.

use std::collections::BTreeMap;

use super::outcome::Told;
use super::paint::{BOLD, clean, indent, paint};

/// How many hosts are named before the rest is counted.
const NAMED: usize = 4;

/// One result of one host. A loop gives a host several, one for each item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) host: String,
    pub(super) item: Option<String>,
    pub(super) told: Told,
}

/// The entries in the order of `order`, hosts with equal results together. Items keep the order they came in.
pub(super) fn lines(entries: &[Entry], order: &[String], all_names: bool) -> Vec<String> {
    let ranks: BTreeMap<&str, usize> = order.iter().map(String::as_str).zip(0..).collect();
    let rank = |host: &str| ranks.get(host).copied().unwrap_or(order.len());
    // The how-manieth result of its host an entry is: the second items of all hosts belong together.
    let mut turns: BTreeMap<&str, usize> = BTreeMap::new();
    let mut groups: Vec<Group<'_>> = Vec::new();
    for entry in entries {
        let next = turns.entry(&entry.host).or_default();
        let turn = *next;
        *next += 1;
        let same = |group: &&mut Group<'_>| {
            group.turn == turn && group.first.item == entry.item && group.first.told == entry.told
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.hosts.push(&entry.host),
            None => groups.push(Group { turn, first: entry, hosts: vec![&entry.host] }),
        }
    }
    for group in &mut groups {
        group.hosts.sort_by_key(|host| rank(host));
    }
    groups.sort_by_key(|group| (group.turn, group.hosts.first().map(|host| rank(host))));
    groups.iter().flat_map(|group| group.lines(all_names)).collect()
}

struct Group<'a> {
    turn: usize,
    first: &'a Entry,
    hosts: Vec<&'a str>,
}

impl Group<'_> {
    fn lines(&self, all_names: bool) -> Vec<String> {
        let Told { status, style, title, body } = &self.first.told;
        let item = self.first.item.as_ref().map(|item| format!(" ({})", clean(item).replace('\n', " ")));
        let item = item.unwrap_or_default();
        let hosts = paint(BOLD, names(&self.hosts, all_names));
        let status = paint(*style, status);
        let mut first = format!("{hosts}{item} {status}");
        if !title.is_empty() {
            first = format!("{first}: {title}");
        } else if !body.is_empty() {
            first.push(':');
        }
        let mut all = vec![first];
        all.extend(indent(2, body.iter().cloned()));
        all
    }
}

/// `nas1, nas2` or `nas1, nas2, nas3 … (37 hosts)`.
pub(super) fn names(hosts: &[&str], all_names: bool) -> String {
    if all_names || hosts.len() <= NAMED {
        return clean(&hosts.join(", "));
    }
    format!("{} … ({} hosts)", clean(&hosts[..NAMED - 1].join(", ")), hosts.len())
}
