//! Swapping: `mkswap` of files, `swapon`, `swapoff`, and `/proc/swaps`. Devices are made by
//! [`super::filesystem::swap`]. Files only grow by blocks that are really there: the kernel
//! refuses to swap to holes.

use super::fstab::unescape;
use crate::exec::Command;
use crate::machine::swap::Area;
use crate::units::{KIB, MIB};

/// Where a swap area says that it is one, for pages of 4 KiB.
pub const SIGNATURE_AT: u64 = 4086;
pub const SIGNATURE: &[u8] = b"SWAPSPACE2";

/// Makes a file one that was made for it.
pub fn make_file(path: &str) -> Command {
    Command::new("mkswap").arg(path)
}

/// Gives a file that many bytes of its own, without writing them.
pub fn reserve(path: &str, size: u64) -> Command {
    Command::new("fallocate").args(["--length", &size.to_string(), path])
}

/// Writes that many bytes; `size` is a multiple of a MiB.
pub fn fill(path: &str, size: u64) -> Command {
    Command::new("dd").args([
        "if=/dev/zero".to_owned(),
        format!("of={path}"),
        "bs=1M".to_owned(),
        format!("count={}", size / MIB),
        "conv=fsync".to_owned(),
        "status=none".to_owned(),
    ])
}

/// The short name of the option: util-linux 2.38 takes the word after `--options` for a device.
pub fn on(path: &str, options: &str) -> Command {
    let command = Command::new("swapon");
    if options.is_empty() { command.arg(path) } else { command.args(["-o", options, path]) }
}

pub fn off(path: &str) -> Command {
    Command::new("swapoff").arg(path)
}

/// What is swapped to, below the heading.
pub fn parse(text: &str) -> Result<Vec<Area>, String> {
    text.lines().skip(1).filter(|line| !line.trim().is_empty()).map(one).collect()
}

fn one(line: &str) -> Result<Area, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [path, _, size, used, priority] = words.as_slice() else {
        return Err(format!("/proc/swaps: not five fields in `{line}`"));
    };
    let bytes = |field: &str, word: &str| {
        word.parse::<u64>()
            .ok()
            .and_then(|kib| kib.checked_mul(KIB))
            .ok_or_else(|| format!("/proc/swaps: {field} is no number in `{line}`"))
    };
    let priority: i64 =
        priority.parse().map_err(|_| format!("/proc/swaps: the priority is no number in `{line}`"))?;
    // A file that was removed meanwhile is still swapped to.
    let path = unescape(path);
    Ok(Area {
        path: path.strip_suffix(" (deleted)").map_or(path.clone(), str::to_owned),
        size: bytes("the size", size)?,
        used: bytes("what is used", used)?,
        priority: u16::try_from(priority).ok(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Captured: Linux 6.1.
    #[test]
    fn reads_swaps() {
        let text = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/dev/vdc                                partition\t1048572\t\t0\t\t7\n/srv/x/sw\\040ap                         file\t\t65532\t\t12\t\t-2\n";
        let found = parse(text).unwrap();
        assert_eq!((found[0].path.as_str(), found[0].size), ("/dev/vdc", 1_073_737_728));
        assert_eq!((found[0].priority, found[1].priority), (Some(7), None));
        assert_eq!((found[1].path.as_str(), found[1].used), ("/srv/x/sw ap", 12288));
        assert!(parse("Filename\n/dev/vdc partition 1\n").unwrap_err().contains("not five fields"));
        assert!(parse("Filename\n/dev/vdc partition x 0 -2\n").unwrap_err().contains("the size"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(.|\n)*") {
            let _ = parse(&text);
        }
    }
}
