//! Who the host is: distribution, kernel, names, service manager, time.

use super::{Ask, put};
use crate::exec::{Command, Status};
use crate::machine::Machine;
use crate::tools::procfs;
use crate::value::{Map, Value};

pub(super) fn look(ask: &Ask<'_>, machine: &Machine, facts: &mut Map<String, Value>) {
    distribution(ask, facts);
    names(ask, facts);
    user(ask, machine, facts);
    virtualization(ask, facts);
    put(facts, "system", Some("Linux"));
    put(facts, "kernel", ask.value("/proc/sys/kernel/osrelease"));
    put(facts, "kernel_version", ask.value("/proc/sys/kernel/version"));
    for name in ["architecture", "machine"] {
        put(facts, name, Some(std::env::consts::ARCH));
    }
    put(facts, "userspace_bits", Some("64"));
    let id = ask.value("/etc/machine-id").or_else(|| ask.value("/var/lib/dbus/machine-id"));
    put(facts, "machine_id", id);
    put(facts, "boot_id", ask.value("/proc/sys/kernel/random/boot_id"));
    put(facts, "cmdline", ask.text("/proc/cmdline").map(|text| procfs::cmdline(&text)));
    put(facts, "service_mgr", ask.value("/proc/1/comm"));
    put(facts, "selinux", Some(selinux(ask)));
    let apparmor = if ask.exists("/sys/kernel/security/apparmor") { "enabled" } else { "disabled" };
    put(facts, "apparmor", Some(Map::from_iter([("status".to_owned(), Value::from(apparmor))])));
    put(facts, "fips", Some(ask.value("/proc/sys/crypto/fips_enabled").as_deref() == Some("1")));
    put(facts, "iscsi_iqn", initiator(ask));
    put(facts, "hostnqn", ask.value("/etc/nvme/hostnqn"));
    if let Some(mut now) = ask.said(&date()).and_then(|text| date_time(&text)) {
        let epoch = now.get("epoch").and_then(Value::as_str).unwrap_or_default();
        let utc = ask.said(&utc(epoch)).map(|text| text.trim().to_owned());
        put(&mut now, "iso8601", utc);
        put(facts, "date_time", Some(now));
    }
    let environment: Map<String, Value> =
        std::env::vars().map(|(name, value)| (name, value.into())).collect();
    put(facts, "env", Some(environment));
}

fn distribution(ask: &Ask<'_>, facts: &mut Map<String, Value>) {
    let Some(text) = ask.text("/etc/os-release").or_else(|| ask.text("/usr/lib/os-release")) else { return };
    let release = procfs::shell_variables(&text);
    let get = |key: &str| release.get(key).cloned();
    let id = get("ID").unwrap_or_default();
    let (name, family) = named(&id, release.get("ID_LIKE").map_or("", String::as_str));
    put(facts, "distribution", name.map(str::to_owned).or_else(|| get("NAME")));
    put(facts, "os_family", family.map(str::to_owned).or_else(|| get("NAME")));
    // Debian's own file knows the point release; a testing system has words there.
    let point = ask
        .value("/etc/debian_version")
        .filter(|version| id == "debian" && version.starts_with(|digit: char| digit.is_ascii_digit()));
    let version = point.or_else(|| get("VERSION_ID"));
    let major = version.as_deref().and_then(|version| version.split('.').next()).map(str::to_owned);
    put(facts, "distribution_major_version", major);
    put(facts, "distribution_version", version);
    put(facts, "distribution_release", get("VERSION_CODENAME").or_else(|| Some("NA".to_owned())));
    let managers = [
        ("apt-get", "apt"),
        ("dnf5", "dnf5"),
        ("dnf", "dnf"),
        ("yum", "yum"),
        ("zypper", "zypper"),
        ("apk", "apk"),
        ("pacman", "pacman"),
        ("emerge", "portage"),
    ];
    let found = managers.iter().find(|(program, _)| {
        ["/usr/bin", "/sbin", "/bin"].iter().any(|folder| ask.exists(&format!("{folder}/{program}")))
    });
    put(facts, "pkg_mgr", Some(found.map_or("unknown", |(_, name)| name)));
}

