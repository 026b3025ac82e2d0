//! Performs steps: the only code that changes a host. It decides nothing; what a step leaves open is an error.

mod confirm;
mod evidence;
mod fits;
mod fstab;
pub(super) mod place;
mod shape;
mod unmount;
mod wait;
mod zero;

use std::path::Path;

use super::late;
use crate::exec::{Command, Output, Status, Stdin, System};
use crate::plan::{Accept, Failure, LineEdit, Step, edited};
use crate::secret::Secrets;

/// The steps of an action, in groups that are performed at once: confirmations that follow each other are one.
pub(super) fn groups(steps: &[Step]) -> impl Iterator<Item = &[Step]> {
    let confirms = |step: &Step| matches!(step, Step::Confirm { .. });
    steps.chunk_by(move |one, next| confirms(one) && confirms(next))
}

/// Performs a group of steps.
pub(super) fn perform(
    group: &[Step],
    system: &dyn System,
    environment: &[(String, String)],
) -> Result<Option<Output>, Failure> {
    match group {
        [step] => one(step, system, environment),
        several => confirmed(several, system).map(|()| None),
    }
}

/// Performs one step.
///
/// What a program said is answered; so is what only the doing can know: a wait answers with the seconds it took, a
/// write that kept the old content with where that is now.
fn one(
    step: &Step,
    system: &dyn System,
    environment: &[(String, String)],
) -> Result<Option<Output>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("cannot {}: {error}", step.shown()));
    match step {
        Step::Run { command, accept } => run(command, *accept, system, environment).map(Some),
        Step::Write { path, content, metadata, backup } => {
            let content = late::resolve(content, system)?;
            let kept = place::write(Path::new(path), &content, metadata, *backup).map_err(failed)?;
            Ok(kept.map(|kept| said(kept.to_string_lossy().into_owned())))
        }
        Step::Edit { path, edits, metadata } => {
            let path = system.resolve(Path::new(path)).unwrap_or_else(|_| path.into());
            let before = match std::fs::read(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
                read => read.map_err(failed)?,
            };
            let edits = edits.iter().map(|edit| resolve_edit(edit, system)).collect::<Result<Vec<_>, _>>()?;
            let after = edited(&before, &edits).map_err(|gone| {
                Failure::new(format!("{} was changed by somebody else meanwhile: {gone}", path.display()))
            })?;
            place::write(&path, &after, metadata, false).map_err(failed)?;
            Ok(None)
        }
        Step::Fstab { edits } => {
            let edits = edits.iter().map(|edit| resolve_edit(edit, system)).collect::<Result<Vec<_>, _>>()?;
            fstab::edit(crate::tools::fstab::PATH, &edits, system).map(|()| None)
        }
        Step::Unmount { target } => unmount::unmount(target, system).map(Some),
        Step::Remove { path, recursive } => done(shape::remove(Path::new(path), *recursive), failed),
        Step::Directory { path, metadata } => done(shape::directory(Path::new(path), metadata), failed),
        Step::Link { path, target } => done(shape::link(Path::new(path), Path::new(target)), failed),
        Step::HardLink { path, target } => done(shape::hard_link(Path::new(path), Path::new(target)), failed),
        Step::Attributes { path, metadata, recursive } => {
            done(shape::attributes(Path::new(path), metadata, *recursive), failed)
        }
        Step::Touch { path, metadata } => done(shape::touch(Path::new(path), metadata), failed),
        Step::Validate { path, content, command } => {
            let content = late::resolve(content, system)?;
            let beside = place::Beside::new(Path::new(path), &content).map_err(failed)?;
            let here = beside.path().to_string_lossy().into_owned();
            let mut command = command.clone();
            command.args.iter_mut().for_each(|arg| *arg = arg.replace("%s", &here));
            let output = run(&command, Accept::Zero, system, environment).map_err(|mut failure| {
                failure.title = format!("the new content of {path} is not valid: {}", failure.title);
                failure
            })?;
            Ok(Some(output))
        }
        Step::Wait { condition, timeout_ms, delay_ms, poll_ms, or_else } => {
            let pace = wait::Pace::of_millis(*timeout_ms, *delay_ms, *poll_ms);
            match wait::until(condition, pace, system)? {
                wait::Waited::Came(after) => Ok(Some(said(after.as_secs().to_string()))),
                wait::Waited::NotYet(after, why) => {
                    let title = or_else.clone().unwrap_or_else(|| {
                        format!("waited {} s until {condition}, in vain", after.as_secs())
                    });
                    Err(match why {
                        Some(why) => Failure::new(title).help(format!("the last try said: {why}")),
                        None => Failure::new(title),
                    })
                }
            }
        }
        Step::Zero { device, rooms, shared } => done(zero::zero(device, rooms, *shared), failed),
        Step::Keep { name, command } => {
            let output = run(command, Accept::Zero, system, environment)?;
            let kept = evidence::keep(Path::new(evidence::FOLDER), name, &output.stdout).map_err(failed)?;
            Ok(Some(said(kept.to_string_lossy().into_owned())))
        }
        Step::Fits { device, kind, within } => fits::fits(device, kind, *within, system).map(|()| None),
        Step::Confirm { .. } => confirmed(std::slice::from_ref(step), system).map(|()| None),
    }
}

