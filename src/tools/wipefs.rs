//! `wipefs`: every signature on a device, and their removal.

use serde::Deserialize;

use crate::exec::Command;
use crate::machine::claim::{BlankDevice, Unused};

/// Lists every signature; changes nothing.
pub fn list(device: &str) -> Command {
    Command::probe("wipefs").args(["--no-act", "--json", device])
}

/// Removes all signatures of a device that nobody uses.
pub fn all(device: Unused<'_>) -> Command {
    Command::new("wipefs").args(["--all", &device.device().path])
}

/// The same for a device on which there is nothing but an empty partition table.
pub fn table(device: BlankDevice<'_>) -> Command {
    Command::new("wipefs").args(["--all", device.path()])
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Listing {
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    #[serde(rename = "type")]
    kind: String,
}

/// The kinds of the signatures; nothing is said where there are none.
pub fn parse(text: &str) -> Result<Vec<String>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let listing: Listing =
        serde_json::from_str(text).map_err(|error| format!("wipefs: no listing: {error}"))?;
    Ok(listing.signatures.into_iter().map(|signature| signature.kind).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: util-linux 2.38.
    #[test]
    fn reads_signatures() {
        let text = r#"{"signatures":[{"device":"vdb","offset":"0x1000","type":"linux_raid_member","uuid":"f6","label":"any:kvm"}]}"#;
        assert_eq!(parse(text).unwrap(), ["linux_raid_member"]);
        assert_eq!(parse("\n").unwrap(), Vec::<String>::new());
        assert!(parse("vdb").is_err());
    }
}
