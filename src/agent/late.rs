//! Asks what a late name stands for, at the moment a step is performed. A device that has no UUID then is a failure:
//! nothing half-resolved is ever written or run.

use std::path::Path;

use crate::exec::{Command, System};
use crate::observe::agreed;
use crate::plan::{Failure, Late, LateName};
use crate::tools::{luks_header, mdadm};

/// The text with every late name resolved.
pub(super) fn resolve(text: &[u8], system: &dyn System) -> Result<Vec<u8>, Failure> {
    let mut whole = Vec::with_capacity(text.len());
    let mut from = 0;
    for name in LateName::all_in(text) {
        whole.extend_from_slice(&text[from..name.range.start]);
        whole.extend_from_slice(ask(&name, system)?.as_bytes());
        from = name.range.end;
    }
    whole.extend_from_slice(&text[from..]);
    Ok(whole)
}

/// The same for words, which stay words.
pub(super) fn resolve_text(text: &str, system: &dyn System) -> Result<String, Failure> {
    let whole = resolve(text.as_bytes(), system)?;
    String::from_utf8(whole).map_err(|_| Failure::new(format!("`{text}` with its late names is no text")))
}

fn ask(name: &LateName, system: &dyn System) -> Result<String, Failure> {
    let device = name.device.as_str();
    if name.late == Late::LuksEpoch {
        return epoch(device, system);
    }
    let known = match name.late {
        Late::Uuid => agreed::uuid(device, system),
        _ => running(device, system),
    };
    if let Some(uuid) = known {
        return Ok(uuid);
    }
    let command = match name.late {
        Late::Uuid => Command::probe("blkid").args(["-p", "-s", "UUID", "-o", "value", device]),
        _ => Command::probe("mdadm").args(["--detail", "--export", device]),
    };
    let output = system.run(&command);
    if !output.success() {
        return Err(Failure::of(&command, &output).help(format!("the UUID of {device} was needed here")));
    }
    let said = output.text();
    let uuid = match name.late {
        Late::Uuid => said.trim(),
        _ => said.lines().find_map(|line| line.strip_prefix("MD_UUID=")).unwrap_or("").trim(),
    };
    if uuid.is_empty() {
        return Err(Failure::new(format!("{device} has no UUID, and one was needed here")));
    }
    Ok(uuid.to_owned())
}

/// The UUID of an array by the kernel. Older ones do not tell, and those of metadata 0.90 are written otherwise there.
fn running(array: &str, system: &dyn System) -> Option<String> {
    let node = system.resolve(Path::new(array)).ok()?;
    let folder = Path::new("/sys/class/block").join(node.file_name()?).join("md");
    let says = |what: &str| String::from_utf8(system.read(&folder.join(what)).ok()?).ok();
    let uuid = says("metadata_version")?.starts_with("1.").then(|| says("uuid"))??;
    Some(mdadm::uuid(&uuid)).filter(|uuid| uuid.len() == 35)
}

fn epoch(device: &str, system: &dyn System) -> Result<String, Failure> {
    let start = system
        .read_at(Path::new(device), 0, luks_header::START)
        .map_err(|error| Failure::new(format!("cannot read the LUKS header of {device}: {error}")))?;
    match luks_header::epoch(&start) {
        Some(epoch) => Ok(epoch.to_string()),
        None => Err(Failure::new(format!("{device} has no LUKS2 header, and one was needed here"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;

    #[test]
    fn resolves_both_kinds() {
        let system = Transcript::new()
            .says("blkid -p -s UUID -o value /dev/vg/lv", "0a6e2b7e-8b0e-4a53-a1c5-4a2f0c8d6e11\n")
            .says("mdadm --detail --export /dev/md/a", "MD_LEVEL=raid1\nMD_UUID=11:22:33:44\nMD_NAME=a\n");
        let text = resolve_text("UUID=@{uuid:/dev/vg/lv} ARRAY UUID=@{md-uuid:/dev/md/a}", &system).unwrap();
        assert_eq!(text, "UUID=0a6e2b7e-8b0e-4a53-a1c5-4a2f0c8d6e11 ARRAY UUID=11:22:33:44");
    }

    #[test]
    fn the_kernel_knows_arrays_of_today() {
        let of = |version: &str| {
            Transcript::new()
                .link("/dev/md/a", "/dev/md127")
                .file("/sys/class/block/md127/md/uuid", "b3d20d00-1c0c-4439-791c-0b2020961dc4\n")
                .file("/sys/class/block/md127/md/metadata_version", version)
                .says("mdadm --detail --export /dev/md/a", "MD_UUID=11:22:33:44\n")
        };
        let uuid = |system: &Transcript| resolve_text("@{md-uuid:/dev/md/a}", system).unwrap();
        assert_eq!(uuid(&of("1.2\n")), "b3d20d00:1c0c4439:791c0b20:20961dc4");
        assert_eq!(uuid(&of("0.90\n")), "11:22:33:44");
    }

    #[test]
    fn counts_the_changes_of_a_luks_header() {
        let header = b"LUKS\xba\xbe\0\x02\0\0\0\0\0\0\x40\0\0\0\0\0\0\0\x01\x02";
        let system =
            Transcript::new().device("/dev/vdb", 1 << 20, &[(0, header)]).device("/dev/vdc", 8192, &[]);
        assert_eq!(resolve(b"@{luks-epoch:/dev/vdb}", &system).unwrap(), b"258");
        let failure = resolve(b"@{luks-epoch:/dev/vdc}", &system).unwrap_err();
        assert_eq!(failure.title, "/dev/vdc has no LUKS2 header, and one was needed here");
    }

    #[test]
    fn a_device_without_one_is_a_failure() {
        let system = Transcript::new().says("blkid -p -s UUID -o value /dev/sdx", "\n");
        let failure = resolve(b"@{uuid:/dev/sdx}", &system).unwrap_err();
        assert_eq!(failure.title, "/dev/sdx has no UUID, and one was needed here");
    }
}
