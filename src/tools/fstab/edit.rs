//! Edits of the whole file as a function of bytes. A line that goes again leaves the file as it was before it came,
//! whether that had a line feed at its end or not.

use crate::plan::{LineEdit, ending, is_line};

/// The content after the edits; says which line is gone otherwise. Of lines that are the same, the first is replaced
/// and the last is removed: an earlier entry is the one that counts.
pub fn edited(content: &[u8], edits: &[LineEdit]) -> Result<Vec<u8>, String> {
    let mut lines: Vec<Vec<u8>> =
        content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for edit in edits {
        let gone = |old: &String| format!("the line `{old}` is no longer there");
        match edit {
            LineEdit::Append { line } => append(&mut lines, line),
            LineEdit::Replace { old, new } => {
                let at = lines.iter().position(|line| is_line(line, old)).ok_or_else(|| gone(old))?;
                lines[at] = [new.as_bytes(), ending(&lines[at])].concat();
            }
            LineEdit::Remove { old } => {
                let at = lines.iter().rposition(|line| is_line(line, old)).ok_or_else(|| gone(old))?;
                let removed = lines.remove(at);
                if ending(&removed).is_empty()
                    && let Some(last) = lines.last_mut()
                {
                    last.truncate(last.len() - ending(last).len());
                }
            }
        }
    }
    Ok(lines.concat())
}

fn append(lines: &mut Vec<Vec<u8>>, line: &str) {
    let end: &[u8] =
        if lines.first().is_some_and(|first| ending(first) == b"\r\n") { b"\r\n" } else { b"\n" };
    match lines.last_mut() {
        Some(last) if ending(last).is_empty() => {
            last.extend_from_slice(end);
            lines.push(line.as_bytes().to_vec());
        }
        _ => lines.push([line.as_bytes(), end].concat()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn append(line: &str) -> LineEdit {
        LineEdit::Append { line: line.into() }
    }

    fn remove(old: &str) -> LineEdit {
        LineEdit::Remove { old: old.into() }
    }

    #[test]
    fn appends_in_the_manner_of_the_file() {
        let new = [append("new")];
        assert_eq!(edited(b"", &new).unwrap(), b"new\n");
        assert_eq!(edited(b"old\n", &new).unwrap(), b"old\nnew\n");
        assert_eq!(edited(b"old", &new).unwrap(), b"old\nnew");
        assert_eq!(edited(b"a\r\nb", &new).unwrap(), b"a\r\nb\r\nnew");
    }

    #[test]
    fn of_twins_the_first_stays() {
        assert_eq!(edited(b"a\nx\nb\nx\n", &[remove("x")]).unwrap(), b"a\nx\nb\n");
        assert_eq!(edited(b"a\n", &[remove("b")]).unwrap_err(), "the line `b` is no longer there");
    }

    proptest! {
        #[test]
        fn what_came_and_went_left_nothing(content in proptest::collection::vec(any::<u8>(), 0..64), text in "(#| |a|\t|\r|\n){0,24}") {
            for content in [content.as_slice(), text.as_bytes()] {
                // Half a line end is completed by the line feed of the next line.
                prop_assume!(!content.ends_with(b"\r"));
                let there = edited(content, &[append("UUID=x /srv xfs defaults 0 0")]).unwrap();
                prop_assert_eq!(edited(&there, &[remove("UUID=x /srv xfs defaults 0 0")]).unwrap(), content);
            }
        }

        #[test]
        fn what_was_changed_and_back_is_as_before(before in "(#|a|\r|\n){0,16}", after in "(\r\n|\n|)(#|b|\n){0,16}") {
            let content = format!("{before}\nold{after}");
            prop_assume!(after.is_empty() || after.starts_with('\n') || after.starts_with("\r\n"));
            let swap = |from: &str, to: &str| LineEdit::Replace { old: from.into(), new: to.into() };
            let there = edited(content.as_bytes(), &[swap("old", "new")]).unwrap();
            prop_assert_eq!(edited(&there, &[swap("new", "old")]).unwrap(), content.as_bytes());
        }
    }
}
