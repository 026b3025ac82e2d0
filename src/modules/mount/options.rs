//! Mount options against what the kernel shows of them. Only what is shown can be compared.

/// Options that can be seen on a mount, each with what it is without it.
const VISIBLE: [(&str, &str); 9] = [
    ("ro", "rw"),
    ("nosuid", "suid"),
    ("nodev", "dev"),
    ("noexec", "exec"),
    ("noatime", "relatime"),
    ("nodiratime", "diratime"),
    ("sync", "async"),
    ("dirsync", "async"),
    ("lazytime", "nolazytime"),
];

/// What the kernel will show of options, as far as one can say.
pub(super) fn foreseen(options: &str) -> Vec<String> {
    let words: Vec<&str> = options.split(',').filter(|word| *word != "defaults").collect();
    let mut shown: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    if !words.contains(&"ro") && !words.contains(&"rw") {
        shown.insert(0, "rw".to_owned());
    }
    shown
}

/// The folder of a btrfs that its options ask for; `None` where they leave that open.
pub(super) fn subvolume(options: &str) -> Option<String> {
    let asked = options.split(',').rev().find_map(|word| word.strip_prefix("subvol="))?;
    Some(format!("/{}", asked.trim_matches('/')))
}

/// The words a remount has to say beside the options themselves, or the options that are not in force; empty when all
/// is as asked for. Which subvolume is seen is the source's business.
///
/// What was not asked for is the default, but for a folder that is seen elsewhere (`inherits`): there it is what is in
/// force where the folder is.
pub(super) fn differing<'a>(wanted: &'a str, live: &[String], inherits: bool) -> Vec<&'a str> {
    let words: Vec<&str> = wanted.split(',').collect();
    let is_live = |word: &str| live.iter().any(|option| option == word);
    let mut differing = Vec::new();
    for (flag, opposite) in VISIBLE {
        let asked = words.iter().rev().find(|word| **word == flag || **word == opposite);
        match asked {
            Some(word) if *word == flag && !is_live(flag) => differing.push(flag),
            Some(word) if *word == opposite && is_live(flag) => differing.push(opposite),
            // Read-only by itself is the kernel's answer to an error, not somebody's wish to be undone.
            None if is_live(flag) && flag != "ro" && !inherits => differing.push(opposite),
            _ => {}
        }
    }
    for word in &words {
        let Some((name, _)) = word.split_once('=') else { continue };
        // The kernel writes the level beside the algorithm.
        let level = format!("{word}:");
        if name.starts_with("compress") && live.iter().any(|option| option.starts_with(&level)) {
            continue;
        }
        let prefix = format!("{name}=");
        if !is_live(word)
            && !name.starts_with("x-")
            && name != "subvol"
            && live.iter().any(|option| option.starts_with(&prefix))
        {
            differing.push(word);
        }
    }
    differing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(options: &str) -> Vec<String> {
        options.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn compares_what_can_be_seen() {
        let xfs = live("rw,noatime,attr2,inode64,logbsize=32k,noquota");
        assert!(differing("noatime,nofail,x-systemd.automount", &xfs, false).is_empty());
        assert_eq!(differing("defaults", &xfs, false), ["relatime"]);
        assert_eq!(differing("noatime,nodev,logbsize=64k", &xfs, false), ["nodev", "logbsize=64k"]);
        assert!(differing("defaults", &live("ro,relatime"), false).is_empty());
        assert_eq!(differing("rw", &live("ro,relatime"), false), ["rw"]);
        let btrfs = live("rw,noatime,compress=zstd:3,space_cache=v2,subvolid=256,subvol=/@data");
        assert!(differing("noatime,compress=zstd,subvol=@data", &btrfs, false).is_empty());
        assert_eq!(differing("noatime,compress=lzo,subvol=/@data", &btrfs, false), ["compress=lzo"]);
        assert!(differing("subvol=@home", &live("rw,subvolid=256,subvol=/@home"), false).is_empty());
    }

    #[test]
    fn a_folder_has_the_flags_of_where_it_is() {
        let there = live("rw,noatime,nodev");
        assert!(differing("bind", &there, true).is_empty());
        assert_eq!(differing("bind,ro", &there, true), ["ro"]);
        assert_eq!(differing("bind,dev", &there, true), ["dev"]);
    }

    #[test]
    fn a_subvolume_has_one_name() {
        for options in ["subvol=@home", "noatime,subvol=/@home", "subvol=x,subvol=@home/"] {
            assert_eq!(subvolume(options).as_deref(), Some("/@home"), "{options}");
        }
        assert_eq!(subvolume("subvolid=256"), None);
    }

    #[test]
    fn what_is_foreseen_does_not_differ() {
        for options in ["defaults", "noatime", "ro,nodev", "noatime,lazytime,nofail"] {
            assert!(differing(options, &foreseen(options), false).is_empty(), "{options}");
        }
    }
}
