//! Containers that somebody asked for, the keys they may be opened with, and crypttab. Nothing is opened: a key is tried
//! without making a mapping.

use std::path::Path;

use super::unread;
use crate::exec::{Status, System};
use crate::machine::block::{Block, Content, Device};
use crate::machine::luks::{self, Container, Key, Luks, LuksNeed, Mapping, Trial};
use crate::plan::Failure;
use crate::tools::{cryptsetup, crypttab, luks_header};

/// What crypttab says.
pub(super) fn observe(system: &dyn System) -> Result<Luks, Failure> {
    let text = match system.read(Path::new("/etc/crypttab")) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::new(format!("cannot read /etc/crypttab: {error}"))),
    };
    Ok(Luks { crypttab: crypttab::parse(&text).map_err(unread)?, ..Luks::default() })
}

/// Looks at one container, as far as nobody did before.
pub(super) fn look(
    luks: &mut Luks,
    need: &LuksNeed,
    block: &Block,
    system: &dyn System,
) -> Result<(), Failure> {
    let Some(device) = block.container(&need.device) else { return Ok(()) };
    let path = &device.path;
    if !matches!(&device.content, Content::Other { kind, .. } if kind == luks::KIND) {
        return Ok(());
    }
    if !luks.containers.contains_key(path) && !luks.unreadable.contains_key(path) {
        match header(path, system) {
            Ok(mut container) => {
                container.mapping = mapping(block, device, system)?;
                luks.containers.insert(path.clone(), container);
            }
            // In a dry run it may be one that would be made; otherwise the module says what is wrong.
            Err(complaint) => {
                luks.unreadable.insert(path.clone(), complaint);
            }
        }
    }
    if luks.unreadable.contains_key(path) {
        return Ok(());
    }
    for key in &need.keys {
        if luks.trial(path, key).is_none() {
            // cryptsetup does not even ask for a key where no slot holds one.
            let empty = luks.containers.get(path).is_some_and(|container| container.slots.is_empty());
            luks.trials.extend(if empty {
                Some(Trial { device: path.clone(), key: key.clone(), slot: None })
            } else {
                trial(path, key, system)?
            });
        }
    }
    Ok(())
}

fn header(path: &str, system: &dyn System) -> Result<Container, String> {
    let read = |length| {
        let bytes = system.read_at(Path::new(path), 0, length);
        bytes.map_err(|error| format!("{path} cannot be read: {error}"))
    };
    let length = luks_header::length(&read(luks_header::START)?)?;
    luks_header::parse(&read(length)?)
}

fn mapping(block: &Block, device: &Device, system: &dyn System) -> Result<Option<Mapping>, Failure> {
    let name = block.holders(&device.path).find_map(|holder| holder.path.strip_prefix("/dev/mapper/"));
    let Some(name) = name else { return Ok(None) };
    let command = cryptsetup::status(name);
    let output = system.run(&command);
    match output.status {
        Status::Code(0) => {
            let flags = cryptsetup::flags(&output.text()).map_err(unread)?;
            Ok(Some(Mapping { name: name.to_owned(), flags }))
        }
        // Predicted, or closed in between; or there is no cryptsetup, and then nobody can ask.
        Status::Code(4) | Status::Missing => Ok(None),
        _ => Err(Failure::of(&command, &output)),
    }
}

/// Whether a key opens it, and which slot; `None` when that cannot be tried.
fn trial(path: &str, key: &Key, system: &dyn System) -> Result<Option<Trial>, Failure> {
    if let Key::File(file) = key
        && matches!(system.stat(Path::new(file)), Ok(None))
    {
        return Ok(None);
    }
    let command = cryptsetup::test(path, key);
    let output = system.run(&command);
    let slot = match output.status {
        Status::Code(0) => {
            let said = format!("{}\n{}", output.text(), output.error_text());
            Some(cryptsetup::opened_slot(&said).map_err(unread)?)
        }
        Status::Code(cryptsetup::NO_PERMISSION) => None,
        Status::Missing => return Ok(None),
        _ => return Err(Failure::of(&command, &output)),
    };
    Ok(Some(Trial { device: path.to_owned(), key: key.clone(), slot }))
}
