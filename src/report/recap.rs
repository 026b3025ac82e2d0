//! The end of a run: a line per host, what was left undone, and one line that sums it up.

use super::fold::names;
use super::paint::{BOLD, GREEN, RED, YELLOW, count, elapsed, paint};
use super::plan::Tally;
use crate::event::HostRecap;

/// With more hosts than this, hosts with equal counts share a line.
const ONE_LINE_EACH: usize = 10;

/// What the reader of the stream has seen by the end of it.
#[derive(Debug)]
pub(super) struct Ending<'a> {
    pub(super) recap: &'a [HostRecap],
    pub(super) tally: Tally,
    pub(super) dry: bool,
    pub(super) elapsed_ms: u64,
    pub(super) interrupted: bool,
    /// Hosts that began a step and never said how it ended: `(host, step)`.
    pub(super) unheard: Vec<(String, String)>,
    pub(super) all_names: bool,
}

type Counts = [u32; 8];
const NAMES: [&str; 8] =
    ["ok", "changed", "unreachable", "failed", "refused", "skipped", "rescued", "ignored"];
/// Only these are always there; the others are shown where they happened.
const ALWAYS: usize = 6;

fn counts(host: &HostRecap) -> Counts {
    let HostRecap {
        host: _,
        ok,
        changed,
        unreachable,
        failed,
        refused,
        skipped,
        rescued,
        ignored,
        stopped_at: _,
    } = host;
    [*ok, *changed, *unreachable, *failed, *refused, *skipped, *rescued, *ignored]
}

fn sum(recap: &[HostRecap]) -> Counts {
    recap.iter().map(counts).fold([0; 8], |total, each| std::array::from_fn(|at| total[at] + each[at]))
}

/// How much a host has to say: trouble first, then changes, then silence.
fn quietness(counts: Counts) -> u8 {
    let [_, changed, unreachable, failed, refused, ..] = counts;
    if unreachable + failed + refused > 0 {
        0
    } else if changed > 0 {
        1
    } else {
        2
    }
}

impl Ending<'_> {
    pub(super) fn lines(&self) -> Vec<String> {
        let mut all = vec![paint(BOLD, "recap:")];
        all.extend(self.table());
        all.extend(self.stops());
        all.push(self.summary());
        all
    }

    fn table(&self) -> Vec<String> {
        let fold = self.recap.len() > ONE_LINE_EACH && !self.all_names;
        let mut rows: Vec<(Vec<&str>, Counts)> = Vec::new();
        for host in self.recap {
            let counts = counts(host);
            match rows.iter_mut().find(|(_, known)| fold && *known == counts) {
                Some((hosts, _)) => hosts.push(&host.host),
                None => rows.push((vec![&host.host], counts)),
            }
        }
        rows.sort_by_key(|(_, counts)| quietness(*counts));
        let total = sum(self.recap);
        let mut rows: Vec<(String, Counts)> =
            rows.into_iter().map(|(hosts, counts)| (names(&hosts, false), counts)).collect();
        rows.push(("total".to_owned(), total));
        let shown: Vec<usize> = (0..NAMES.len()).filter(|at| *at < ALWAYS || total[*at] > 0).collect();
        let label = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let lines = rows.iter().map(|(name, counts)| {
            let cells = shown.iter().map(|at| {
                let width = rows.iter().map(|(_, each)| each[*at].to_string().len()).max().unwrap_or(1);
                cell(*at, counts[*at], width)
            });
            format!("{name:label$} : {}", cells.collect::<Vec<_>>().join(" ").trim_end())
        });
        lines.collect()
    }

    /// Where hosts stopped before the end, and what nobody knows the end of.
    fn stops(&self) -> Vec<String> {
        let mut stops: Vec<(String, Vec<&str>)> = Vec::new();
        for host in self.recap {
            let Some(task) = &host.stopped_at else { continue };
            let word = if quietness(counts(host)) == 0 || !self.interrupted { "at" } else { "before" };
            let place = format!("stopped {word} {}", super::clean(task));
            match stops.iter_mut().find(|(known, _)| *known == place) {
                Some((_, hosts)) => hosts.push(&host.host),
                None => stops.push((place, vec![&host.host])),
            }
        }
        let mut all: Vec<String> = stops
            .iter()
            .map(|(place, hosts)| paint(YELLOW, format!("{place} on {}", names(hosts, self.all_names))))
            .collect();
        all.extend(self.unheard.iter().map(|(host, step)| {
            paint(
                RED,
                format!(
                    "{}: not known how this ended: {}",
                    super::clean(host),
                    super::clean(step).replace('\n', " ")
                ),
            )
        }));
        all
    }

    fn summary(&self) -> String {
        let total = sum(self.recap);
        let time = elapsed(self.elapsed_ms);
        let [_, changed, unreachable, failed, refused, ..] = total;
        let trouble: Vec<String> = [(unreachable, "unreachable"), (failed, "failed"), (refused, "refused")]
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect();
        let (word, style) = match (self.interrupted, trouble.is_empty()) {
            (true, _) => ("interrupted after", YELLOW),
            (false, false) => ("ended in trouble after", RED),
            (false, true) => ("done in", GREEN),
        };
        let trouble: String = trouble.iter().flat_map(|each| ["; ", each]).collect();
        let text = if self.dry {
            // Nothing may be read as "done" that was not.
            let cut = if self.interrupted { "; interrupted, so there may be more" } else { "" };
            let hosts = count(self.recap.len(), "host");
            format!("plan: {}{trouble}{cut}; nothing was done ({hosts}, {time})", self.tally.to_do())
        } else if changed == 0 && self.tally == Tally::default() {
            format!("{word} {time}, changed=0: nothing was changed{trouble}")
        } else {
            format!("{word} {time}, changed={changed}: {}{trouble}", self.tally.done())
        };
        paint(style, text)
    }
}

/// `failed=1`, padded to its column; coloured where it matters.
fn cell(at: usize, number: u32, width: usize) -> String {
    let text = format!("{}={number}", NAMES[at]);
    let pad = " ".repeat((NAMES[at].len() + 1 + width).saturating_sub(text.len()));
    let style = match (number, at) {
        (0, _) => return text + &pad,
        (_, 0) => GREEN,
        (_, 1 | 6 | 7) => YELLOW,
        (_, 2..=4) => RED,
        _ => return text + &pad,
    };
    paint(style, text) + &pad
}
