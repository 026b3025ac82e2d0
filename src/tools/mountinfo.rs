//! `/proc/self/mountinfo`: what is mounted, from the kernel itself. No program is run for it, and no file system is
//! touched: a dead NFS server cannot make this hang.

use super::fstab::unescape;
use crate::machine::mounts::Live;

/// A mount and the device number of its file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mounted {
    pub live: Live,
    pub number: String,
}

pub fn parse(text: &str) -> Result<Vec<Mounted>, String> {
    text.lines().filter(|line| !line.is_empty()).map(one).collect()
}

fn one(line: &str) -> Result<Mounted, String> {
    let short = |field: &str| format!("mountinfo: no {field} in the line `{line}`");
    let (mount, system) = line.split_once(" - ").ok_or_else(|| short("separator"))?;
    let mount: Vec<&str> = mount.split(' ').collect();
    let [_, _, number, root, target, options, ..] = mount.as_slice() else {
        return Err(short("mount point"));
    };
    let system: Vec<&str> = system.split(' ').collect();
    let [fstype, source, rest @ ..] = system.as_slice() else { return Err(short("source")) };
    let mut all: Vec<String> = options.split(',').map(unescape).collect();
    for option in rest.first().unwrap_or(&"").split(',').map(unescape) {
        if !option.is_empty() && !all.contains(&option) && option != "rw" {
            all.push(option);
        }
    }
    Ok(Mounted {
        live: Live {
            target: unescape(target),
            source: unescape(source),
            fstype: (*fstype).to_owned(),
            options: all,
            root: unescape(root),
        },
        number: (*number).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: Linux 6.1.
    #[test]
    fn reads_mounts() {
        let text = "217 27 253:0 / /srv/kvm rw,noatime shared:115 - xfs /dev/mapper/vg_kvm-images rw,attr2,inode64,sunit=1024,swidth=2048,noquota\n205 26 0:39 / /run/rpc_pipefs rw,relatime - rpc_pipefs sunrpc rw\n";
        let found = parse(text).unwrap();
        assert_eq!(found[0].number, "253:0");
        assert_eq!(found[0].live.options[..3], ["rw", "noatime", "attr2"]);
        assert_eq!(found[1].live.source, "sunrpc");
        assert!(parse("217 27 253:0").unwrap_err().starts_with("mountinfo: no separator"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(.|\n)*") {
            let _ = parse(&text);
        }
    }
}
