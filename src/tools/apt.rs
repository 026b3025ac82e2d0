//! `apt-get` and `apt-cache`: installing packages, and knowing which versions there are.

use crate::exec::Command;

/// Fetches the package lists.
pub fn update() -> Command {
    get().args(["update"])
}

/// Installs packages; `recommends` leaves it to the host when it is not given.
pub fn install<S: AsRef<str>>(packages: &[S], recommends: Option<bool>) -> Command {
    let mut command =
        get().args(["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]);
    match recommends {
        Some(true) => command = command.args(["-o", "APT::Install-Recommends=yes"]),
        Some(false) => command = command.arg("--no-install-recommends"),
        None => {}
    }
    command.arg("install").args(packages.iter().map(AsRef::as_ref))
}

/// Removes packages, with their configuration when `purge`.
pub fn remove<S: AsRef<str>>(packages: &[S], purge: bool) -> Command {
    get().arg(if purge { "purge" } else { "remove" }).args(packages.iter().map(AsRef::as_ref))
}

/// Which versions could be installed.
pub fn policy<S: AsRef<str>>(packages: &[S]) -> Command {
    Command::probe("apt-cache").arg("policy").args(packages.iter().map(AsRef::as_ref))
}

fn get() -> Command {
    // Another apt (unattended upgrades, right after boot) is waited for.
    Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args([
        "--yes",
        "-o",
        "DPkg::Lock::Timeout=300",
    ])
}

/// Where an administrator forbids packages to start what they bring.
pub const POLICY: &str = "/usr/sbin/policy-rc.d";

/// The unit that Debian enables and starts when it installs a package, by all its names. Only packages of storage are
/// known here; a unit that its own conditions keep from running (no target configured, no portal) is none of them.
pub fn started_by(package: &str) -> Option<&'static [&'static str]> {
    Some(match package {
        "nfs-kernel-server" => &["nfs-server", "nfs-kernel-server"],
        "rpcbind" => &["rpcbind"],
        "smartmontools" => &["smartmontools", "smartd"],
        "multipath-tools" => &["multipathd", "multipath-tools"],
        "samba" => &["smbd"],
        _ => return None,
    })
}

/// Package and candidate, for each package the lists know.
pub fn parse_policy(text: &str) -> Result<Vec<(String, Option<String>)>, String> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_suffix(':').filter(|_| !line.starts_with(' ')) {
            found.push((name.to_owned(), None));
        } else if let Some(candidate) = line.trim_start().strip_prefix("Candidate:") {
            let last =
                found.last_mut().ok_or_else(|| format!("apt-cache policy: no package before `{line}`"))?;
            last.1 = Some(candidate.trim().to_owned()).filter(|candidate| candidate != "(none)");
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_candidates() {
        let text = "mdadm:\n  Installed: (none)\n  Candidate: 4.2-5\n  Version table:\n     4.2-5 500\n        \
                    500 http://deb.debian.org/debian bookworm/main amd64 Packages\nmail-transport-agent:\n  \
                    Installed: (none)\n  Candidate: (none)\n  Version table:\n";
        let found = parse_policy(text).unwrap();
        assert_eq!(found[0], ("mdadm".into(), Some("4.2-5".into())));
        assert_eq!(found[1], ("mail-transport-agent".into(), None));
        assert!(parse_policy("  Candidate: 1").is_err());
    }

    #[test]
    fn installs_without_asking_anybody() {
        assert_eq!(
            install(&["mdadm"], Some(false)).to_string(),
            "apt-get --yes -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confdef \
             -o Dpkg::Options::=--force-confold --no-install-recommends install mdadm"
        );
    }
}