fn confirmed(steps: &[Step], system: &dyn System) -> Result<(), Failure> {
    let expected = steps.iter().filter_map(|step| match step {
        Step::Confirm { device, serial, size, blank } => {
            Some(confirm::Expected { device, serial: serial.as_deref(), size: *size, blank: *blank })
        }
        _ => None,
    });
    confirm::confirm(&expected.collect::<Vec<_>>(), system)
}

fn run(
    command: &Command,
    accept: Accept,
    system: &dyn System,
    environment: &[(String, String)],
) -> Result<Output, Failure> {
    let mut command = command.clone();
    for arg in &mut command.args {
        *arg = late::resolve_text(arg, system)?;
    }
    // What the step itself asks for is the last word.
    command.env.splice(0..0, environment.iter().cloned());
    let mut output = system.run(&command);
    if let Stdin::Secret(secret) = &command.stdin {
        // No program should repeat it; what is reported must not depend on that.
        let secret: Secrets = [secret.reveal()].into_iter().collect();
        secret.mask_bytes(&mut output.stdout);
        secret.mask_bytes(&mut output.stderr);
    }
    let good = match accept {
        Accept::Zero => output.success(),
        Accept::AtMost(most) => matches!(output.status, Status::Code(code) if (0..=most).contains(&code)),
        Accept::Any => true,
    };
    if good { Ok(output) } else { Err(Failure::of(&command, &output)) }
}

fn resolve_edit(edit: &LineEdit, system: &dyn System) -> Result<LineEdit, Failure> {
    let text = |text: &String| late::resolve_text(text, system);
    Ok(match edit {
        LineEdit::Append { line } => LineEdit::Append { line: text(line)? },
        LineEdit::Replace { old, new } => LineEdit::Replace { old: text(old)?, new: text(new)? },
        LineEdit::Remove { old } => LineEdit::Remove { old: text(old)? },
    })
}

fn done(
    made: std::io::Result<()>,
    failed: impl Fn(std::io::Error) -> Failure,
) -> Result<Option<Output>, Failure> {
    made.map(|()| None).map_err(failed)
}

fn said(text: String) -> Output {
    Output { status: Status::Code(0), stdout: text.into_bytes(), stderr: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Native, Transcript};
    use crate::plan::Metadata;
    use crate::secret::Secret;

    #[test]
    fn writes_and_edits_with_late_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fstab").to_string_lossy().into_owned();
        std::fs::write(&path, "# keep\nold\n").unwrap();
        let system = Transcript::new().says("blkid -p -s UUID -o value /dev/sda1", "AB-12\n");
        let step = Step::Edit {
            path: path.clone(),
            edits: vec![LineEdit::Replace { old: "old".into(), new: "UUID=@{uuid:/dev/sda1} /".into() }],
            metadata: Metadata::default(),
        };
        assert_eq!(one(&step, &system, &[]), Ok(None));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "# keep\nUUID=AB-12 /\n");
        let failure = one(&step, &system, &[]).unwrap_err();
        assert!(failure.title.contains("the line `old` is no longer there"), "{failure}");
    }

    #[test]
    fn confirmations_in_a_row_are_one_group() {
        let confirm = || Step::Confirm { device: "/dev/vdb".into(), serial: None, size: 1, blank: true };
        let run = || Step::run(Command::probe("true"));
        let steps = [confirm(), confirm(), run(), run(), confirm()];
        assert_eq!(groups(&steps).map(<[Step]>::len).collect::<Vec<_>>(), [2, 1, 1, 1]);
    }

    #[test]
    fn validates_beside_the_file_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("conf").to_string_lossy().into_owned();
        let validate = |pattern: &str| Step::Validate {
            path: path.clone(),
            content: b"good".to_vec(),
            command: Command::probe("grep").args([pattern, "%s"]),
        };
        assert!(one(&validate("good"), &Native::new(), &[]).is_ok());
        let failure = one(&validate("bad"), &Native::new(), &[]).unwrap_err();
        assert!(failure.title.starts_with("the new content of "), "{failure}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_program_that_repeats_a_secret_is_not_repeated() {
        let echo = Command::probe("sh").args(["-c", "cat; echo wrong: hunter2 >&2; exit 2"]);
        let step = Step::run(echo.secret(Secret::new("hunter2")));
        let failure = one(&step, &Native::new(), &[]).unwrap_err();
        assert_eq!((failure.stdout.as_str(), failure.stderr.as_str()), ("***", "wrong: ***\n"));
    }

    #[test]
    fn a_command_has_the_environment_of_the_task() {
        let command = Command::probe("sh").args(["-c", "echo $A $B"]).env("B", "own");
        let step = Step::run(command);
        let environment = [("A".to_owned(), "task".to_owned()), ("B".to_owned(), "task".to_owned())];
        let output = one(&step, &Native::new(), &environment).unwrap().unwrap();
        assert_eq!(output.text(), "task own\n");
    }
}
