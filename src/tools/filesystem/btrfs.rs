//! btrfs on one device, as a file system like others: `mkfs.btrfs`, `btrfstune` and `btrfs filesystem`.
//!
//! Profiles, several devices and subvolumes are no business of this file.

use super::{LONG, Make, Options};
use crate::exec::{Command, Output};
use crate::machine::claim::{BlankDevice, Unused};

/// Longest label.
pub const LABEL: usize = 255;
/// mkfs makes nothing smaller, with metadata twice and blocks of the usual size.
pub const LEAST: u64 = 114_294_784;
/// The kernel makes no device of it smaller.
pub const SMALLEST: u64 = 256 << 20;

pub const OPTIONS: Options = Options {
    program: "mkfs.btrfs",
    flags: &["-K", "--nodiscard", "-M", "--mixed"],
    valued: &[
        "-O",
        "--features",
        "-R",
        "--runtime-features",
        "-n",
        "--nodesize",
        "-s",
        "--sectorsize",
        "-m",
        "--metadata",
        "-d",
        "--data",
        "--csum",
        "--checksum",
    ],
    instead: &[
        ("-L", "use `label`"),
        ("--label", "use `label`"),
        ("-U", "use `uuid`"),
        ("--uuid", "use `uuid`"),
        ("-b", "use `size`"),
        ("--byte-count", "use `size`"),
        ("-f", "it is never forced; `dev` is emptied first, with consent"),
        ("--force", "it is never forced; `dev` is emptied first, with consent"),
    ],
};

pub fn make(device: BlankDevice<'_>, make: &Make<'_>) -> Command {
    let size = make.size.map(|size| size.to_string());
    let mut command = Command::new("mkfs.btrfs").arg("--quiet");
    for (option, value) in [("--label", make.label), ("--uuid", make.uuid), ("--byte-count", size.as_deref())]
    {
        if let Some(value) = value {
            command = command.args([option, value]);
        }
    }
    command.args(make.options.iter().cloned()).arg(device.path())
}

/// Renames an unmounted one.
pub fn label(device: Unused<'_>, label: &str) -> Command {
    Command::new("btrfs").args(["filesystem", "label", &device.device().path, label])
}

/// Renames a mounted one.
pub fn label_mounted(mountpoint: &str, label: &str) -> Command {
    Command::new("btrfs").args(["filesystem", "label", mountpoint, label])
}

/// Gives an unmounted one another UUID, without writing all its metadata anew.
pub fn uuid(device: Unused<'_>, uuid: &str) -> Command {
    Command::new("btrfstune").args(["-M", uuid, &device.device().path])
}

/// Gives a mounted one all of its device with that number, or so many bytes of it.
pub fn resize(mountpoint: &str, device: &str, to: Option<u64>) -> Command {
    let to = to.map_or_else(|| "max".to_owned(), |bytes| bytes.to_string());
    let words = ["filesystem", "resize", &format!("{device}:{to}"), mountpoint];
    Command::new("btrfs").args(words).deadline(LONG)
}

/// Asks a mounted one for the fewest bytes of its device with that number.
pub fn minimum(mountpoint: &str, device: &str) -> Command {
    Command::probe("btrfs").args(["inspect-internal", "min-dev-size", "--id", device, mountpoint])
}

/// Bytes.
pub fn parse_minimum(output: &Output) -> Result<u64, String> {
    if !output.success() {
        return Err(format!("btrfs: {}: {}", output.status, output.error_text().trim()));
    }
    let text = output.text();
    let number = text.split_whitespace().next().and_then(|word| word.parse().ok());
    number.ok_or_else(|| format!("btrfs: no minimum size in `{}`", text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Status;

    fn said(text: &str) -> Output {
        Output { status: Status::Code(0), stdout: text.into(), stderr: Vec::new() }
    }

    /// Captured: btrfs-progs 6.2.
    #[test]
    fn reads_the_minimum() {
        assert_eq!(parse_minimum(&said("105906176 bytes (101.00MiB)\n")), Ok(105_906_176));
        assert_eq!(parse_minimum(&said("none")).unwrap_err(), "btrfs: no minimum size in `none`");
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse_minimum(&said(&text));
        }
    }
}
