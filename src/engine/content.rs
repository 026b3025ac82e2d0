//! Files of the controller that `copy` and `template` carry to hosts: found, read and rendered here.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;

use super::attempt::{Out, Round, plain_text};
use crate::plan::Failure;
use crate::playbook::{Dir, Task};
use crate::protocol::frame;
use crate::template::Scope;
use crate::value::{Map, Value};

/// Replaces a `src` on the controller by what is in it.
pub(super) fn fill(
    round: &Round,
    module: &str,
    args: &mut Map<String, Value>,
    scope: &Scope,
) -> Result<(), Out> {
    let kind = match module {
        "copy" => "files",
        "template" => "templates",
        _ => return Ok(()),
    };
    let remote =
        args.get("remote_src").is_some_and(|value| crate::value::truth(&plain_text(value)) == Some(true));
    let Some(src) = args.get("src").map(plain_text).filter(|_| !remote) else { return Ok(()) };
    let places = round.task.places(kind, &src);
    let library = &round.world.library;
    let Some(found) = library.first_file(&places) else {
        let folder = places.iter().find(|place| library.is_dir(place));
        let failure = match folder {
            Some(folder) => {
                Failure::new(format!("`{src}` is a folder ({folder}); copying folders is not supported yet"))
            }
            None => {
                let looked: Vec<String> = places.iter().map(ToString::to_string).collect();
                Failure::new(format!("there is no file `{src}`"))
                    .help(format!("looked for {}", looked.join(", ")))
            }
        };
        return Err(failure.into());
    };
    args.insert("_original_basename".into(), found.name().into());
    if kind == "templates" {
        let source = library.source(&found)?;
        let source = source.ok_or_else(|| Failure::new(format!("{found} went away")))?;
        let text = round.world.templar.file(&source, scope)?;
        args.insert("content".into(), text.into());
        return Ok(());
    }
    let bytes =
        library.read(&found).map_err(|error| Failure::new(format!("cannot read {found}: {error}")))?;
    let bytes = bytes.ok_or_else(|| Failure::new(format!("{found} went away")))?;
    // Base64 adds a third, and the rest of the order needs some room.
    if bytes.len() > frame::LIMIT / 2 {
        let failure = format!("{found} is larger than 32 MiB; carrying it is not supported yet");
        return Err(Failure::new(failure).into());
    }
    match String::from_utf8(bytes.into_owned()) {
        Ok(text) => args.insert("content".into(), text.into()),
        Err(binary) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(binary.into_bytes());
            args.insert("content_base64".into(), encoded.into())
        }
    };
    Ok(())
}

/// The folders in which a task's templates look for what they include.
pub(super) fn roots(task: &Arc<Task>) -> Vec<PathBuf> {
    let mut roots = Vec::new();
    for place in task.places("templates", "") {
        if let Dir::Disk(path) = place {
            roots.push(path);
        }
    }
    roots
}
