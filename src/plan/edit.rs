//! Line edits as a function of bytes: the acting side and a module's prediction use the same one.

use super::LineEdit;

/// The content after the edits. Bytes outside the edited lines stay as they are, whatever their line ends; says which
/// line is gone otherwise.
pub fn edited(content: &[u8], edits: &[LineEdit]) -> Result<Vec<u8>, String> {
    let mut lines: Vec<Vec<u8>> =
        content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    for edit in edits {
        match edit {
            LineEdit::Append { line } => append(&mut lines, line),
            LineEdit::Replace { old, new } => {
                let at = find(&lines, old)?;
                let end = ending(&lines[at]).to_vec();
                lines[at] = [new.as_bytes(), &end].concat();
            }
            LineEdit::Remove { old } => {
                let at = find(&lines, old)?;
                lines.remove(at);
            }
        }
    }
    Ok(lines.concat())
}

fn append(lines: &mut Vec<Vec<u8>>, line: &str) {
    let end: &[u8] =
        if lines.first().is_some_and(|first| ending(first) == b"\r\n") { b"\r\n" } else { b"\n" };
    if let Some(last) = lines.last_mut()
        && ending(last).is_empty()
    {
        last.extend_from_slice(end);
    }
    lines.push([line.as_bytes(), end].concat());
}

fn find(lines: &[Vec<u8>], old: &str) -> Result<usize, String> {
    lines
        .iter()
        .position(|line| is_line(line, old))
        .ok_or_else(|| format!("the line `{old}` is no longer there"))
}

/// Whether a line says that, whatever it ends with.
pub fn is_line(line: &[u8], text: &str) -> bool {
    line[..line.len() - ending(line).len()] == *text.as_bytes()
}

/// What a line ends with: nothing, a line feed, or one after a carriage return.
pub fn ending(line: &[u8]) -> &[u8] {
    let length = match line {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    };
    &line[line.len() - length..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(old: &str, new: &str) -> LineEdit {
        LineEdit::Replace { old: old.into(), new: new.into() }
    }

    #[test]
    fn leaves_every_other_byte_alone() {
        let content = b"a\r\n\xffb\n\nlast";
        assert_eq!(edited(content, &[replace("a", "A")]).unwrap(), b"A\r\n\xffb\n\nlast");
        assert_eq!(edited(content, &[replace("last", "end")]).unwrap(), b"a\r\n\xffb\n\nend");
        assert_eq!(edited(content, &[LineEdit::Remove { old: String::new() }]).unwrap(), b"a\r\n\xffb\nlast");
    }

    #[test]
    fn appends_whole_lines() {
        let append = [LineEdit::Append { line: "new".into() }];
        assert_eq!(edited(b"", &append).unwrap(), b"new\n");
        assert_eq!(edited(b"old", &append).unwrap(), b"old\nnew\n");
        assert_eq!(edited(b"old\r\n", &append).unwrap(), b"old\r\nnew\r\n");
    }

    #[test]
    fn refuses_when_the_line_is_gone() {
        assert_eq!(edited(b"a\n", &[replace("b", "c")]).unwrap_err(), "the line `b` is no longer there");
    }
}
