//! `/etc/fstab`: its entries, each with the line it stands in. Edits are made by line, so that all else stays as it is.

use crate::machine::mounts::FstabEntry;

/// All entries. Comments and empty lines are nobody's business.
pub fn parse(text: &str) -> Result<Vec<FstabEntry>, String> {
    let mut entries = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        // A comment may follow the fields.
        let fields: Vec<&str> =
            trimmed.split_whitespace().take_while(|field| !field.starts_with('#')).collect();
        let (Some(spec), Some(path)) = (fields.first(), fields.get(1)) else {
            return Err(format!("fstab: line {} has no mount point: `{line}`", at + 1));
        };
        let count = |index: usize| match fields.get(index) {
            None => Ok(0),
            Some(field) => field.parse().map_err(|_| {
                format!("fstab: field {} of line {} is `{field}`, no number", index + 1, at + 1)
            }),
        };
        let path = unescape(path);
        entries.push(FstabEntry {
            spec: unescape(spec),
            path: if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path },
            fstype: (*fields.get(2).unwrap_or(&"auto")).to_owned(),
            options: unescape(fields.get(3).unwrap_or(&"defaults")),
            dump: count(4)?,
            pass: count(5)?,
            line: line.to_owned(),
        });
    }
    Ok(entries)
}

/// The line of an entry.
pub fn line(spec: &str, path: &str, fstype: &str, options: &str, dump: u32, pass: u32) -> String {
    format!("{} {} {fstype} {} {dump} {pass}", escape(spec), escape(path), escape(options))
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

fn escape(text: &str) -> String {
    text.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('\n', "\\012")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let text = "# head\n\nUUID=ab /  ext4 errors=remount-ro 0 1 # root\n/dev/sdb1\t/srv/my\\040disk/ xfs\nnone none swap sw\n";
        let entries = parse(text).unwrap();
        assert_eq!(entries.len(), 3);
        assert_eq!((entries[0].pass, entries[0].path.as_str()), (1, "/"));
        assert_eq!((entries[1].path.as_str(), entries[1].options.as_str()), ("/srv/my disk", "defaults"));
        assert_eq!(entries[0].line, "UUID=ab /  ext4 errors=remount-ro 0 1 # root");
    }

    #[test]
    fn says_where_it_is_wrong() {
        assert_eq!(parse("# x\n/dev/sda1\n").unwrap_err(), "fstab: line 2 has no mount point: `/dev/sda1`");
        assert_eq!(parse("a /b c d e").unwrap_err(), "fstab: field 5 of line 1 is `e`, no number");
    }

    proptest::proptest! {
        #[test]
        fn escaping_comes_back(text in ".*") {
            proptest::prop_assert_eq!(unescape(&escape(&text)), text);
        }

        #[test]
        fn never_panics(text in "(.|\n)*") {
            let _ = parse(&text);
        }
    }
}
