//! What a boot does when a file system is not there. Only asked for: an entry that works is not changed by a policy
//! nobody named.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Refusal;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum BootPolicy {
    Required,
    Optional,
    Network,
}

/// A host that goes on without these does not come up, or comes up broken.
pub(in crate::modules) const ESSENTIAL: [&str; 6] = ["/", "/usr", "/var", "/etc", "/boot", "/boot/efi"];

impl BootPolicy {
    pub(super) fn options(self, remote: bool) -> &'static [&'static str] {
        match (self, remote) {
            (Self::Required, false) => &[],
            (Self::Required, true) => &["_netdev"],
            (Self::Optional, false) => &["nofail"],
            (Self::Optional, true) | (Self::Network, _) => &["_netdev", "nofail"],
        }
    }

    /// Refuses what contradicts itself, and to do without what a host needs.
    pub(super) fn allowed(self, target: &str, opts: &str, boot: bool) -> Result<(), Refusal> {
        let word = match self {
            Self::Required => "required",
            Self::Optional => "optional",
            Self::Network => "network",
        };
        if self == Self::Required {
            let softens = opts.split(',').map(str::trim).find(|word| matches!(*word, "nofail" | "noauto"));
            let softens = softens.or((!boot).then_some("noauto"));
            return match softens {
                Some(option) => {
                    Err(Refusal::new(format!("the mount at {target} is both `required` and `{option}`"))
                        .help("a boot that goes on without it: `boot_policy: optional`"))
                }
                None => Ok(()),
            };
        }
        if ESSENTIAL.contains(&target) {
            return Err(Refusal::new(format!("the mount at {target} cannot be `{word}`"))
                .fact("a host that starts without it does not work")
                .help("leave `boot_policy` out, or say `required`"));
        }
        Ok(())
    }
}
