//! What a subvolume is set to: compression, writing in place, limits, and at last whether it is read-only.

use super::{BtrfsSubvolume, lead, limit, named, seen};
use crate::exec::Seen;
use crate::machine::Prediction;
use crate::machine::btrfs::{BtrfsEffect, Inside, Pool, Subvolume};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::btrfs::{self as tool, Reach};
use crate::units::Size;

/// The subvolume as it becomes, and what makes it so.
struct Settings {
    subvolume: Subvolume,
    seen: Seen,
    steps: Vec<Step>,
    change: Change,
}

impl BtrfsSubvolume {
    /// Whether anything is set besides being read-only.
    pub(super) fn sets_more(&self) -> bool {
        self.compression.is_some()
            || self.nodatacow.is_some()
            || self.limit.is_some()
            || self.limit_exclusive.is_some()
    }

    /// A new subvolume, made by the step `make`, with all it is set to.
    #[expect(clippy::too_many_arguments, reason = "each is one word about the same subvolume")]
    pub(super) fn finish(
        &self,
        pool: &Pool,
        inside: &Inside,
        top: &Reach,
        new: Subvolume,
        seen: Seen,
        make: Step,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let detail = self.source().map_or_else(String::new, |source| format!("snapshot of /{source}"));
        let mut change = Change::create("btrfs subvolume", named(pool, &new.path), detail);
        if new.read_only {
            change = change.attribute("read-only", None, Some("yes".to_owned()));
        }
        let settings = Settings { subvolume: new, seen, steps: vec![make], change };
        let Settings { subvolume, seen, steps, change } = self.set(pool, inside, top, settings)?;
        let effect =
            BtrfsEffect::Subvolume { device: lead(pool), subvolume: Box::new(subvolume), seen: Some(seen) };
        plan.push(change, steps, [Prediction::Btrfs(effect)]);
        Ok(())
    }

    /// A subvolume that is there, or the top level, becomes what it is set to.
    pub(super) fn settle(
        &self,
        pool: &Pool,
        inside: &Inside,
        top: &Reach,
        found: Option<&Subvolume>,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let path = self.path();
        let Some(found) = found else {
            if self.sets_more() || self.readonly.is_some() {
                return Err(Refusal::new("not supported yet: settings of the top level itself"));
            }
            return Ok(());
        };
        let settings = Settings {
            subvolume: found.clone(),
            seen: seen(inside, &path).cloned().unwrap_or_else(Seen::new_subvolume),
            steps: Vec::new(),
            change: Change::modify("btrfs subvolume", named(pool, &path), ""),
        };
        let mut after = self.set(pool, inside, top, settings)?;
        if after.steps.is_empty() {
            return Ok(());
        }
        if found.read_only && (after.steps.len() > 1 || after.subvolume.read_only) {
            if self.readonly.is_none() {
                return Err(Refusal::new(format!("{} is read-only", named(pool, &path)))
                    .help("`readonly: false` makes it writable first"));
            }
            // It is opened first, and closed again at the end where that is asked for.
            after.steps.retain(|step| *step != Step::run(tool::set_read_only(top, &path, false)));
            after.steps.insert(0, Step::run(tool::set_read_only(top, &path, false)));
            if after.subvolume.read_only {
                after.steps.push(Step::run(tool::set_read_only(top, &path, true)));
            }
        }
        let effect = BtrfsEffect::Subvolume {
            device: lead(pool),
            subvolume: Box::new(after.subvolume),
            seen: Some(after.seen),
        };
        plan.push(after.change, after.steps, [Prediction::Btrfs(effect)]);
        Ok(())
    }

    fn set(&self, pool: &Pool, inside: &Inside, top: &Reach, mut to: Settings) -> Result<Settings, Refusal> {
        let path = to.subvolume.path.clone();
        let word = |on: bool| Some(if on { "yes" } else { "no" }.to_owned());
        if let Some(wanted) = self.nodatacow
            && wanted != to.seen.nodatacow
        {
            to.change = to.change.attribute("nodatacow", word(to.seen.nodatacow), word(wanted));
            to.steps.push(Step::run(tool::set_nodatacow(top, &path, wanted)));
            to.seen.nodatacow = wanted;
        }
        if let Some(wanted) = self.compression.as_deref()
            && to.seen.compression.as_deref() != Some(wanted)
        {
            to.change =
                to.change.attribute("compression", to.seen.compression.clone(), Some(wanted.to_owned()));
            to.steps.push(Step::run(tool::set_compression(top, &path, wanted)));
            to.seen.compression = Some(wanted.to_owned());
        }
        for (asked, exclusive) in [(&self.limit, false), (&self.limit_exclusive, true)] {
            let Some(asked) = asked else { continue };
            let wanted = limit(asked).map_err(Refusal::new)?;
            let now = if exclusive { &mut to.subvolume.limit_exclusive } else { &mut to.subvolume.limit };
            if *now == wanted {
                continue;
            }
            if !inside.quota {
                return Err(Refusal::new(format!(
                    "{} cannot be limited: the btrfs {} counts nothing",
                    named(pool, &path),
                    pool.name()
                ))
                .help(
                    "`quota: true` of `btrfs` makes it count; it costs speed where there are many snapshots",
                ));
            }
            let shown = |size: Option<u64>| {
                Some(size.map_or_else(|| "none".to_owned(), |size| Size(size).to_string()))
            };
            let name = if exclusive { "limit_exclusive" } else { "limit" };
            to.change = to.change.attribute(name, shown(*now), shown(wanted));
            *now = wanted;
            to.steps.push(Step::run(tool::limit(top, &path, wanted, exclusive)));
        }
        if let Some(wanted) = self.readonly
            && wanted != to.subvolume.read_only
        {
            if to.subvolume.received && !wanted {
                return Err(Refusal::new(format!(
                    "{} was received, and stays read-only",
                    named(pool, &path)
                ))
                .fact("made writable, it is no base for the next `btrfs receive` any more")
                .help("make a writable snapshot of it"));
            }
            to.change = to.change.attribute("read-only", word(to.subvolume.read_only), word(wanted));
            to.steps.push(Step::run(tool::set_read_only(top, &path, wanted)));
            to.subvolume.read_only = wanted;
        }
        Ok(to)
    }
}
