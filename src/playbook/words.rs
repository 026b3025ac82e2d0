//! Module arguments written as one line of text: `src=a dest="b c"` and `echo hello creates=/x`.
//!
//! Source: ansible-core 2.19, `parsing/splitter.py`.

use std::ops::Range;

/// One word of a line and where it stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) range: Range<usize>,
    /// `key=value`, the value without its quotes; `None` for other words.
    pub(super) pair: Option<(String, String)>,
}

/// Splits at white space, keeping quotes and `{{ }}`, `{% %}`, `{# #}` whole. Err names what is not closed.
pub(super) fn split(text: &str) -> Result<Vec<Word>, &'static str> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let start = at;
        let mut quote = None;
        let mut depth: Vec<&'static str> = Vec::new();
        while at < bytes.len() {
            let rest = &text.as_bytes()[at..];
            if let Some(close) = depth.last().copied() {
                if rest.starts_with(close.as_bytes()) {
                    depth.pop();
                    at += 2;
                    continue;
                }
            } else if let Some(mark) = quote {
                if rest[0] == mark && !escaped(bytes, at) {
                    quote = None;
                }
            } else if rest[0] == b'"' || rest[0] == b'\'' {
                if !escaped(bytes, at) {
                    quote = Some(rest[0]);
                }
            } else if rest[0].is_ascii_whitespace() {
                break;
            }
            if depth.is_empty()
                && let Some(close) = opens(rest)
            {
                depth.push(close);
                at += 2;
                continue;
            }
            at += 1;
        }
        if !depth.is_empty() {
            return Err("a template is opened and never closed");
        }
        if quote.is_some() {
            return Err("a quote is opened and never closed");
        }
        words.push(Word { range: start..at, pair: pair(&text[start..at]) });
    }
    Ok(words)
}

fn opens(rest: &[u8]) -> Option<&'static str> {
    [("{{", "}}"), ("{%", "%}"), ("{#", "#}")]
        .into_iter()
        .find(|(open, _)| rest.starts_with(open.as_bytes()))
        .map(|(_, close)| close)
}

fn escaped(bytes: &[u8], at: usize) -> bool {
    bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// `key=value`; an escaped `\=` separates nothing.
fn pair(word: &str) -> Option<(String, String)> {
    let at = (0..word.len()).find(|at| word.as_bytes()[*at] == b'=' && !escaped(word.as_bytes(), *at))?;
    let key = &word[..at];
    let name = key.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)) && !key.is_empty();
    name.then(|| (key.to_owned(), unquote(&word[at + 1..])))
}

/// Without the quotes around the whole.
fn unquote(text: &str) -> String {
    for mark in ['"', '\''] {
        if text.len() > 1 && text.starts_with(mark) && text.ends_with(mark) {
            return text[1..text.len() - 1].replace(&format!("\\{mark}"), &mark.to_string());
        }
    }
    text.to_owned()
}

/// The line without these words, otherwise as it was, and with `\=` as `=`.
pub(super) fn without(text: &str, words: &[&Word]) -> String {
    let mut rest = String::new();
    let mut from = 0;
    for word in words {
        rest.push_str(text[from..word.range.start].trim_end_matches([' ', '\t']));
        from = word.range.end;
    }
    rest.push_str(&text[from..]);
    rest.trim().replace("\\=", "=")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        split(text).unwrap().into_iter().filter_map(|word| word.pair).collect()
    }

    fn own(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn keeps_quotes_and_templates_whole() {
        assert_eq!(
            pairs(r#"src="a b" dest={{ x | default("c d") }}/e mode='u=rw,g=r' k=it\'s"#),
            [
                own("src", "a b"),
                own("dest", r#"{{ x | default("c d") }}/e"#),
                own("mode", "u=rw,g=r"),
                own("k", "it\\'s")
            ]
        );
    }

    #[test]
    fn lifts_only_what_it_is_told_to() {
        let text = "dd if=/dev/zero of=/x  creates=/x bs\\=1M\n\tnext";
        let words = split(text).unwrap();
        let lifted: Vec<&Word> =
            words.iter().filter(|word| word.pair.as_ref().is_some_and(|(key, _)| key == "creates")).collect();
        assert_eq!(without(text, &lifted), "dd if=/dev/zero of=/x bs=1M\n\tnext");
    }

    #[test]
    fn says_what_is_not_closed() {
        assert_eq!(split("a='b"), Err("a quote is opened and never closed"));
        assert_eq!(split("a={{ b"), Err("a template is opened and never closed"));
    }
}
