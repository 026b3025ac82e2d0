//! Colours, and text made safe to show. Colours are always written; the stream they go to drops them where nobody
//! would see them.

use std::fmt::{Display, Write as _};

use anstyle::{AnsiColor, Style};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const GREEN: Style = AnsiColor::Green.on_default();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const RED: Style = AnsiColor::Red.on_default();
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();

pub(super) fn paint(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Text from elsewhere, unable to move the cursor or to recolour the screen: every control character but tab and
/// line feed is shown as it would be written in a program.
pub fn clean(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\t' && c != '\n' {
            safe.extend(c.escape_default());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// The last `limit` lines of what a program printed, and how many there were before them. Of a line that was drawn
/// over again and again (a counter) only the last state is kept.
pub fn tail(text: &str, limit: usize) -> (usize, Vec<String>) {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let left_out = lines.len().saturating_sub(limit);
    let shown = lines[left_out..].iter().map(|line| {
        let drawn_last = line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default();
        clean(drawn_last)
    });
    (left_out, shown.collect())
}

/// `lines` moved to the right.
pub(super) fn indent(by: usize, lines: impl IntoIterator<Item = String>) -> Vec<String> {
    let margin = " ".repeat(by);
    lines.into_iter().map(|line| if line.is_empty() { line } else { format!("{margin}{line}") }).collect()
}

/// A stretch of time as a person would say it: `0.4 s`, `42 s`, `3 min 5 s`, `2 h 10 min`.
pub fn elapsed(ms: u64) -> String {
    let seconds = ms / 1000;
    let mut text = String::new();
    let _ = match seconds {
        0..10 => write!(text, "{seconds}.{} s", ms % 1000 / 100),
        10..60 => write!(text, "{seconds} s"),
        60..3600 => write!(text, "{} min {} s", seconds / 60, seconds % 60),
        _ => write!(text, "{} h {} min", seconds / 3600, seconds % 3600 / 60),
    };
    text
}

/// `1 host`, `3 hosts`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_foreign_text_from_driving_the_terminal() {
        assert_eq!(clean("a\tb\u{1b}[2Jc\u{7}"), "a\tb\\u{1b}[2Jc\\u{7}");
    }

    #[test]
    fn keeps_the_last_lines_as_they_were_last_drawn() {
        let (left_out, shown) = tail("one\ntwo\r\n 10%\r 50%\r100%\r\n\n", 2);
        assert_eq!((left_out, shown), (1, vec!["two".to_owned(), "100%".to_owned()]));
    }

    #[test]
    fn says_time_in_two_units_at_most() {
        let said: Vec<String> = [40, 9_990, 59_000, 185_000, 7_860_000].map(elapsed).into();
        assert_eq!(said, ["0.0 s", "9.9 s", "59 s", "3 min 5 s", "2 h 11 min"]);
    }
}
