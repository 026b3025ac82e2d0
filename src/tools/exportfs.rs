//! `exportfs` and its files: what is written for the NFS server, and what the server makes of it.

use std::collections::{BTreeMap, BTreeSet};

use super::fstab::unescape;
use crate::exec::Command;
use crate::machine::exports::Exports;

/// Lists what is exported, an export a line, defaults spelt out.
pub fn list() -> Command {
    Command::probe("exportfs").arg("-s")
}

/// Makes the kernel's exports those of the files.
pub fn apply() -> Command {
    Command::new("exportfs").args(["-r", "-a"])
}

pub fn parse(text: &str) -> Result<Exports, String> {
    let mut exports = Exports::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let bad = || format!("exportfs: no path, client and options in the line `{line}`");
        let (path, rest) = line.split_once(char::is_whitespace).ok_or_else(bad)?;
        let (client, options) = rest.trim().split_once('(').ok_or_else(bad)?;
        let options = options.strip_suffix(')').ok_or_else(bad)?;
        // Everybody is `*` in the files, and `<world>` in some listings.
        let client = if client == "<world>" { "*" } else { client };
        let options: BTreeSet<String> = options.split(',').map(str::to_owned).collect();
        exports.live.entry(unescape(path)).or_default().insert(client.to_owned(), options);
    }
    Ok(exports)
}

/// A line of a file of exports.
#[derive(Debug, PartialEq, Eq)]
pub struct Written {
    pub path: String,
    /// As it is written there.
    pub line: String,
    /// Whether it ends with a backslash, and the next line is part of it.
    pub goes_on: bool,
}

/// The lines of a file of exports that name a path. What follows a backslash belongs to the line before.
pub fn written(text: &str) -> Vec<Written> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        let goes_on = line.trim_end().ends_with('\\');
        let begins = line.trim_start();
        let path = match begins.strip_prefix('"') {
            Some(quoted) => quoted.split('"').next(),
            None => begins.split(char::is_whitespace).next(),
        };
        if let Some(path) = path.filter(|path| !inside && path.starts_with('/')) {
            let path = unescape(path);
            let path = if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path };
            found.push(Written { path, line: line.to_owned(), goes_on });
        }
        inside = goes_on;
    }
    found
}

/// Pairs of which one always holds; the first is the default.
const PAIRS: [[&str; 2]; 8] = [
    ["ro", "rw"],
    ["sync", "async"],
    ["wdelay", "no_wdelay"],
    ["hide", "nohide"],
    ["no_subtree_check", "subtree_check"],
    ["secure", "insecure"],
    ["root_squash", "no_root_squash"],
    ["no_all_squash", "all_squash"],
];

/// What the server will list for these options.
pub fn expanded(options: &[String]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for pair in PAIRS {
        let given = options.iter().rev().find(|option| pair.contains(&option.as_str()));
        all.insert(given.map_or(pair[0], String::as_str).to_owned());
    }
    if !options.iter().any(|option| option.starts_with("sec=")) {
        all.insert("sec=sys".to_owned());
    }
    for option in options {
        match option.as_str() {
            "fsid=root" => drop(all.insert("fsid=0".to_owned())),
            "mp" => drop(all.insert("mountpoint".to_owned())),
            // Not listed, as they are what everybody has.
            "acl" | "secure_locks" | "auth_nlm" | "nocrossmnt" | "no_pnfs" | "anonuid=65534"
            | "anongid=65534" | "" => {}
            // Several flavours are listed apart.
            flavours if flavours.starts_with("sec=") => {
                all.extend(flavours["sec=".len()..].split(':').map(|flavour| format!("sec={flavour}")));
            }
            other if PAIRS.iter().any(|pair| pair.contains(&other)) => {}
            other => drop(all.insert(other.to_owned())),
        }
    }
    all
}

/// The content of a file of exports: one path, its clients in order.
pub fn file(path: &str, clients: &BTreeMap<String, Vec<String>>) -> String {
    let path = path.replace('\\', "\\134").replace(' ', "\\040").replace('"', "\\042");
    let clients: Vec<String> =
        clients.iter().map(|(client, options)| format!("{client}({})", options.join(","))).collect();
    format!("# Written by holdfast: changes here are lost.\n{path} {}\n", clients.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: nfs-utils 2.6.2.
    #[test]
    fn what_is_asked_for_is_what_is_listed() {
        let text = "/srv/kvm  10.0.0.0/24(sync,wdelay,hide,no_subtree_check,sec=sys,rw,secure,no_root_squash,no_all_squash)\n";
        let exports = parse(text).unwrap();
        let options: Vec<String> = ["rw", "no_root_squash", "sync"].map(str::to_owned).to_vec();
        assert_eq!(exports.live["/srv/kvm"]["10.0.0.0/24"], expanded(&options));
    }

    #[test]
    fn lines_that_name_a_path_are_found() {
        let text = "# c\n/srv/a/ *(ro)\n\"/srv/with blank\" *(ro)\n/b \\\n  /c(ro) \n/d\\040x *\n";
        let found = written(text);
        let paths: Vec<(&str, bool)> = found.iter().map(|line| (line.path.as_str(), line.goes_on)).collect();
        assert_eq!(paths, [("/srv/a", false), ("/srv/with blank", false), ("/b", true), ("/d x", false)]);
        assert_eq!(found[0].line, "/srv/a/ *(ro)");
    }

    #[test]
    fn a_bad_line_is_shown() {
        assert!(parse("/srv/kvm\n").unwrap_err().contains("`/srv/kvm`"));
        assert!(parse("/srv/kvm a(rw\n").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(.|\n)*") {
            let _ = parse(&text);
            let _ = written(&text);
        }
    }
}
