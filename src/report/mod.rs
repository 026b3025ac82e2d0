//! Readers of the event stream that show it: to a person on a terminal, or to a program as JSON lines.
//!
//! A report only listens. It never learns what the engine is, decides nothing, and a report that cannot write (a
//! closed pipe) never disturbs the run.

mod board;
mod diff;
mod fold;
pub mod graph;
mod json;
mod mask;
mod outcome;
mod paint;
mod plan;
mod progress;
mod recap;
mod terminal;

pub use json::Json;
pub use mask::Mask;
pub use paint::{clean, elapsed, tail};
pub use plan::{Tally, render as render_plan};
pub use terminal::Terminal;

use crate::event::Event;
use crate::secret::Secrets;

/// A reader of the event stream.
pub trait Report: Send {
    /// Takes in one event, in the order they happened.
    fn hear(&mut self, event: &Event);

    /// Shows what is still held back and gives the terminal back. Called once, also when the run broke off.
    fn finish(&mut self);
}

/// How much a person wants to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Show unified diffs of file text.
    pub diff: bool,
    /// 0: what changed or went wrong. 1: also what was fine or skipped. 2: also what tasks returned.
    pub verbosity: u8,
    pub progress: Progress,
}

/// Whether to show what is going on while it does. Always on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Progress {
    /// Bars on a terminal, unless `NO_COLOR` is set; nothing elsewhere
    #[default]
    Auto,
    /// Nothing
    Never,
    /// Bars on a terminal, a plain line per task elsewhere
    Always,
}

/// The form of the result on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// For programs: one event per line
    Json,
}

/// The report for one run: `secrets` are masked in whatever it shows, also those that become known later.
pub fn open(format: Format, options: Options, secrets: &Secrets) -> Box<dyn Report> {
    let report: Box<dyn Report> = match format {
        Format::Text => Box::new(Terminal::new(options)),
        Format::Json => Box::new(Json::new(std::io::stdout())),
    };
    Box::new(Mask::new(report, secrets.clone()))
}

/// Several reports of the same run.
#[derive(Default)]
pub struct Reports(pub Vec<Box<dyn Report>>);

impl Report for Reports {
    fn hear(&mut self, event: &Event) {
        self.0.iter_mut().for_each(|report| report.hear(event));
    }

    fn finish(&mut self) {
        self.0.iter_mut().for_each(Report::finish);
    }
}

impl Report for Box<dyn Report> {
    fn hear(&mut self, event: &Event) {
        (**self).hear(event);
    }

    fn finish(&mut self) {
        (**self).finish();
    }
}

#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;
