//! `sysctl`: kernel settings, live and in files.

use crate::exec::Command;

/// Sets a value now.
pub fn write(key: &str, value: &str) -> Command {
    Command::new("sysctl").args(["--write".to_owned(), format!("{key}={value}")])
}

/// The file of a key: dots separate, unless a slash comes first, as sysctl itself reads it.
pub fn path(key: &str) -> String {
    let swap = key.find(['.', '/']).is_some_and(|at| key.as_bytes()[at] == b'.');
    let inside: String = key
        .chars()
        .map(|letter| match letter {
            '.' if swap => '/',
            '/' if swap => '.',
            other => other,
        })
        .collect();
    format!("/proc/sys/{inside}")
}

/// Values as they compare: runs of blanks count as one.
pub fn normal(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A setting in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting<'a> {
    pub key: &'a str,
    pub value: &'a str,
    pub line: &'a str,
}

/// The settings of a file. What is no setting is left alone by everybody.
pub fn parse(text: &str) -> Vec<Setting<'_>> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with(['#', ';']))
        .filter_map(|line| {
            let (key, value) = line.split_once('=')?;
            let key = key.trim();
            // A dash before the key means: never mind when it fails.
            Some(Setting { key: key.strip_prefix('-').unwrap_or(key).trim(), value: value.trim(), line })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_paths() {
        assert_eq!(path("vm.dirty_bytes"), "/proc/sys/vm/dirty_bytes");
        assert_eq!(path("net.ipv4.conf.eth0/1.rp_filter"), "/proc/sys/net/ipv4/conf/eth0.1/rp_filter");
        assert_eq!(path("net/ipv4/conf/eth0.1/rp_filter"), "/proc/sys/net/ipv4/conf/eth0.1/rp_filter");
    }

    #[test]
    fn reads_settings_only() {
        let text = "# a = 1\n; b=2\n-vm.x =  1 2\nvm.y=3\nnonsense\n";
        let found: Vec<_> = parse(text).into_iter().map(|one| (one.key, one.value)).collect();
        assert_eq!(found, [("vm.x", "1 2"), ("vm.y", "3")]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(.|\n)*") {
            let _ = (parse(&text), path(&text), normal(&text));
        }
    }
}
