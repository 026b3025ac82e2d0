//! What is mounted now: mounted, mounted anew, or unmounted. Nothing that holds something else is unmounted.

use super::options::{differing, foreseen};
use super::source::Source;
use crate::machine::Prediction;
use crate::machine::files::FilesEffect;
use crate::machine::mounts::{Live, Mounts, MountsEffect, is_below};
use crate::plan::{Change, Plan, Refusal, Risk, Step};
use crate::tools::mount as tool;

/// What is to be seen at a mount point.
pub(super) struct Seen<'a> {
    pub(super) target: &'a str,
    pub(super) source: &'a Source<'a>,
    pub(super) fstype: &'a str,
    pub(super) options: &'a str,
}

impl Seen<'_> {
    pub(super) fn mount(&self, mounts: &Mounts, plan: &mut Plan) -> Result<(), Refusal> {
        let Self { target, source, fstype, options } = *self;
        let mount = Step::run(tool::mount(source.given(), target, fstype, options));
        let Some(found) = mounts.at(target) else {
            // Whoever looks there first mounts it.
            if !mounts.waits_at(target) {
                let detail = format!("{} ({fstype}, {options})", source.given());
                plan.push(Change::create("mount", target, detail), [mount], self.predicts());
            }
            return Ok(());
        };
        let mut change = Change::modify("mount", target, "").risk(Risk::Disruptive);
        let anew = !source.is_seen_in(found, options);
        if anew {
            let before = shown(&found.source, &found.root);
            let (now, root) = source.shown(options);
            change = change.attribute("source", Some(before), Some(shown(&now, &root)));
        }
        let inherits = matches!(source, Source::Folder { .. });
        let differing = differing(options, &found.options, inherits);
        if !differing.is_empty() {
            let before = found.options.join(",");
            change = change.attribute("options", Some(before), Some(options.to_owned()));
        }
        if !anew && differing.is_empty() {
            return Ok(());
        }
        // NFS keeps source and options through a remount without a word.
        let steps = if anew || source.device().is_none() {
            free(mounts, target)?;
            vec![Step::Unmount { target: target.to_owned() }, mount]
        } else {
            let words: Vec<&str> = std::iter::once(options)
                .chain(differing.into_iter().filter(|word| !options.split(',').any(|own| own == *word)))
                .collect();
            vec![Step::run(tool::remount(target, &words.join(",")))]
        };
        let mut predicts: Vec<Prediction> = Vec::new();
        if anew {
            predicts.push(hidden(target));
        }
        predicts.extend(self.predicts());
        plan.push(change, steps, predicts);
        Ok(())
    }

    fn predicts(&self) -> [Prediction; 2] {
        let (source, root) = self.source.shown(self.options);
        let live = Live {
            target: self.target.to_owned(),
            source,
            fstype: self.fstype.to_owned(),
            options: foreseen(self.options),
            root,
        };
        predicts(self.target, Some(live))
    }
}

/// Unmounts a mount point, also where several things are mounted there, one over the other.
pub(super) fn unmount(mounts: &Mounts, target: &str, plan: &mut Plan) -> Result<(), Refusal> {
    let Some(found) = mounts.at(target) else { return Ok(()) };
    free(mounts, target)?;
    let change = Change::remove("mount", target, found.source.clone()).risk(Risk::Disruptive);
    let steps = vec![Step::Unmount { target: target.to_owned() }; mounts.layers(target)];
    let mut predicted = vec![hidden(target)];
    predicted.extend(predicts(target, None));
    plan.push(change, steps, predicted);
    Ok(())
}

/// Refuses while something is mounted or swapped to below.
fn free(mounts: &Mounts, target: &str) -> Result<(), Refusal> {
    let mut below = mounts.below(target).peekable();
    if below.peek().is_some() {
        let refusal = Refusal::new(format!("{target} cannot be unmounted: other mounts are below it"))
            .help("unmount those first, the innermost before the others");
        return Err(below.fold(refusal, |refusal, live| {
            refusal.fact(format!("{} is mounted at {}", live.source, live.target))
        }));
    }
    match mounts.swaps.iter().find(|area| is_below(&area.path, target)) {
        Some(area) => Err(Refusal::new(format!("{target} cannot be unmounted: {} is swapped to", area.path))
            .help("turn that off first, with `swap` and `state: absent`")),
        None => Ok(()),
    }
}

fn predicts(target: &str, mount: Option<Live>) -> [Prediction; 2] {
    [
        Prediction::Mounts(MountsEffect::Live { target: target.to_owned(), mount }),
        Prediction::Files(FilesEffect::MountPoint { path: target.to_owned() }),
    ]
}

/// What was seen below is seen there no longer. What another source holds nobody sees before it is mounted: a dry run
/// takes it for empty.
fn hidden(target: &str) -> Prediction {
    Prediction::Files(FilesEffect::Gone { path: target.to_owned() })
}

fn shown(source: &str, root: &str) -> String {
    if root == "/" { source.to_owned() } else { format!("{source}[{root}]") }
}
