//! `blkid -p`: what is really on a device, read from the device and not from any cache.

use std::collections::BTreeMap;

use crate::exec::{Command, Output, Status};

pub fn probe(device: &str) -> Command {
    Command::probe("blkid").args(["--probe", "--output", "export", device])
}

/// Looks at a part of a device as if it were one.
pub fn probe_stretch(device: &str, offset: u64, size: u64) -> Command {
    Command::probe("blkid").args([
        "--probe",
        "--output",
        "export",
        "--offset",
        &offset.to_string(),
        "--size",
        &size.to_string(),
        device,
    ])
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// No signature. An unreadable device says the same, so this proves nothing alone.
    Nothing,
    /// Several signatures that contradict each other.
    Ambiguous,
    Signature(Signature),
}

/// A signature and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signature {
    /// `xfs`, `linux_raid_member`, ...
    pub kind: Option<String>,
    /// `gpt`, `dos`: the device has a partition table.
    pub table: Option<String>,
    /// `filesystem`, `raid`, `other`, `crypto`.
    pub usage: Option<String>,
    pub uuid: Option<String>,
    pub label: Option<String>,
}

pub fn parse(output: &Output) -> Result<Found, String> {
    match output.status {
        Status::Code(0) => {}
        Status::Code(2) => return Ok(Found::Nothing),
        Status::Code(8) => return Ok(Found::Ambiguous),
        status => return Err(format!("blkid: {status}: {}", output.error_text().trim())),
    }
    let text = output.text();
    let mut fields = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) =
            line.split_once('=').ok_or_else(|| format!("blkid: no field in the line `{line}`"))?;
        fields.insert(name, unescape(value));
    }
    // Of a partition it also says which entry of the table it is; that alone is no content.
    let entry = |name: &str| name.starts_with("PART_ENTRY_");
    if fields.keys().any(|name| entry(name)) && fields.keys().all(|name| entry(name) || *name == "DEVNAME") {
        return Ok(Found::Nothing);
    }
    let mut take = |name: &str| fields.remove(name).filter(|value| !value.is_empty());
    Ok(Found::Signature(Signature {
        kind: take("TYPE"),
        table: take("PTTYPE"),
        usage: take("USAGE"),
        uuid: take("UUID"),
        label: take("LABEL"),
    }))
}

/// `export` puts a backslash before what a shell would read.
fn unescape(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: i32, text: &str) -> Output {
        Output { status: Status::Code(status), stdout: text.into(), stderr: b"blkid: error: x".to_vec() }
    }

    /// Captured: Debian 12, mdadm 4.2.
    #[test]
    fn reads_a_raid_member() {
        let text = "DEVNAME=/dev/vdb\nUUID=f6b1b2a5-a3ca-8330-cfd7-ae4bafc5af06\nLABEL=any:kvm\nVERSION=1.2\nTYPE=linux_raid_member\nUSAGE=raid\n";
        let Ok(Found::Signature(found)) = parse(&said(0, text)) else { panic!() };
        assert_eq!(found.kind.as_deref(), Some("linux_raid_member"));
        assert_eq!(found.label.as_deref(), Some("any:kvm"));
    }

    /// Captured: a partition without content, util-linux 2.38.1.
    #[test]
    fn an_entry_in_a_table_is_no_content() {
        let entry = "DEVNAME=/dev/vdb1\nPART_ENTRY_SCHEME=gpt\nPART_ENTRY_NUMBER=1\nPART_ENTRY_SIZE=819200\n";
        assert_eq!(parse(&said(0, entry)), Ok(Found::Nothing));
        for more in ["TYPE=xfs\n", "PTTYPE=dos\n", "SOMETHING=new\n"] {
            assert!(matches!(parse(&said(0, &format!("{entry}{more}"))), Ok(Found::Signature(_))));
        }
        assert!(matches!(parse(&said(0, "DEVNAME=/dev/vdb\n")), Ok(Found::Signature(_))));
    }

    #[test]
    fn every_end_is_told_apart() {
        assert_eq!(parse(&said(2, "")), Ok(Found::Nothing));
        assert_eq!(parse(&said(8, "")), Ok(Found::Ambiguous));
        assert_eq!(parse(&said(4, "")).unwrap_err(), "blkid: exit status 4: blkid: error: x");
        assert_eq!(parse(&said(0, "what\n")).unwrap_err(), "blkid: no field in the line `what`");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse(&said(0, &text));
        }
    }
}
