//! A unified diff of file text, short enough to be read. Never cut without saying by how much.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use super::paint::{CYAN, DIM, GREEN, RED, clean, paint};

/// More lines than this are counted instead of shown.
const LONGEST: usize = 200;
/// More text than this is not compared at all.
const LARGEST: usize = 1 << 20;

/// The difference between two texts of one file.
pub(super) fn lines(name: &str, before: &str, after: &str) -> Vec<String> {
    if before == after {
        return Vec::new();
    }
    if before.len() + after.len() > LARGEST {
        let sizes = format!(
            "{} before, {} after",
            crate::units::Size(before.len() as u64),
            crate::units::Size(after.len() as u64)
        );
        return vec![paint(DIM, format!("(too much text to compare here: {sizes})"))];
    }
    if before.contains('\0') || after.contains('\0') {
        return vec![paint(DIM, "(not text, so there are no lines to compare)")];
    }
    let mut all = compare(name, before, after);
    if all.len() > LONGEST {
        let left_out = all.len() - LONGEST;
        all.truncate(LONGEST);
        all.push(paint(DIM, format!("({left_out} more lines of this diff are not shown)")));
    }
    all
}

fn compare(name: &str, before: &str, after: &str) -> Vec<String> {
    let diff = TextDiff::configure().timeout(Duration::from_secs(1)).diff_lines(before, after);
    let side = |text: &str| if text.is_empty() { "/dev/null".to_owned() } else { clean(name) };
    let mut all =
        vec![paint(RED, format!("--- {}", side(before))), paint(GREEN, format!("+++ {}", side(after)))];
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        all.push(paint(CYAN, hunk.header()));
        for change in hunk.iter_changes() {
            let text = change.value();
            let line = clean(text.strip_suffix('\n').unwrap_or(text));
            all.push(match change.tag() {
                ChangeTag::Delete => paint(RED, format!("-{}", visible_end(&line))),
                ChangeTag::Insert => paint(GREEN, format!("+{}", visible_end(&line))),
                ChangeTag::Equal => format!(" {line}"),
            });
            if !text.ends_with('\n') {
                all.push(paint(DIM, "\\ No newline at end of file"));
            }
        }
    }
    all
}

/// White space at the end of a changed line is the difference nobody sees.
fn visible_end(line: &str) -> String {
    let text = line.trim_end_matches([' ', '\t']);
    let end = line[text.len()..].replace(' ', "·").replace('\t', "→");
    format!("{text}{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(name: &str, before: &str, after: &str) -> Vec<String> {
        lines(name, before, after).iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    }

    #[test]
    fn shows_what_is_easily_overlooked() {
        let text = plain("/etc/exports", "a\nb\r\n", "a \nb").join("\n");
        insta::assert_snapshot!(text, @r"
        --- /etc/exports
        +++ /etc/exports
        @@ -1,2 +1,2 @@
        -a
        -b\r
        +a·
        +b
        \ No newline at end of file
        ");
    }

    #[test]
    fn says_how_much_was_left_out() {
        let long = (0..500).map(|n| format!("line {n}\n")).collect::<Vec<_>>().concat();
        let shown = plain("/etc/long", "", &long);
        assert_eq!(shown.len(), LONGEST + 1);
        assert_eq!(shown[LONGEST], "(303 more lines of this diff are not shown)");
        assert_eq!(shown[0], "--- /dev/null");
    }

    #[test]
    fn compares_neither_bytes_nor_books() {
        assert_eq!(plain("/bin/x", "a\0", "b\0").len(), 1);
        assert_eq!(
            plain("/var/book", "", &"x".repeat(LARGEST + 1)),
            ["(too much text to compare here: 0 B before, 1 MiB after)"]
        );
    }
}