/// Ansible's names of a distribution and of its family.
fn named(id: &str, like: &str) -> (Option<&'static str>, Option<&'static str>) {
    let name = match id {
        "debian" => "Debian",
        "ubuntu" => "Ubuntu",
        "linuxmint" => "Linux Mint",
        "raspbian" => "Raspbian",
        "kali" => "Kali",
        "rhel" => "RedHat",
        "centos" => "CentOS",
        "fedora" => "Fedora",
        "rocky" => "Rocky",
        "almalinux" => "AlmaLinux",
        "ol" => "OracleLinux",
        "amzn" => "Amazon",
        "sles" => "SLES",
        "opensuse-leap" => "openSUSE Leap",
        "opensuse-tumbleweed" => "openSUSE Tumbleweed",
        "alpine" => "Alpine",
        "arch" => "Archlinux",
        "gentoo" => "Gentoo",
        _ => "",
    };
    let is = |word: &str| id == word || like.split_whitespace().any(|like| like == word);
    let family = match () {
        () if is("debian") || is("ubuntu") => Some("Debian"),
        () if is("rhel") || is("fedora") || is("centos") || id == "amzn" => Some("RedHat"),
        () if is("suse") || is("sles") || is("opensuse") => Some("Suse"),
        () if id == "alpine" => Some("Alpine"),
        () if is("arch") => Some("Archlinux"),
        () if id == "gentoo" => Some("Gentoo"),
        () => None,
    };
    ((!name.is_empty()).then_some(name), family)
}

fn names(ask: &Ask<'_>, facts: &mut Map<String, Value>) {
    let Some(node) = ask.value("/proc/sys/kernel/hostname") else { return };
    let short = node.split('.').next().unwrap_or(&node).to_owned();
    let hosts = ask.text("/etc/hosts").unwrap_or_default();
    let full =
        if node.contains('.') { node.clone() } else { full_name(&hosts, &short).unwrap_or(node.clone()) };
    put(facts, "domain", Some(full.split_once('.').map_or("", |(_, domain)| domain)));
    put(facts, "hostname", Some(short));
    put(facts, "nodename", Some(node));
    put(facts, "fqdn", Some(full));
}

/// The name with a domain that the host's own file has for it. No name server is asked: that could hang.
fn full_name(hosts: &str, short: &str) -> Option<String> {
    hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or("").split_whitespace().skip(1))
        .find(|names| names.clone().any(|name| name.split('.').next() == Some(short)))
        .and_then(|mut names| names.find(|name| name.contains('.') && name.starts_with(short)))
        .map(str::to_owned)
}

fn user(ask: &Ask<'_>, machine: &Machine, facts: &mut Map<String, Value>) {
    let (uid, gid) = machine.accounts.own;
    let passwd = ask.text("/etc/passwd").unwrap_or_default();
    let lines = passwd.lines().filter_map(|line| crate::tools::getent::parse_passwd(line).ok());
    if let Some((name, user)) = lines.into_iter().find(|(_, user)| user.uid == uid) {
        put(facts, "user_id", Some(name));
        put(facts, "user_dir", Some(user.home));
    }
    for (name, number) in [("user_uid", uid), ("user_gid", gid), ("effective_user_id", uid)] {
        put(facts, name, Some(number));
    }
}

fn virtualization(ask: &Ask<'_>, facts: &mut Map<String, Value>) {
    let output = ask.system.run(&Command::probe("systemd-detect-virt"));
    // It ends with 1 when there is none, and says so.
    if !matches!(output.status, Status::Code(0 | 1)) {
        return;
    }
    let said = output.text();
    let (kind, role) = match said.trim() {
        "" => return,
        "none" if ask.exists("/sys/module/kvm") => ("kvm", "host"),
        "none" => ("NA", "NA"),
        "microsoft" => ("VirtualPC", "guest"),
        "oracle" => ("virtualbox", "guest"),
        "vmware" => ("VMware", "guest"),
        "lxc-libvirt" => ("lxc", "guest"),
        other => (other, "guest"),
    };
    put(facts, "virtualization_type", Some(kind));
    put(facts, "virtualization_role", Some(role));
}

