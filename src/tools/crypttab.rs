//! `/etc/crypttab`: its entries, each with the line it stands in. Edits are made by line, so that all else stays as it
//! is.

use crate::machine::luks::CrypttabEntry;

pub const PATH: &str = "/etc/crypttab";

/// All entries. Comments and empty lines are nobody's business.
pub fn parse(text: &str) -> Result<Vec<CrypttabEntry>, String> {
    let mut entries = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> = trimmed.split_whitespace().collect();
        let (Some(name), Some(spec)) = (fields.first(), fields.get(1)) else {
            return Err(format!("crypttab: line {} has no device: `{line}`", at + 1));
        };
        let options = fields.get(3).map_or("", |options| options);
        entries.push(CrypttabEntry {
            name: (*name).to_owned(),
            // systemd takes quotes around the value.
            spec: spec.replace('"', ""),
            key: fields.get(2).filter(|key| !matches!(**key, "none" | "-")).map(|key| (*key).to_owned()),
            options: options.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
            line: line.to_owned(),
        });
    }
    Ok(entries)
}

/// The line of an entry.
pub fn line(name: &str, spec: &str, key: Option<&str>, options: &[String]) -> String {
    format!("{name} {spec} {} {}", key.unwrap_or("none"), options.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        let text = "# <target name>\t<source device>\n\nswap /dev/sda2 /dev/urandom swap,cipher=aes-xts-plain64\n\
                    data\tUUID=\"ab-12\"  none\nlast UUID=cd - luks,nofail\n";
        let entries = parse(text).unwrap();
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[0].key.as_deref(), Some("/dev/urandom"));
        assert_eq!((entries[1].spec.as_str(), &entries[1].key), ("UUID=ab-12", &None));
        assert_eq!((entries[1].line.as_str(), entries[1].options.len()), ("data\tUUID=\"ab-12\"  none", 0));
        assert_eq!(entries[2].options, ["luks", "nofail"]);
    }

    #[test]
    fn says_where_it_is_wrong() {
        assert_eq!(parse("# x\nalone\n").unwrap_err(), "crypttab: line 2 has no device: `alone`");
    }

    #[test]
    fn a_line_is_read_back() {
        let options = ["luks".to_owned(), "discard".to_owned()];
        let line = line("data", "UUID=ab", Some("/etc/key"), &options);
        let entry = &parse(&line).unwrap()[0];
        assert_eq!((entry.name.as_str(), entry.key.as_deref()), ("data", Some("/etc/key")));
        assert_eq!(entry.options, options);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(.|\n)*") {
            let _ = parse(&text);
        }
    }
}
