//! File systems that lie on several devices at once, as btrfs does.
//!
//! The kernel names only one of the devices where such a file system is mounted. Whoever asks about another one must
//! hear the same: it is in use. Which of them speaks for all is decided here, not by the kernel's choice of the day.

use serde::{Deserialize, Serialize};

use super::block::{Block, Device, Uuid};

/// The devices of one file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// `btrfs`.
    pub kind: String,
    pub uuid: Uuid,
    /// By lasting name, sorted.
    pub devices: Vec<String>,
    /// The kernel has it open, and no mount of it is seen from here: another mount namespace has it.
    pub elsewhere: bool,
}

impl Span {
    pub fn new(kind: &str, uuid: Uuid, devices: impl IntoIterator<Item = String>) -> Self {
        let mut devices: Vec<String> = devices.into_iter().collect();
        devices.sort();
        devices.dedup();
        Self { kind: kind.to_owned(), uuid, devices, elsewhere: false }
    }

    fn meets(&self, devices: &[String]) -> bool {
        self.devices.iter().any(|device| devices.contains(device))
    }
}

impl Block {
    /// What a device shares its file system with.
    pub fn span(&self, path: &str) -> Option<&Span> {
        self.spans.iter().find(|span| span.devices.iter().any(|device| device == path))
    }

    /// The one name by which the file system of a device is spoken of: the device itself, or the first of its span.
    pub fn lead<'a>(&'a self, path: &'a str) -> &'a str {
        self.span(path).and_then(|span| span.devices.first()).map_or(path, String::as_str)
    }

    /// The device that speaks for the file system on a device.
    pub fn lead_device<'a>(&'a self, device: &'a Device) -> &'a Device {
        self.devices.get(self.lead(&device.path)).unwrap_or(device)
    }

    /// Makes a span of these devices, in place of every span that one of them, or of `before`, was in.
    pub(super) fn put_span(&mut self, before: &[String], span: Option<&Span>) {
        self.spans.retain(|old| !old.meets(before) && !span.is_some_and(|new| new.meets(&old.devices)));
        self.spans.extend(span.cloned());
    }

    pub(super) fn holds_span(&self, before: &[String], span: Option<&Span>) -> Result<(), String> {
        let Some(want) = span else {
            return match self.spans.iter().find(|span| span.meets(before)) {
                Some(found) => Err(format!("{} still holds a {}", found.devices.join(", "), found.kind)),
                None => Ok(()),
            };
        };
        match want.devices.first().and_then(|first| self.span(first)) {
            Some(found) if found.devices == want.devices && found.uuid.agrees(&want.uuid) => Ok(()),
            found => Err(format!(
                "the {} lies on {}, not on {}",
                want.kind,
                found.map_or_else(|| "nothing".to_owned(), |found| found.devices.join(", ")),
                want.devices.join(", ")
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(devices: &[&str]) -> Span {
        Span::new("btrfs", Uuid::Late, devices.iter().map(|one| (*one).to_owned()))
    }

    #[test]
    fn one_device_speaks_for_all() {
        let mut block = Block::default();
        block.put_span(&[], Some(&span(&["/dev/vdc", "/dev/vdb"])));
        assert_eq!((block.lead("/dev/vdc"), block.lead("/dev/vdd")), ("/dev/vdb", "/dev/vdd"));
        block.put_span(&["/dev/vdb".into()], Some(&span(&["/dev/vdd", "/dev/vdc"])));
        assert_eq!(block.spans, [span(&["/dev/vdc", "/dev/vdd"])]);
        assert!(block.holds_span(&[], Some(&span(&["/dev/vdc"]))).is_err());
        assert!(block.holds_span(&["/dev/vdb".into()], None).is_ok());
        assert!(block.holds_span(&["/dev/vdd".into()], None).is_err());
        block.put_span(&["/dev/vdc".into()], None);
        assert!(block.spans.is_empty());
    }
}
