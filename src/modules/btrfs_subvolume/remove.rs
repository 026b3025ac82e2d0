//! Removing a subvolume with all that is in it: with consent to exactly that, and never while it is mounted.

use super::{BtrfsSubvolume, lead, named, seen};
use crate::machine::btrfs::{BtrfsEffect, Inside, Pool, Subvolume};
use crate::machine::{Machine, Prediction};
use crate::modules::btrfs::reach::{live, reach};
use crate::plan::{Change, Plan, Refusal, Step};
use crate::tools::btrfs::{self as tool, Reach};
use crate::units::Size;

impl BtrfsSubvolume {
    pub(super) fn remove(&self, machine: &Machine, pool: &Pool, inside: &Inside) -> Result<Plan, Refusal> {
        let path = self.path();
        if path.is_empty() {
            return Err(Refusal::new(format!(
                "the top level of the btrfs {} cannot be removed",
                pool.name()
            ))
            .help("`btrfs` with `state: absent` ends the whole file system"));
        }
        if !inside.subvolumes.contains_key(&path) {
            return match seen(inside, &path) {
                Some(found) => Err(Refusal::new(format!(
                    "{} is {} and no subvolume",
                    named(pool, &path),
                    found.kind.name()
                ))),
                None => Ok(Plan::empty()),
            };
        }
        destroy(machine, pool, inside, &reach(machine, pool, true)?, &path, self.recursive)
    }
}

/// What is lost with a subvolume.
fn loss(pool: &Pool, one: &Subvolume) -> String {
    let used = match (one.referenced, one.exclusive) {
        (Some(all), Some(alone)) => format!("{} in it, {} of that nowhere else", Size(all), Size(alone)),
        _ => "used size unknown (nothing is counted)".to_owned(),
    };
    let kind = if one.parent_uuid.is_some() { "snapshot" } else { "subvolume" };
    let id = one.id.map_or_else(String::new, |id| format!(" (ID {id})"));
    format!("{kind} /{}{id} of the btrfs {} ({}), {used}", one.path, pool.name(), pool.identity())
}

pub(super) fn destroy(
    machine: &Machine,
    pool: &Pool,
    inside: &Inside,
    top: &Reach,
    path: &str,
    recursive: bool,
) -> Result<Plan, Refusal> {
    let nested: Vec<&Subvolume> = inside.below(path).collect();
    if !recursive && !nested.is_empty() {
        let refusal = Refusal::new(format!("{} has subvolumes in it", named(pool, path)));
        let refusal = nested.iter().fold(refusal, |refusal, one| refusal.fact(loss(pool, one)));
        return Err(refusal.help("`recursive: true` asks to remove them too, each with its own consent"));
    }
    let mut plan = Plan::empty();
    // The innermost first.
    let mut all: Vec<&Subvolume> = inside.subvolumes.get(path).into_iter().chain(nested).collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.path.matches('/').count()));
    for one in all {
        let root = format!("/{}", one.path);
        // The kernel removes what is mounted without a word.
        let below = format!("{root}/");
        if let Some(live) =
            live(machine, pool).find(|live| live.root == root || live.root.starts_with(&below))
        {
            return Err(Refusal::new(format!(
                "{} is in use: it is mounted at {}",
                named(pool, &one.path),
                live.target
            ))
            .fact(loss(pool, one))
            .help("what is in use is never removed, whatever the consent; unmount it first"));
        }
        if inside.default == one.path {
            return Err(Refusal::new(format!("{} is the default subvolume", named(pool, &one.path)))
                .fact(loss(pool, one))
                .help("make another one the default first: `name: /`, `default: true`"));
        }
        let token = format!("remove:{}:{}", pool.identity(), one.path);
        let change = Change::destroy("btrfs subvolume", named(pool, &one.path), token, loss(pool, one));
        let effect = BtrfsEffect::SubvolumeGone { device: lead(pool), path: one.path.clone() };
        plan.push(change, [Step::run(tool::delete(top, &one.path))], [Prediction::Btrfs(effect)]);
    }
    Ok(plan)
}
