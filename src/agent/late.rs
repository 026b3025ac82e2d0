//! Asks what a late name stands for, at the moment a step is performed. A device that has no UUID then is a failure:
//! nothing half-resolved is ever written or run.

use crate::exec::{Command, System};
use crate::plan::{Failure, Late, LateName};

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
    let command = match name.late {
        Late::Uuid => Command::probe("blkid").args(["-p", "-s", "UUID", "-o", "value", device]),
        Late::MdUuid => Command::probe("mdadm").args(["--detail", "--export", device]),
    };
    let output = system.run(&command);
    if !output.success() {
        return Err(Failure::of(&command, &output).help(format!("the UUID of {device} was needed here")));
    }
    let said = output.text();
    let uuid = match name.late {
        Late::Uuid => said.trim(),
        Late::MdUuid => said.lines().find_map(|line| line.strip_prefix("MD_UUID=")).unwrap_or("").trim(),
    };
    if uuid.is_empty() {
        return Err(Failure::new(format!("{device} has no UUID, and one was needed here")));
    }
    Ok(uuid.to_owned())
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
    fn a_device_without_one_is_a_failure() {
        let system = Transcript::new().says("blkid -p -s UUID -o value /dev/sdx", "\n");
        let failure = resolve(b"@{uuid:/dev/sdx}", &system).unwrap_err();
        assert_eq!(failure.title, "/dev/sdx has no UUID, and one was needed here");
    }
}
