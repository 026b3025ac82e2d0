//! What is going on right now, on standard error: bars on a terminal, plain lines where asked for, otherwise nothing.
//!
//! Events only change the board; one thread draws it a few times a second. So a run with a thousand hosts is not
//! slowed down by its bars, and the age of a step grows while nothing happens.

use std::io::{IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::Board;
use super::paint::clean;
use crate::event::{Event, What};

/// Hosts that have a line of their own.
const LANES: usize = 8;
/// A run that is over before this shows no bars at all.
const PATIENCE: Duration = Duration::from_millis(300);
const REDRAW: Duration = Duration::from_millis(125);

/// Shows the state of a run while it changes.
pub(super) struct Progress {
    board: Arc<Mutex<Board>>,
    shape: Shape,
}

enum Shape {
    Hidden,
    /// A line whenever a task begins.
    Plain,
    Bars(Bars),
}

struct Bars {
    multi: MultiProgress,
    thread: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// What `wish` means on this standard error.
    pub(super) fn new(wish: super::Progress) -> Self {
        let stderr = std::io::stderr();
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let capable = stderr.is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let board = Arc::new(Mutex::new(Board::default()));
        let shape = match wish {
            super::Progress::Never => Shape::Hidden,
            super::Progress::Auto if !capable || set("NO_COLOR") => Shape::Hidden,
            super::Progress::Always if !capable => Shape::Plain,
            super::Progress::Auto | super::Progress::Always => Shape::Bars(Bars::start(&board)),
        };
        Self { board, shape }
    }

    /// Shows nothing, and still knows who is busy.
    #[cfg(test)]
    pub(super) fn hidden() -> Self {
        Self { board: Arc::default(), shape: Shape::Hidden }
    }

    pub(super) fn hear(&mut self, event: &Event, err: &mut dyn Write) {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        board.hear(event, Instant::now());
        if let (Shape::Plain, What::TaskStarted { name, module, .. }) = (&self.shape, &event.what) {
            let (done, all) = board.measure();
            let name = clean(if name.is_empty() { module } else { name });
            let _ = writeln!(err, "[{done}/{all}] {name}");
        }
    }

    /// Hosts that began something and did not say how it ended.
    pub(super) fn unheard(&self) -> Vec<(String, String)> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner).unheard()
    }

    /// Runs `print` with the bars out of the way.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        match &self.shape {
            Shape::Bars(bars) => bars.multi.suspend(print),
            Shape::Hidden | Shape::Plain => print(),
        }
    }

    /// Takes the bars away for good.
    pub(super) fn finish(&mut self) {
        if let Shape::Bars(bars) = &mut self.shape {
            bars.stop();
        }
    }
}

impl Bars {
    fn start(board: &Arc<Mutex<Board>>) -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let (stop, stopped) = channel::<()>();
        let (shared, screen) = (Arc::clone(board), multi.clone());
        let thread = std::thread::spawn(move || {
            if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let mut drawn = Drawn::new(screen);
            loop {
                let view = {
                    let board = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    (board.measure(), board.caption(), board.lines(Instant::now(), LANES))
                };
                drawn.draw(view);
                if stopped.recv_timeout(REDRAW) != Err(RecvTimeoutError::Timeout) {
                    return drawn.clear();
                }
            }
        });
        Self { multi, thread: Some((stop, thread)) }
    }

    fn stop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            // A thread that panicked has said so already; the run goes on without bars.
            let _ = thread.join();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The bars as they are on the screen.
struct Drawn {
    multi: MultiProgress,
    overall: ProgressBar,
    lanes: Vec<ProgressBar>,
}

impl Drawn {
    fn new(multi: MultiProgress) -> Self {
        let overall = multi.add(ProgressBar::new(0).with_style(style("[{bar:24}] {pos}/{len} {wide_msg}")));
        Self { multi, overall, lanes: Vec::new() }
    }

    fn draw(&mut self, ((done, all), caption, lines): ((u64, u64), String, Vec<String>)) {
        self.overall.set_length(all);
        self.overall.set_position(done);
        self.overall.set_message(caption);
        while self.lanes.len() > lines.len() {
            if let Some(lane) = self.lanes.pop() {
                lane.finish_and_clear();
                self.multi.remove(&lane);
            }
        }
        while self.lanes.len() < lines.len() {
            self.lanes.push(self.multi.add(ProgressBar::new(0).with_style(style("  {wide_msg}"))));
        }
        for (lane, line) in self.lanes.iter().zip(lines) {
            lane.set_message(line);
        }
        self.overall.tick();
    }

    fn clear(&mut self) {
        self.draw(((0, 0), String::new(), Vec::new()));
        self.overall.finish_and_clear();
        // A terminal that has gone away needs no clearing.
        let _ = self.multi.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are in this file; one that did not parse would only cost the looks.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}
