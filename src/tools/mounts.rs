//! `/proc/self/mounts`, the kernel's own list of what is mounted.

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub source: String,
    pub target: String,
    pub kind: String,
    pub options: String,
}

impl Mount {
    /// Whether a server elsewhere has to answer before anything behind it can be seen.
    pub fn is_remote(&self) -> bool {
        const REMOTE: [&str; 10] =
            ["nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "afs", "lustre", "beegfs", "glusterfs"];
        REMOTE.contains(&self.kind.as_str()) || (self.kind.starts_with("fuse.") && self.kind != "fuse.lxcfs")
    }

    /// Whether it is a file system on a device of this host.
    pub fn is_local_storage(&self) -> bool {
        self.source.starts_with("/dev/") || matches!(self.kind.as_str(), "zfs" | "btrfs")
    }
}

/// The list, in the order of mounting. Blanks in names are octal escapes there.
pub fn parse(text: &str) -> Result<Vec<Mount>, String> {
    text.lines()
        .map(|line| {
            let mut words = line.split(' ');
            let (Some(source), Some(target), Some(kind), Some(options)) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                return Err(format!("/proc/self/mounts: not four fields in `{line}`"));
            };
            Ok(Mount {
                source: unescaped(source),
                target: unescaped(target),
                kind: kind.to_owned(),
                options: options.to_owned(),
            })
        })
        .collect()
}

fn unescaped(word: &str) -> String {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if first == b'\\' => {
                bytes.push(byte);
                rest = &after[3..];
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_list() {
        let text = "/dev/vda1 / ext4 rw,relatime 0 0\nsrv:/my\\040data /mnt/my\\040data nfs4 rw 0 0\n";
        let mounts = parse(text).unwrap();
        assert_eq!(mounts[1].target, "/mnt/my data");
        assert!(mounts[1].is_remote() && !mounts[0].is_remote() && mounts[0].is_local_storage());
        assert!(parse("one two\n").unwrap_err().contains("not four fields in `one two`"));
    }
}
