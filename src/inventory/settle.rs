//! How groups hang together once every source has been read: `all` above everything, `ungrouped` for the rest,
//! depths for precedence, and no circles.

use super::{ALL, Inventory, UNGROUPED};
use crate::diagnostic::{Diagnostic, Diagnostics};

/// Completes the tree of groups.
pub(super) fn settle(inventory: &mut Inventory, problems: &mut Diagnostics) {
    let all = inventory.touch_group(ALL, None);
    let ungrouped = inventory.touch_group(UNGROUPED, None);
    let circles = circles(inventory);
    if !circles.is_empty() {
        return problems.extend(circles);
    }
    for group in 0..inventory.groups.len() {
        if group != all && inventory.groups[group].parents.is_empty() {
            inventory.link(all, group);
        }
    }
    gather_ungrouped(inventory, all, ungrouped);
    measure(inventory, all);
}

/// `ungrouped` are exactly the hosts that no other group but `all` mentions.
fn gather_ungrouped(inventory: &mut Inventory, all: usize, ungrouped: usize) {
    let mut members = Vec::new();
    for (index, host) in inventory.hosts.values_mut().enumerate() {
        host.groups.retain(|group| *group != ungrouped);
        if host.groups.iter().all(|group| *group == all) {
            host.groups.push(ungrouped);
            members.push(index);
        }
    }
    inventory.groups[ungrouped].hosts = members;
}

/// The depth of each group: the longest way down from `all`.
fn measure(inventory: &mut Inventory, all: usize) {
    let mut waiting: Vec<usize> = inventory.groups.values().map(|group| group.parents.len()).collect();
    let mut ready = vec![all];
    while let Some(group) = ready.pop() {
        let below = inventory.groups[group].depth + 1;
        for child in inventory.groups[group].children.clone() {
            let depth = &mut inventory.groups[child].depth;
            *depth = below.max(*depth);
            waiting[child] -= 1;
            if waiting[child] == 0 {
                ready.push(child);
            }
        }
    }
}

/// A complaint for each group that would contain itself.
fn circles(inventory: &Inventory) -> Vec<Diagnostic> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        Above,
        Done,
    }
    let mut seen = vec![Seen::No; inventory.groups.len()];
    let mut found = Vec::new();
    for start in 0..inventory.groups.len() {
        if seen[start] != Seen::No {
            continue;
        }
        seen[start] = Seen::Above;
        let mut way = vec![(start, 0)];
        while let Some((group, next)) = way.last_mut() {
            let (group, at) = (*group, *next);
            *next += 1;
            match inventory.groups[group].children.get(at).copied() {
                None => {
                    seen[group] = Seen::Done;
                    way.pop();
                }
                Some(child) if seen[child] == Seen::No => {
                    seen[child] = Seen::Above;
                    way.push((child, 0));
                }
                Some(child) if seen[child] == Seen::Above => {
                    let ring = way.iter().map(|(group, _)| *group).skip_while(|group| *group != child);
                    let names: Vec<&str> =
                        ring.chain([child]).map(|group| inventory.groups[group].name.as_str()).collect();
                    found.push(circle(inventory, child, &names));
                }
                Some(_) => {}
            }
        }
    }
    found
}

fn circle(inventory: &Inventory, group: usize, names: &[&str]) -> Diagnostic {
    let group = &inventory.groups[group];
    let complaint = Diagnostic::new(format!("the group `{}` would contain itself", group.name))
        .help(format!("the circle is {}; remove one of its `children`", names.join(" > ")));
    match &group.span {
        Some(span) => complaint.at(span, "this group"),
        None => complaint,
    }
}
