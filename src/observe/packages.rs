//! Which packages are installed, and which versions could be.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::exec::{Status, System};
use crate::machine::Needs;
use crate::machine::packages::{Manager, Packages, Record};
use crate::plan::Failure;
use crate::tools::{apt, dpkg};

/// Programs that install packages, the one that is understood first.
const MANAGERS: [&str; 8] = ["apt-get", "dnf5", "dnf", "yum", "zypper", "apk", "pacman", "emerge"];

pub(super) fn fill(packages: &mut Packages, needs: &Needs, system: &dyn System) -> Result<(), Failure> {
    let record = record(system);
    if packages.record != record {
        packages.seen.clear();
        packages.record = record;
    }
    let unseen: Vec<&String> =
        needs.packages.iter().filter(|name| !packages.seen.contains_key(*name)).collect();
    let candidates = needs.candidates && packages.candidates.is_empty();
    if unseen.is_empty() && !candidates {
        return Ok(());
    }
    let manager = match &packages.manager {
        Some(known) => known.clone(),
        None => look_for_manager(system)?,
    };
    packages.manager = Some(manager.clone());
    if manager != Manager::Apt {
        return Ok(());
    }
    installed(packages, &unseen, system)?;
    let wanted: Vec<&String> = needs
        .packages
        .iter()
        .filter(|name| needs.candidates || packages.seen.get(*name) == Some(&None))
        .collect();
    if !wanted.is_empty() {
        let command = apt::policy(&wanted);
        let output = system.run(&command);
        if !output.success() {
            return Err(Failure::of(&command, &output));
        }
        let found = apt::parse_policy(&output.text()).map_err(Failure::new)?;
        for name in wanted {
            let candidate =
                found.iter().find(|(known, _)| known == name).and_then(|(_, version)| version.clone());
            packages.candidates.insert(name.clone(), candidate);
        }
    }
    packages.lists_age_s = lists_age(system);
    Ok(())
}

fn record(system: &dyn System) -> Option<Record> {
    let stat = system.stat(Path::new("/var/lib/dpkg/status")).ok().flatten()?;
    Some(Record { inode: stat.inode, size: stat.size, modified: stat.modified })
}

fn look_for_manager(system: &dyn System) -> Result<Manager, Failure> {
    for program in MANAGERS {
        for folder in ["/usr/bin", "/usr/sbin", "/bin", "/sbin"] {
            let path = format!("{folder}/{program}");
            let found = system.stat(Path::new(&path));
            if found.map_err(|error| Failure::new(format!("cannot look at {path}: {error}")))?.is_some() {
                let apt = program == "apt-get";
                return Ok(if apt { Manager::Apt } else { Manager::Other(program.to_owned()) });
            }
        }
    }
    Ok(Manager::Unknown)
}

fn installed(packages: &mut Packages, names: &[&String], system: &dyn System) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    let ask = |command: crate::exec::Command| {
        let output = system.run(&command);
        match output.status {
            // 1 says that some of them are unknown.
            Status::Code(0 | 1) => dpkg::parse(&output.text()).map_err(Failure::new),
            _ => Err(Failure::of(&command, &output)),
        }
    };
    let mut known = ask(dpkg::query(names))?;
    known.retain(|package| package.installed);
    let direct = |known: &[dpkg::Package], name: &str| known.iter().any(|package| package.name == name);
    if !names.iter().all(|name| direct(&known, name)) {
        // A virtual package is there when somebody provides it; only the whole list says that.
        known = ask(dpkg::query_all())?;
        known.retain(|package| package.installed);
    }
    for name in names {
        let own = known.iter().find(|package| package.name == **name);
        let found = own.or_else(|| known.iter().find(|package| package.provides.contains(*name)));
        packages.seen.insert((*name).clone(), found.map(|package| package.version.clone()));
    }
    Ok(())
}

/// apt leaves a mark in one of these places whenever it fetched the lists.
fn lists_age(system: &dyn System) -> Option<u64> {
    let marks =
        ["/var/lib/apt/periodic/update-success-stamp", "/var/lib/apt/lists", "/var/lib/apt/lists/partial"];
    let newest = marks
        .iter()
        .filter_map(|mark| system.stat(Path::new(mark)).ok().flatten())
        .map(|stat| stat.modified)
        .fold(None, |newest: Option<f64>, time| Some(newest.map_or(time, |newest| newest.max(time))))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a time span in whole seconds"
    )]
    Some((now - newest).max(0.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;

    #[test]
    fn what_is_known_holds_until_the_record_changes() {
        let needs = Needs { packages: ["mdadm".to_owned()].into(), ..Needs::nothing() };
        let host = |record: &str, version: &str| {
            let query = dpkg::query(&["mdadm".to_owned()]).to_string();
            let host = Transcript::new().file("/usr/bin/apt-get", "").file("/var/lib/dpkg/status", record);
            host.says(&query, &format!("installed\tmdadm\t{version}\t\n"))
        };
        let mut packages = Packages::default();
        for (record, answer, known) in [("one", "1", "1"), ("one", "2", "1"), ("other", "3", "3")] {
            fill(&mut packages, &needs, &host(record, answer)).unwrap();
            assert_eq!(packages.seen["mdadm"].as_deref(), Some(known));
        }
    }

    #[test]
    fn finds_installed_virtual_and_missing_packages() {
        let names = ["mdadm", "mail-transport-agent", "lvm2"].map(str::to_owned);
        let all = "installed\tmdadm\t4.2-5\t\ninstalled\tpostfix\t3.7\tmail-transport-agent\n";
        let policy = "lvm2:\n  Installed: (none)\n  Candidate: 2.03.16-2\n";
        let system = Transcript::new()
            .file("/usr/bin/apt-get", "")
            .ends(
                &dpkg::query(&names).to_string(),
                Status::Code(1),
                "installed\tmdadm\t4.2-5\t\n",
                "dpkg-query: no packages found matching lvm2\n",
            )
            .says(&dpkg::query_all().to_string(), all)
            .says("apt-cache policy lvm2", policy);
        let mut packages = Packages::default();
        let needs = Needs { packages: names.into(), ..Needs::nothing() };
        fill(&mut packages, &needs, &system).unwrap();
        assert_eq!(packages.seen["mdadm"].as_deref(), Some("4.2-5"));
        assert_eq!(packages.seen["mail-transport-agent"].as_deref(), Some("3.7"));
        assert_eq!(packages.seen["lvm2"], None);
        assert_eq!(packages.candidates["lvm2"].as_deref(), Some("2.03.16-2"));
    }

    #[test]
    fn another_manager_is_named() {
        let mut packages = Packages::default();
        let needs = Needs { packages: vec!["mdadm".into()], ..Needs::nothing() };
        fill(&mut packages, &needs, &Transcript::new().file("/usr/bin/dnf", "")).unwrap();
        assert_eq!(packages.manager, Some(Manager::Other("dnf".into())));
    }
}
