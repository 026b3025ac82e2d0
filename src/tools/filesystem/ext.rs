//! ext2, ext3 and ext4: `mkfs.ext4`, `tune2fs`, `e2fsck` and `resize2fs`.

use super::{LONG, Make, Options};
use crate::exec::{Command, Output};
use crate::machine::array::Stripe;
use crate::machine::claim::{BlankDevice, Unused};

/// Longest label.
pub const LABEL: usize = 16;
/// The block size is explicit where no other is asked for: the stripe is counted in blocks.
pub const BLOCK: u64 = 4096;
/// mkfs makes nothing smaller with such blocks.
pub const LEAST: u64 = 256 << 10;
/// Highest exit status of `e2fsck` after which the file system is whole: errors were corrected.
pub const CORRECTED: i32 = 1;

pub const OPTIONS: Options = Options {
    program: "mkfs.ext4",
    flags: &["-j", "-D"],
    valued: &["-b", "-C", "-E", "-g", "-G", "-i", "-I", "-J", "-M", "-N", "-O", "-o", "-r", "-T"],
    instead: &[
        ("-L", "use `label`"),
        ("-U", "use `uuid`"),
        ("-F", "it is never forced; `dev` is emptied first, with consent"),
        ("-m", "use `reserved` of `ext`"),
        ("-e", "use `errors` of `ext`"),
        ("-t", "use `fstype`"),
        ("-n", "a dry run is `--check`"),
        ("-S", "it would leave what is there half valid"),
        ("device=", "devices beside `dev` are not supported yet"),
        ("offset=", "it begins where the device begins"),
    ],
};

/// What can be set on one that is there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tunables {
    /// Percent of the blocks that only root may use.
    pub reserved: Option<u8>,
    /// `continue`, `remount-ro` or `panic`.
    pub errors: Option<&'static str>,
    /// Mounts until it is checked at boot; -1 never.
    pub max_mounts: Option<i16>,
    /// Seconds until it is checked at boot; 0 never.
    pub check_interval: Option<u32>,
}

/// Makes one of the three.
pub fn make(device: BlankDevice<'_>, kind: &str, make: &Make<'_>) -> Command {
    let valued = |name: &'static str| {
        make.options.windows(2).filter(move |pair| pair[0] == name).map(|pair| pair[1].clone())
    };
    let asked = valued("-b").next_back().and_then(|text| text.parse().ok());
    let block = asked.filter(|block| *block > 0).unwrap_or(BLOCK);
    let mut command =
        Command::new(format!("mkfs.{kind}")).args(["-q".to_owned(), "-b".to_owned(), block.to_string()]);
    for (option, value) in [("-L", make.label), ("-U", make.uuid)] {
        if let Some(value) = value {
            command = command.args([option, value]);
        }
    }
    let stripe = make.stripe.map(|stripe: Stripe| {
        format!("stride={},stripe-width={}", stripe.unit / block, stripe.full() / block)
    });
    // Only the last `-E` counts, so there is one.
    let extended: Vec<String> = stripe.into_iter().chain(valued("-E")).collect();
    if !extended.is_empty() {
        command = command.args(["-E".to_owned(), extended.join(",")]);
    }
    let mut options = make.options.iter();
    while let Some(option) = options.next() {
        if matches!(option.as_str(), "-E" | "-b") {
            options.next();
        } else {
            command = command.arg(option);
        }
    }
    let command = command.arg(device.path());
    match make.size {
        Some(size) => command.arg(kib(size)),
        None => command,
    }
}

/// Renames it, mounted or not.
pub fn label(device: &str, label: &str) -> Command {
    Command::new("tune2fs").args(["-L", label, device])
}

/// Gives one that was just checked another UUID.
pub fn uuid(device: Unused<'_>, uuid: &str) -> Command {
    Command::new("tune2fs").args(["-U", uuid, &device.device().path])
}

/// Sets what is given, mounted or not; `None` when nothing is.
pub fn tune(device: &str, tunables: Tunables) -> Option<Command> {
    let values = [
        ("-m", tunables.reserved.map(|percent| percent.to_string())),
        ("-e", tunables.errors.map(str::to_owned)),
        ("-c", tunables.max_mounts.map(|count| count.to_string())),
        ("-i", tunables.check_interval.map(|seconds| format!("{seconds}s"))),
    ];
    let words: Vec<String> = values
        .into_iter()
        .filter_map(|(option, value)| Some([option.to_owned(), value?]))
        .flatten()
        .collect();
    (!words.is_empty()).then(|| Command::new("tune2fs").args(words).arg(device))
}

/// Checks one that is not mounted by then, and corrects what is safe to correct.
pub fn check(device: &str) -> Command {
    Command::new("e2fsck").args(["-f", "-p", device]).deadline(LONG)
}

/// Grows to the size of its device, or so many bytes; mounted, or just checked.
pub fn grow(device: &str, to: Option<u64>) -> Command {
    Command::new("resize2fs").arg(device).args(to.map(kib)).deadline(LONG)
}

/// Shrinks one that was just checked. What lies behind the new end is moved; `resize2fs` refuses when it does not fit.
pub fn shrink(device: &str, to: u64) -> Command {
    Command::new("resize2fs").args([device.to_owned(), kib(to)]).deadline(LONG)
}

/// Asks for the fewest blocks it could have.
pub fn minimum(device: &str) -> Command {
    Command::probe("resize2fs").args(["-P", device])
}

/// Blocks.
pub fn parse_minimum(output: &Output) -> Result<u64, String> {
    let text = output.text();
    if !output.success() {
        return Err(format!("resize2fs: {}: {}", output.status, output.error_text().trim()));
    }
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Estimated minimum size of the filesystem:"))
        .ok_or_else(|| format!("resize2fs: no minimum size in `{}`", text.trim()))?;
    line.trim().parse().map_err(|_| format!("resize2fs: the minimum size is `{}`, no number", line.trim()))
}

fn kib(bytes: u64) -> String {
    format!("{}K", bytes >> 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Status;

    fn said(text: &str) -> Output {
        Output { status: Status::Code(0), stdout: text.into(), stderr: Vec::new() }
    }

    /// Captured: e2fsprogs 1.47.
    #[test]
    fn reads_the_minimum() {
        let text = "resize2fs 1.47.0 (5-Feb-2023)\nEstimated minimum size of the filesystem: 19013\n";
        assert_eq!(parse_minimum(&said(text)), Ok(19013));
        assert!(parse_minimum(&said("Please run 'e2fsck -f'")).unwrap_err().contains("no minimum size"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse_minimum(&said(&text));
        }
    }
}