fn selinux(ask: &Ask<'_>) -> Map<String, Value> {
    let mut all = Map::new();
    let Some(enforce) = ask.value("/sys/fs/selinux/enforce") else {
        all.insert("status".to_owned(), "disabled".into());
        return all;
    };
    let config = procfs::shell_variables(&ask.text("/etc/selinux/config").unwrap_or_default());
    all.insert("status".to_owned(), "enabled".into());
    all.insert("mode".to_owned(), if enforce == "1" { "enforcing" } else { "permissive" }.into());
    put(&mut all, "config_mode", config.get("SELINUX").cloned());
    put(&mut all, "type", config.get("SELINUXTYPE").cloned());
    all
}

fn initiator(ask: &Ask<'_>) -> Option<String> {
    let text = ask.text("/etc/iscsi/initiatorname.iscsi")?;
    text.lines().find_map(|line| line.strip_prefix("InitiatorName=")).map(|name| name.trim().to_owned())
}

/// Asks for everything about now at once.
fn date() -> Command {
    Command::probe("date").arg("+%Y %m %d %H %M %S %s %Z %z %A %u %V %j")
}

/// The same moment in universal time.
fn utc(epoch: &str) -> Command {
    Command::probe("date").args(["--utc", &format!("--date=@{epoch}"), "+%Y-%m-%dT%H:%M:%SZ"])
}

fn date_time(text: &str) -> Option<Map<String, Value>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [year, month, day, hour, minute, second, epoch, zone, offset, weekday, number, week, yearday] =
        words.as_slice()
    else {
        return None;
    };
    let all = [
        ("year", (*year).to_owned()),
        ("month", (*month).to_owned()),
        ("day", (*day).to_owned()),
        ("hour", (*hour).to_owned()),
        ("minute", (*minute).to_owned()),
        ("second", (*second).to_owned()),
        ("epoch", (*epoch).to_owned()),
        ("epoch_int", (*epoch).to_owned()),
        ("tz", (*zone).to_owned()),
        ("tz_offset", (*offset).to_owned()),
        ("weekday", (*weekday).to_owned()),
        ("weekday_number", (*number).to_owned()),
        ("weeknumber", (*week).to_owned()),
        ("yearday", (*yearday).to_owned()),
        ("date", format!("{year}-{month}-{day}")),
        ("time", format!("{hour}:{minute}:{second}")),
        ("iso8601_basic_short", format!("{year}{month}{day}T{hour}{minute}{second}")),
    ];
    Some(all.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_distributions_as_ansible_does() {
        assert_eq!(named("debian", ""), (Some("Debian"), Some("Debian")));
        assert_eq!(named("rocky", "rhel centos fedora"), (Some("Rocky"), Some("RedHat")));
        assert_eq!(named("pop", "ubuntu debian"), (None, Some("Debian")));
        assert_eq!(named("strange", ""), (None, None));
    }

    #[test]
    fn finds_the_full_name_without_asking_anybody() {
        let hosts = "127.0.0.1 localhost\n10.0.0.5 kvm1.example.org kvm1 # this one\n";
        assert_eq!(full_name(hosts, "kvm1").as_deref(), Some("kvm1.example.org"));
        assert_eq!(full_name(hosts, "kvm2"), None);
    }

    #[test]
    fn takes_the_time_apart() {
        let now = date_time("2026 11 23 05 50 05 1795413005 UTC +0000 Monday 1 48 327\n").unwrap();
        assert_eq!((&now["date"], &now["epoch"]), (&"2026-11-23".into(), &"1795413005".into()));
        assert_eq!(date_time("2026 11"), None);
    }
}
