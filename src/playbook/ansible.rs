//! Names of Ansible's modules, so that one that does not work here is told from one that does not exist.
//!
//! Source: ansible-core 2.19 `lib/ansible/modules`, and the storage modules of the collections people use beside it.

/// Whether Ansible has a module of that name. Names with a collection are taken at their word: the list of all
/// collections is not ours to keep.
pub(super) fn has_module(name: &str) -> bool {
    let mut dots = name.split('.').filter(|part| !part.is_empty());
    dots.clone().count() >= 3
        || dots.next_back().is_some_and(|short| !name.contains('.') && MODULES.contains(&short))
}

/// All short names.
pub(super) fn modules() -> impl Iterator<Item = &'static str> {
    MODULES.iter().copied()
}

#[rustfmt::skip]
const MODULES: &[&str] = &[
    "add_host", "apt", "apt_key", "apt_repository", "assemble", "assert", "async_status", "async_wrapper",
    "blockinfile", "command", "copy", "cron", "deb822_repository", "debconf", "debug", "dnf", "dnf5",
    "dpkg_selections", "expect", "fail", "fetch", "file", "find", "gather_facts", "get_url", "getent", "git",
    "group", "group_by", "hostname", "import_playbook", "import_role", "import_tasks", "include_role",
    "include_tasks", "include_vars", "iptables", "known_hosts", "lineinfile", "meta", "mount_facts", "package",
    "package_facts", "pause", "ping", "pip", "raw", "reboot", "replace", "rpm_key", "script", "service",
    "service_facts", "set_fact", "set_stats", "setup", "shell", "slurp", "stat", "subversion", "systemd",
    "systemd_service", "sysvinit", "tempfile", "template", "unarchive", "uri", "user",
    "validate_argument_spec", "wait_for", "wait_for_connection", "yum", "yum_repository",
    // ansible.posix
    "acl", "at", "authorized_key", "firewalld", "mount", "patch", "seboolean", "selinux", "synchronize", "sysctl",
    // community.general and others, for storage
    "alternatives", "archive", "btrfs_subvolume", "crypttab", "filesystem", "filesize", "htpasswd", "ini_file",
    "kernel_blacklist", "locale_gen", "lvg", "lvg_rename", "lvol", "luks_device", "modprobe", "open_iscsi",
    "openssl_privatekey", "pam_limits", "parted", "sefcontext", "ssh_config", "timezone", "ufw", "xattr",
    "xfs_quota", "xml", "zfs", "zfs_delegate_admin", "zfs_facts", "zpool", "zpool_facts",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_short_names_and_believes_full_ones() {
        assert!(has_module("unarchive") && has_module("community.general.timezone"));
        assert!(!has_module("coppy") && !has_module("a.b") && !has_module("..."));
    }
}
