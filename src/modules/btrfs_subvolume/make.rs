//! Making a subvolume or a snapshot, and the folders above it.

use super::remove::destroy;
use super::{BtrfsSubvolume, Conflict, above, lead, named, seen};
use crate::exec::{Kind, Seen};
use crate::machine::btrfs::{BtrfsEffect, Inside, Pool, Subvolume};
use crate::machine::{Machine, Prediction};
use crate::modules::btrfs::reach::reach;
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::btrfs::{self as tool, Reach};

impl BtrfsSubvolume {
    pub(super) fn complete(&self, machine: &Machine, pool: &Pool, inside: &Inside) -> Result<Plan, Refusal> {
        let path = self.path();
        let mut plan = Plan::empty();
        let top = reach(machine, pool, true)?;
        let there = inside.subvolumes.get(&path);
        match (self.source(), there) {
            (Some(_), _) if path.is_empty() => {
                return Err(Refusal::new("the top level is no snapshot of anything"));
            }
            (Some(source), None) => self.snapshot(pool, inside, &top, &source, &mut plan)?,
            (Some(source), Some(_)) => match self.snapshot_conflict {
                Conflict::Skip => self.settle(pool, inside, &top, there, &mut plan)?,
                Conflict::Error => {
                    return Err(Refusal::new(format!("there is a subvolume {} already", named(pool, &path)))
                        .help("`snapshot_conflict: skip` leaves it, `clobber` replaces it"));
                }
                Conflict::Clobber => {
                    plan.then(destroy(machine, pool, inside, &top, &path, self.recursive)?);
                    self.snapshot(pool, inside, &top, &source, &mut plan)?;
                }
            },
            (None, None) if !path.is_empty() => {
                self.folders(pool, inside, &top, &path, &mut plan)?;
                let new = Subvolume { path: path.clone(), ..Subvolume::default() };
                let make = Step::run(tool::create(&top, &path));
                self.finish(pool, inside, &top, new, Seen::new_subvolume(), make, &mut plan)?;
            }
            (None, there) => self.settle(pool, inside, &top, there, &mut plan)?,
        }
        if self.default && inside.default != path {
            let command =
                if path.is_empty() { tool::set_default_top(&top) } else { tool::set_default(&top, &path) };
            let change = Change::modify("btrfs", pool.name(), "").attribute(
                "default subvolume",
                Some(format!("/{}", inside.default)),
                Some(format!("/{path}")),
            );
            let effect = BtrfsEffect::Default { device: lead(pool), path };
            plan.push(change, [Step::run(command)], [Prediction::Btrfs(effect)]);
        }
        Ok(plan)
    }

    fn snapshot(
        &self,
        pool: &Pool,
        inside: &Inside,
        top: &Reach,
        source: &str,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        let path = self.path();
        let Some(from) = inside.subvolumes.get(source) else {
            let mut refusal =
                Refusal::new(format!("there is no subvolume {} to snapshot", named(pool, source)));
            for one in inside.subvolumes.keys().take(20) {
                refusal = refusal.fact(format!("there is /{one}"));
            }
            return Err(refusal);
        };
        self.folders(pool, inside, top, &path, plan)?;
        let read_only = self.readonly == Some(true) && !self.sets_more();
        let new = Subvolume {
            path: path.clone(),
            parent_uuid: from.uuid.clone(),
            read_only,
            // The kernel gives a snapshot the limits of what it was made of.
            limit: from.limit,
            limit_exclusive: from.limit_exclusive,
            ..Subvolume::default()
        };
        let seen = seen(inside, source).cloned().unwrap_or_else(Seen::new_subvolume);
        let make = Step::run(tool::snapshot(top, source, &path, read_only));
        self.finish(pool, inside, top, new, seen, make, plan)
    }

    /// Refuses what cannot be made there, or makes the folders above as subvolumes, where that is asked for.
    fn folders(
        &self,
        pool: &Pool,
        inside: &Inside,
        top: &Reach,
        path: &str,
        plan: &mut Plan,
    ) -> Result<(), Refusal> {
        // What is clobbered is gone by then. btrfs makes a snapshot *in* a folder that is there, and says nothing.
        if let Some(found) = seen(inside, path).filter(|_| !inside.subvolumes.contains_key(path)) {
            return Err(Refusal::new(format!(
                "{} is {} and no subvolume",
                named(pool, path),
                found.kind.name()
            ))
            .help("move it away first"));
        }
        for folder in above(path) {
            if let Some(parent) = inside.subvolumes.get(&folder) {
                if parent.read_only {
                    return Err(Refusal::new(format!("{} is read-only", named(pool, &folder)))
                        .fact(format!("{} was to be made in it", named(pool, path))));
                }
                continue;
            }
            match seen(inside, &folder) {
                Some(found) if found.kind == Kind::Directory => {}
                Some(found) => {
                    return Err(Refusal::new(format!(
                        "{} is {} and no folder",
                        named(pool, &folder),
                        found.kind.name()
                    )));
                }
                None if self.recursive => {
                    let new = Subvolume { path: folder.clone(), ..Subvolume::default() };
                    let effect = BtrfsEffect::Subvolume {
                        device: lead(pool),
                        subvolume: Box::new(new),
                        seen: Some(Seen::new_subvolume()),
                    };
                    let change = Change::create("btrfs subvolume", named(pool, &folder), "");
                    plan.push(change, [Step::run(tool::create(top, &folder))], [Prediction::Btrfs(effect)]);
                }
                None => {
                    return Err(Refusal::new(format!("there is no {}", named(pool, &folder)))
                        .fact(format!("{} was to be made in it", named(pool, path)))
                        .help("`recursive: true` makes it as a subvolume; or make a folder there"));
                }
            }
        }
        Ok(())
    }
}
