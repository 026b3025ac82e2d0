//! `/etc/fstab`: its entries, each with the line it stands in. Edits are made by line and field, so that all else stays
//! as it is.

mod edit;
mod fields;

pub use edit::edited;
pub use fields::{rewritten, unescape};

use self::fields::{Fields, escape};
use crate::machine::fstab::FstabEntry;

pub const PATH: &str = "/etc/fstab";

/// What a file says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fstab {
    pub entries: Vec<FstabEntry>,
    /// Lines that are no comment, no entry, and skipped by whoever mounts.
    pub unread: Vec<String>,
}

/// Reads all lines. Comments and empty lines are nobody's business.
pub fn parse(text: &str) -> Fstab {
    let mut fstab = Fstab::default();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        match entry(line) {
            Some(entry) => fstab.entries.push(entry),
            None => fstab.unread.push(line.to_owned()),
        }
    }
    fstab
}

fn entry(line: &str) -> Option<FstabEntry> {
    let fields = Fields::of(line);
    let count = |index: usize| fields.get(index).map_or(Some(0), |field| field.parse().ok());
    let path = unescape(fields.get(1)?);
    Some(FstabEntry {
        spec: unescape(fields.get(0)?),
        path: if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path },
        fstype: fields.get(2).unwrap_or("auto").to_owned(),
        options: unescape(fields.get(3).unwrap_or("defaults")),
        dump: count(4)?,
        pass: count(5)?,
        line: line.to_owned(),
    })
}

/// The line of an entry.
pub fn line(spec: &str, path: &str, fstype: &str, options: &str, dump: u32, pass: u32) -> String {
    format!("{} {} {fstype} {} {dump} {pass}", escape(spec), escape(path), escape(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let text = "# head\n\nUUID=ab /  ext4 errors=remount-ro 0 1 # root\n/dev/sdb1\t/srv/my\\040disk/ xfs\nnone none swap sw\n";
        let entries = parse(text).entries;
        assert_eq!(entries.len(), 3);
        assert_eq!((entries[0].pass, entries[0].path.as_str()), (1, "/"));
        assert_eq!((entries[1].path.as_str(), entries[1].options.as_str()), ("/srv/my disk", "defaults"));
        assert_eq!(entries[0].line, "UUID=ab /  ext4 errors=remount-ro 0 1 # root");
    }

    #[test]
    fn keeps_what_nobody_understands() {
        let fstab = parse("# x\n/dev/sda1\na /b c d e\n/dev/sdb1 /srv xfs defaults 0 0\n");
        assert_eq!(fstab.unread, ["/dev/sda1", "a /b c d e"]);
        assert_eq!(fstab.entries[0].path, "/srv");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(.|\n)*") {
            let _ = parse(&text);
        }

        #[test]
        fn a_line_is_read_back(spec in "[ -~]{1,9}", path in "/[ -~]{0,9}[a-z]", pass in 0u32..3) {
            proptest::prop_assume!(!spec.starts_with('#'));
            let read = parse(&line(&spec, &path, "xfs", "defaults", 0, pass));
            let entry = &read.entries[0];
            proptest::prop_assert_eq!((&entry.spec, &entry.path, entry.pass), (&spec, &path, pass));
        }
    }
}
