//! Text files of the kernel and of the distribution: memory, processors, command line, release.

use std::collections::BTreeMap;

use crate::value::{Map, Value};

/// `/proc/meminfo` in kibibytes, by its own names.
pub fn meminfo(text: &str) -> BTreeMap<String, u64> {
    let entry = |line: &str| {
        let (name, rest) = line.split_once(':')?;
        Some((name.to_owned(), rest.split_whitespace().next()?.parse().ok()?))
    };
    text.lines().filter_map(entry).collect()
}

/// What `/proc/cpuinfo` says of processors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Processors {
    /// Number, vendor and model of each, in a row: Ansible's `processor`.
    pub list: Vec<String>,
    /// Logical processors.
    pub threads: usize,
    /// Sockets.
    pub sockets: usize,
    /// Cores of a socket.
    pub cores: usize,
    pub threads_per_core: usize,
}

/// `/proc/cpuinfo`; a kernel that tells no sockets has one for each logical processor, as Ansible counts.
pub fn cpuinfo(text: &str) -> Processors {
    let mut found = Processors::default();
    let (mut sockets, mut cores, mut siblings) = (Vec::new(), 0, 0);
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        match key.trim() {
            "processor" => {
                found.threads += 1;
                found.list.push(value.to_owned());
            }
            "vendor_id" | "model name" => found.list.push(value.to_owned()),
            "physical id" if !sockets.contains(&value) => sockets.push(value),
            "cpu cores" => cores = value.parse().unwrap_or(0),
            "siblings" => siblings = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    found.sockets = if sockets.is_empty() { found.threads } else { sockets.len() };
    found.cores = cores.max(1);
    found.threads_per_core = (siblings / found.cores).max(1);
    found
}

/// `KEY=value` lines, quoted or not: `/etc/os-release` and its like.
pub fn shell_variables(text: &str) -> BTreeMap<String, String> {
    let entry = |line: &str| {
        let (key, value) = line.trim().split_once('=')?;
        let value = shlex::split(value).unwrap_or_default().join(" ");
        (!key.starts_with('#')).then(|| (key.to_owned(), value))
    };
    text.lines().filter_map(entry).collect()
}

/// The kernel's command line: what has no value is true, and the last of a name counts.
pub fn cmdline(text: &str) -> Map<String, Value> {
    let words = shlex::split(text.trim()).unwrap_or_default();
    words
        .iter()
        .map(|word| match word.split_once('=') {
            Some((key, value)) => (key.to_owned(), value.into()),
            None => (word.clone(), true.into()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_texts() {
        let memory = meminfo("MemTotal:       24684092 kB\nHugePages_Total:       0\nodd\n");
        assert_eq!((memory["MemTotal"], memory["HugePages_Total"]), (24_684_092, 0));
        let line = cmdline("BOOT_IMAGE=/vmlinuz root=UUID=1-2 ro console=tty0 console=ttyS0\n");
        assert_eq!((&line["root"], &line["ro"]), (&"UUID=1-2".into(), &true.into()));
        assert_eq!(line["console"], "ttyS0");
        let release = shell_variables("PRETTY_NAME=\"Debian GNU/Linux 12\"\n# x=y\nID=debian\n");
        assert_eq!(
            (release["PRETTY_NAME"].as_str(), release["ID"].as_str()),
            ("Debian GNU/Linux 12", "debian")
        );
        assert_eq!(release.len(), 2);
    }

    #[test]
    fn counts_processors() {
        let one = |number: u8, socket: u8| {
            format!(
                "processor\t: {number}\nvendor_id\t: GenuineIntel\nmodel name\t: Xeon\nphysical id\t: {socket}\n\
                 siblings\t: 2\ncpu cores\t: 1\n\n"
            )
        };
        let text = [one(0, 0), one(1, 0), one(2, 1), one(3, 1)].concat();
        let found = cpuinfo(&text);
        assert_eq!((found.threads, found.sockets, found.cores, found.threads_per_core), (4, 2, 1, 2));
        assert_eq!(found.list[..3], ["0", "GenuineIntel", "Xeon"]);
        let bare = cpuinfo("processor\t: 0\nprocessor\t: 1\n");
        assert_eq!((bare.sockets, bare.cores, bare.threads_per_core), (2, 1, 1));
    }
}
