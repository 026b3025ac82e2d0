//! `zpool get` and `zfs get`: properties with where they come from.

use super::bad;
use crate::exec::Command;
use crate::machine::zfs::{Property, Source};

/// All properties of all pools.
pub fn pool_properties() -> Command {
    Command::probe("zpool").args(["get", "-Hp", "-o", "name,property,value,source", "all"])
}

/// All properties of one dataset.
pub fn dataset_properties(name: &str) -> Command {
    Command::probe("zfs").args(["get", "-Hp", "-o", "name,property,value,source,received", "all", name])
}

/// A property and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Got {
    pub owner: String,
    pub name: String,
    pub property: Property,
}

fn source(text: &str) -> Option<Source> {
    Some(match text {
        "-" => Source::None,
        "default" => Source::Default,
        "local" => Source::Local,
        "received" => Source::Received,
        "temporary" => Source::Temporary,
        text => Source::Inherited(text.strip_prefix("inherited from ")?.to_owned()),
    })
}

pub fn parse_pool_properties(text: &str) -> Result<Vec<Got>, String> {
    parse("zpool get", text, false)
}

pub fn parse_dataset_properties(text: &str) -> Result<Vec<Got>, String> {
    parse("zfs get", text, true)
}

/// A value of a user property may hold anything but a line feed, tabs too: the fields around it are counted from the
/// ends.
fn parse(tool: &str, text: &str, received: bool) -> Result<Vec<Got>, String> {
    let one = |line: &str| {
        let (owner, rest) = line.split_once('\t').ok_or_else(|| bad(tool, "name", line))?;
        let (name, rest) = rest.split_once('\t').ok_or_else(|| bad(tool, "property", line))?;
        let (rest, got) = match received {
            true => rest.rsplit_once('\t').ok_or_else(|| bad(tool, "received value", line))?,
            false => (rest, "-"),
        };
        let (value, from) = rest.rsplit_once('\t').ok_or_else(|| bad(tool, "source", line))?;
        Ok(Got {
            owner: owner.to_owned(),
            name: name.to_owned(),
            property: Property {
                value: value.to_owned(),
                source: source(from).ok_or_else(|| bad(tool, "known source", line))?,
                received: Some(got.to_owned()).filter(|got| got != "-"),
            },
        })
    };
    text.lines().filter(|line| !line.is_empty()).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: ZFS 2.1.11.
    const DATASET: &str = "tank/a\tquota\t0\tlocal\t-\ntank/a\trecordsize\t131072\tdefault\t-\n\
        tank/a\tcompression\tzstd\tinherited from tank\t-\ntank/a\tversion\t5\t-\t-\n\
        tank/a\torg.x:y\ta b\tlocal\t-\n";

    #[test]
    fn reads_where_a_value_comes_from() {
        let found = parse_dataset_properties(DATASET).unwrap();
        let sources: Vec<&Source> = found.iter().map(|one| &one.property.source).collect();
        assert_eq!(
            sources,
            [
                &Source::Local,
                &Source::Default,
                &Source::Inherited("tank".into()),
                &Source::None,
                &Source::Local
            ]
        );
        assert_eq!((found[4].name.as_str(), found[4].property.value.as_str()), ("org.x:y", "a b"));
        let got = parse_dataset_properties("tank/a\tatime\ton\tlocal\toff\n").unwrap();
        assert_eq!(got[0].property.received.as_deref(), Some("off"));
        assert!(parse_dataset_properties("tank/a\tatime\ton\tsomewhere\t-").is_err());
        let pool = parse_pool_properties("tank\tcheckpoint\t-\t-\ntank\tashift\t12\tlocal\n").unwrap();
        assert_eq!(pool[1].property, Property::local("12"));
    }
}
