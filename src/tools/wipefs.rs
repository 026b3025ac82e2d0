//! `wipefs`: every signature on a device, and their removal.

use serde::Deserialize;

use crate::exec::{Command, Output};
use crate::machine::claim::{BlankDevice, Unused};

/// Lists every signature of devices; changes nothing. Which of several devices has one is not asked: a mapped device is
/// called otherwise there.
pub fn list(devices: &[&str]) -> Command {
    Command::probe("wipefs").args(["--no-act", "--json"]).args(devices.iter().copied())
}

/// Whether all of the devices are without a signature, by what [`list`] said.
pub fn found_none(answer: &Output) -> bool {
    answer.success() && parse(&answer.text()).is_ok_and(|signatures| signatures.is_empty())
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
    use crate::exec::Status;

    /// Captured: util-linux 2.38.
    /// Captured: util-linux 2.38, of two devices.
    #[test]
    fn silence_after_a_failure_is_no_proof() {
        let ended = |status| Output {
            status,
            stdout: b"{\n   \"signatures\": [\n\n   ]\n}\n".into(),
            stderr: Vec::new(),
        };
        assert!(found_none(&ended(Status::Code(0))));
        assert!(!found_none(&ended(Status::Code(1))) && !found_none(&ended(Status::TimedOut)));
    }

    #[test]
    fn reads_signatures() {
        let text = r#"{"signatures":[{"device":"vdb","offset":"0x1000","type":"linux_raid_member","uuid":"f6","label":"any:kvm"}]}"#;
        assert_eq!(parse(text).unwrap(), ["linux_raid_member"]);
        assert_eq!(parse("\n").unwrap(), Vec::<String>::new());
        assert!(parse("vdb").is_err());
    }
}
