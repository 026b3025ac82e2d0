//! What makes and changes file systems and subvolumes.

use std::time::Duration;

use super::Reach;
use crate::exec::Command;
use crate::machine::btrfs::Profile;
use crate::machine::claim::{BlankDevice, Unused};

/// Longest label.
pub const LABEL: usize = 255;
/// mkfs makes no device smaller: 109 MiB, and a little for what else it puts there.
pub const LEAST: u64 = 128 << 20;
/// Moving data off a disk takes as long as it takes.
const LONG: Duration = Duration::from_hours(24 * 30);

pub fn make(label: Option<&str>, data: Profile, metadata: Profile, devices: &[BlankDevice<'_>]) -> Command {
    let mut command = Command::new("mkfs.btrfs").arg("--quiet");
    if let Some(label) = label {
        command = command.args(["--label", label]);
    }
    command
        .args(["--data", data.name(), "--metadata", metadata.name()])
        .args(devices.iter().map(|device| device.path()))
}

pub fn label(reach: &Reach, label: &str) -> Command {
    let mut command = reach.run("btrfs", &["filesystem", "label"], &[""]);
    command.args.push(label.to_owned());
    command
}

/// The same for one that is not mounted: through a device that nobody uses.
pub fn label_unmounted(device: Unused<'_>, label: &str) -> Command {
    Command::new("btrfs").args(["filesystem", "label", &device.device().path, label])
}

pub fn add(reach: &Reach, device: BlankDevice<'_>) -> Command {
    reach.run("btrfs", &["device", "add", device.path()], &[""]).deadline(LONG)
}

/// Moves what is on a device to the others, and lets go of it.
pub fn remove(reach: &Reach, device: &str) -> Command {
    reach.run("btrfs", &["device", "remove", device], &[""]).deadline(LONG)
}

/// Copies what is on a device to another one that takes its place.
pub fn replace(reach: &Reach, old: &str, new: BlankDevice<'_>) -> Command {
    reach.run("btrfs", &["replace", "start", "-B", old, new.path()], &[""]).deadline(LONG)
}

/// Rewrites what has another profile. `less` allows metadata to survive fewer lost devices than before.
pub fn convert(reach: &Reach, data: Option<Profile>, metadata: Option<Profile>, less: bool) -> Command {
    let mut args: Vec<String> = ["balance", "start"].map(str::to_owned).to_vec();
    if less {
        args.push("--force".to_owned());
    }
    args.extend(data.map(|profile| format!("-dconvert={profile},soft")));
    // Without a word of its own the system goes with the metadata.
    args.extend(metadata.map(|profile| format!("-mconvert={profile},soft")));
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    reach.run("btrfs", &args, &[""]).deadline(LONG)
}

/// `size` in bytes; `None` is all of the device.
pub fn resize(reach: &Reach, id: u64, size: Option<u64>) -> Command {
    let size = size.map_or_else(|| "max".to_owned(), |size| size.to_string());
    reach.run("btrfs", &["filesystem", "resize", &format!("{id}:{size}")], &[""]).deadline(LONG)
}

pub fn quota(reach: &Reach, on: bool) -> Command {
    reach.run("btrfs", &["quota", if on { "enable" } else { "disable" }], &[""])
}

/// Waits until everything is counted.
pub fn rescan(reach: &Reach) -> Command {
    reach.run("btrfs", &["quota", "rescan", "-w"], &[""]).deadline(LONG)
}

pub fn create(top: &Reach, path: &str) -> Command {
    top.run("btrfs", &["subvolume", "create"], &[path])
}

pub fn snapshot(top: &Reach, source: &str, path: &str, read_only: bool) -> Command {
    let args: &[&str] = if read_only { &["subvolume", "snapshot", "-r"] } else { &["subvolume", "snapshot"] };
    top.run("btrfs", args, &[source, path])
}

/// Removes a subvolume with all that is in it, and waits until that is on the disk.
pub fn delete(top: &Reach, path: &str) -> Command {
    top.run("btrfs", &["subvolume", "delete", "--commit-after"], &[path])
}

pub fn set_default(top: &Reach, path: &str) -> Command {
    top.run("btrfs", &["subvolume", "set-default"], &[path])
}

/// The top level is no subvolume with a path of its own.
pub fn set_default_top(top: &Reach) -> Command {
    top.run("btrfs", &["subvolume", "set-default", "5"], &[""])
}

pub fn set_read_only(top: &Reach, path: &str, on: bool) -> Command {
    property(top, &["property", "set", "-ts"], path, "ro", if on { "true" } else { "false" })
}

/// What new files are compressed with; empty is whatever the mount says.
pub fn set_compression(top: &Reach, path: &str, algorithm: &str) -> Command {
    property(top, &["property", "set", "-ti"], path, "compression", algorithm)
}

fn property(top: &Reach, args: &[&str], path: &str, name: &str, value: &str) -> Command {
    let mut command = top.run("btrfs", args, &[path]);
    command.args.extend([name.to_owned(), value.to_owned()]);
    command
}

/// Whether new files are written in place, without checksums.
pub fn set_nodatacow(top: &Reach, path: &str, on: bool) -> Command {
    top.run("chattr", &[if on { "+C" } else { "-C" }], &[path])
}

/// The most bytes a subvolume may refer to, or hold alone.
pub fn limit(top: &Reach, path: &str, most: Option<u64>, exclusive: bool) -> Command {
    let most = most.map_or_else(|| "none".to_owned(), |most| most.to_string());
    let mut args = vec!["qgroup", "limit"];
    args.extend(exclusive.then_some("-e"));
    args.push(&most);
    top.run("btrfs", &args, &[path])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_of_its_own_is_shown_as_one_would_make_it() {
        assert_eq!(
            delete(&Reach::private("/dev/vdb"), "a/b c").to_string(),
            "unshare -m sh -c \"mount -t btrfs -o subvolid=5 /dev/vdb /run/holdfast/private && btrfs subvolume \
             delete --commit-after '/run/holdfast/private/a/b c'\""
        );
        let mounted = Reach::mounted("/srv/pool");
        assert_eq!(
            convert(&mounted, Some(Profile::Raid1), None, true).to_string(),
            "btrfs balance start --force -dconvert=raid1,soft /srv/pool"
        );
        assert_eq!(resize(&mounted, 2, None).to_string(), "btrfs filesystem resize 2:max /srv/pool");
        assert_eq!(limit(&mounted, "a", None, true).to_string(), "btrfs qgroup limit -e none /srv/pool/a");
        let look = Reach::look("/dev/vdb", false);
        assert!(look.mount().is_some_and(|mount| mount.read_only && mount.options.ends_with("nologreplay")));
    }
}
