//! Late names, `@{uuid:/dev/vg/lv}`, `@{md-uuid:/dev/md/kvm}` and `@{luks-epoch:/dev/sda}`, as they stand in a step's
//! text. Finding them is pure; asking what they stand for is `agent::late`.

use std::ops::Range;

/// What of a device a late name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// The UUID of the content, as `blkid` says it.
    Uuid,
    /// The UUID of an md array, as `mdadm` says it.
    MdUuid,
    /// How often the header of a LUKS2 container was changed.
    LuksEpoch,
}

/// A late name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateName {
    pub late: Late,
    pub device: String,
    pub range: Range<usize>,
}

impl LateName {
    /// All late names in a text, in order.
    pub fn all_in(text: &[u8]) -> Vec<Self> {
        let mut found = Vec::new();
        let mut from = 0;
        while let Some(start) = position(&text[from..], b"@{").map(|at| from + at) {
            from = start + 2;
            let Some(length) = position(&text[from..], b"}") else { break };
            let Ok(inside) = std::str::from_utf8(&text[from..from + length]) else { continue };
            let late = match inside.split_once(':') {
                Some(("uuid", device)) => (Late::Uuid, device),
                Some(("md-uuid", device)) => (Late::MdUuid, device),
                Some(("luks-epoch", device)) => (Late::LuksEpoch, device),
                _ => continue,
            };
            // A name that is no path is somebody else's text.
            if late.1.starts_with('/') && !late.1.contains(char::is_whitespace) {
                let end = from + length + 1;
                found.push(Self { late: late.0, device: late.1.to_owned(), range: start..end });
                from = end;
            }
        }
        found
    }
}

/// Whether `found` is `planned` with each late name replaced by some UUID.
pub fn same_but_for_late_names(planned: &[u8], found: &[u8]) -> bool {
    let mut rest = found;
    let mut from = 0;
    let names = LateName::all_in(planned);
    for name in &names {
        let Some(after) = rest.strip_prefix(&planned[from..name.range.start]) else { return false };
        let uuid =
            after.iter().take_while(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'-' | b':')).count();
        if uuid == 0 {
            return false;
        }
        rest = &after[uuid..];
        from = name.range.end;
    }
    rest == &planned[from..]
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_late_names_and_nothing_else() {
        let text = b"UUID=@{uuid:/dev/vg/lv} / xfs\nARRAY @{md-uuid:/dev/md/a} @{other} @{uuid:no path} @{";
        let found = LateName::all_in(text);
        let devices: Vec<&str> = found.iter().map(|name| name.device.as_str()).collect();
        assert_eq!(devices, ["/dev/vg/lv", "/dev/md/a"]);
        assert_eq!(&text[found[0].range.clone()], b"@{uuid:/dev/vg/lv}");
        assert_eq!(found[1].late, Late::MdUuid);
    }

    #[test]
    fn compares_around_them() {
        let planned = b"UUID=@{uuid:/dev/sda} /a\n";
        assert!(same_but_for_late_names(planned, b"UUID=1234-ABCD /a\n"));
        assert!(!same_but_for_late_names(planned, b"UUID=1234-ABCD /b\n"));
        assert!(!same_but_for_late_names(planned, b"UUID= /a\n"));
        assert!(same_but_for_late_names(b"plain", b"plain"));
    }
}
