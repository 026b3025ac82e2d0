//! The fields of one line: found, escaped, and changed in place, with the blanks between them and the comment behind
//! them as somebody wrote them.

use std::ops::Range;

/// Where the fields of a line are.
pub(super) struct Fields<'a> {
    line: &'a str,
    ranges: Vec<Range<usize>>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(line: &'a str) -> Self {
        let mut fields = Self { line, ranges: Vec::new() };
        let mut from = None;
        for (at, letter) in line.char_indices().chain([(line.len(), ' ')]) {
            match (from, letter.is_whitespace()) {
                // What stands after the sixth field is nobody's business, comment or not.
                (None, false) if letter == '#' || fields.ranges.len() == 6 => break,
                (None, false) => from = Some(at),
                (Some(start), true) => {
                    fields.ranges.push(start..at);
                    from = None;
                }
                _ => {}
            }
        }
        fields
    }

    pub(super) fn get(&self, index: usize) -> Option<&'a str> {
        self.ranges.get(index).map(|range| &self.line[range.clone()])
    }
}

/// The line with its six fields as given: those that are not, or say the same already, stay as they are written.
pub fn rewritten(line: &str, wanted: &[Option<&str>; 6]) -> String {
    let fields = Fields::of(line);
    let mut new = String::with_capacity(line.len());
    let mut from = 0;
    for (index, wanted) in wanted.iter().enumerate() {
        match fields.ranges.get(index) {
            Some(range) => {
                new.push_str(&line[from..range.start]);
                let old = &line[range.clone()];
                match wanted {
                    Some(wanted) if unescape(old) != **wanted => new.push_str(&escape(wanted)),
                    _ => new.push_str(old),
                }
                from = range.end;
            }
            None => {
                new.push(' ');
                new.push_str(&escape(wanted.unwrap_or("none")));
            }
        }
    }
    new.push_str(&line[from..]);
    new
}

/// Octal escapes, as in fstab and mountinfo.
pub fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let octal = bytes.get(at + 1..at + 4).filter(|digits| {
            bytes[at] == b'\\'
                && digits.iter().all(|digit| (b'0'..=b'7').contains(digit))
                && digits[0] <= b'3'
        });
        if let Some(digits) = octal {
            plain.push(digits.iter().fold(0, |byte, digit| byte * 8 + (digit - b'0')));
            at += 4;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

pub(super) fn escape(text: &str) -> String {
    text.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('\n', "\\012")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: [Option<&str>; 6] =
        [Some("UUID=ab"), None, Some("xfs"), Some("noatime"), Some("0"), Some("2")];

    #[test]
    fn changes_only_the_fields_that_differ() {
        let line = "UUID=ab\t/srv/my\\040disk\t\txfs  defaults\t0 0  # keep";
        assert_eq!(rewritten(line, &WANTED), "UUID=ab\t/srv/my\\040disk\t\txfs  noatime\t0 2  # keep");
        let short = "  /dev/sdb /srv/my\\040disk xfs # keep";
        assert_eq!(rewritten(short, &WANTED), "  UUID=ab /srv/my\\040disk xfs noatime 0 2 # keep");
        let same = "UUID=ab /srv/my\\040disk xfs noatime 0 2 and more";
        assert_eq!(rewritten(same, &WANTED), same);
    }

    proptest::proptest! {
        #[test]
        fn escaping_comes_back(text in ".*") {
            proptest::prop_assert_eq!(unescape(&escape(&text)), text);
        }

        #[test]
        fn rewriting_never_panics(line in ".*", one in ".*") {
            let _ = rewritten(&line, &[Some(&one), None, Some("xfs"), Some("a"), None, Some("0")]);
        }
    }
}
