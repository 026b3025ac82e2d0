//! `resize2fs` and `e2fsck`: making an ext4 smaller, and the checks that come before.

use crate::exec::Command;

/// Makes it smaller, to `bytes`; it has to be unmounted and checked.
pub fn shrink(device: &str, bytes: u64) -> Command {
    Command::new("resize2fs").args([device.to_owned(), format!("{}K", bytes / 1024)])
}

/// Looks all of it over and repairs what is safe to repair; says by its status whether it did.
pub fn repair(device: &str) -> Command {
    Command::new("e2fsck").args(["-f", "-p", device])
}

/// Ends well only if nothing is wrong with it; changes nothing.
pub fn check(device: &str) -> Command {
    Command::new("e2fsck").args(["-f", "-n", device])
}

/// Says to how many blocks it could be made smaller, mounted or not.
pub fn smallest(device: &str) -> Command {
    Command::probe("resize2fs").args(["-P", device])
}

/// Reads what [`smallest`] says.
pub fn parse_smallest(text: &str) -> Result<u64, String> {
    let said = text.lines().find_map(|line| line.strip_prefix("Estimated minimum size of the filesystem:"));
    let said = said.ok_or_else(|| "resize2fs: the report has no `minimum size`".to_owned())?;
    said.trim().parse().map_err(|_| format!("resize2fs: `minimum size` is `{}`, no number", said.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: e2fsprogs 1.47.0.
    #[test]
    fn reads_the_smallest_size() {
        assert_eq!(parse_smallest("Estimated minimum size of the filesystem: 115194\n"), Ok(115_194));
        assert_eq!(
            parse_smallest("Estimated minimum size of the filesystem: x").unwrap_err(),
            "resize2fs: `minimum size` is `x`, no number"
        );
        assert!(parse_smallest("").is_err());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse_smallest(&text);
        }
    }
}
