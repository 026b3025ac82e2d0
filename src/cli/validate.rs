//! `holdfast validate PLAYBOOK...`: says everything that is wrong with playbooks, without a host and without running
//! anything.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Arc;

use super::{Complaint, begin};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::exit::Exit;
use crate::inventory::Inventory;
use crate::playbook::{Library, Lint, Play, is_literal, load};

/// Arguments of `holdfast validate`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Playbooks: files, or names of embedded ones
    #[arg(required = true, value_name = "PLAYBOOK")]
    pub playbooks: Vec<String>,
    /// Check host patterns against this inventory, too
    #[arg(short = 'i', long = "inventory", value_name = "PATH")]
    pub inventory: Vec<String>,
}

/// What was looked at, and what was found.
#[derive(Debug, Default)]
struct Verdict {
    playbooks: usize,
    roles: BTreeSet<String>,
    tasks: usize,
    warnings: Vec<Diagnostic>,
    found: Diagnostics,
}

/// Checks them all, then tells.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let templar = begin::templar();
    let verdict = check(args, Library::new(), &begin::Checks(&templar));
    for warning in &verdict.warnings {
        write!(anstream::stderr(), "{}", warning.render_warning(true))?;
    }
    if !verdict.found.is_empty() {
        return Err(Complaint(verdict.found).into());
    }
    writeln!(anstream::stdout(), "{}", summary(&verdict))?;
    Ok(Exit::Done)
}

fn check(args: &Args, library: Library, lint: &dyn Lint) -> Verdict {
    let mut verdict = Verdict::default();
    let library = Arc::new(library);
    let sources: Vec<String> = args.inventory.iter().map(|name| library.inventory(name)).collect();
    let inventory = match Inventory::load(&sources, Arc::clone(&library) as _) {
        Ok(inventory) => Some(inventory).filter(|_| !sources.is_empty()),
        Err(found) => {
            verdict.found.extend(found.0);
            None
        }
    };
    for name in &args.playbooks {
        match load(name, &library, lint) {
            Ok(playbook) => {
                if let Some(inventory) = &inventory {
                    verdict
                        .found
                        .extend(playbook.plays.iter().filter_map(|play| unknown_hosts(play, inventory)));
                }
                let roles = playbook.plays.iter().flat_map(|play| &play.role_infos);
                verdict.roles.extend(roles.map(|role| role.dir.to_string()));
                verdict.playbooks += 1;
                verdict.tasks += playbook.count().tasks;
                verdict.warnings.extend(playbook.warnings);
            }
            Err(found) => {
                // Two playbooks with the same bad role complain about it once.
                let new = found.0.into_iter().filter(|one| !verdict.found.0.contains(one));
                let new: Vec<_> = new.collect();
                verdict.found.extend(new);
            }
        }
    }
    verdict
}

/// What is wrong with a play's hosts, unless they are known only while running.
fn unknown_hosts(play: &Play, inventory: &Inventory) -> Option<Diagnostic> {
    if !play.hosts.iter().all(is_literal) {
        return None;
    }
    let patterns: Vec<&str> = play.hosts.iter().filter_map(|node| node.as_str()).collect();
    inventory.select(&patterns.join(","), play.hosts.first().map(|node| &node.span)).err()
}

fn summary(verdict: &Verdict) -> String {
    let count = |number: usize, noun: &str| match number {
        1 => format!("1 {noun}"),
        number => format!("{number} {noun}s"),
    };
    format!(
        "{}, {}, {}: no problems",
        count(verdict.playbooks, "playbook"),
        count(verdict.roles.len(), "role"),
        count(verdict.tasks, "task")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::NoLint;

    fn verdict(names: &[&str]) -> Verdict {
        let library = Library::holding([
            ("playbooks/a.yml", "- hosts: all\n  roles: [r]\n"),
            ("playbooks/b.yml", "- hosts: all\n  roles: [r]\n  tasks: [{debug: }]\n"),
            ("playbooks/c.yml", "- hosts: all\n  roles: [bad]\n"),
            ("playbooks/d.yml", "- hosts: all\n  roles: [bad]\n"),
            ("playbooks/e.yml", "- hosts: nas3\n"),
            ("inventories/lab.yml", "all: {hosts: {nas1: , nas2: }}\n"),
            ("roles/r/tasks/main.yml", "- debug:\n"),
            ("roles/bad/tasks/main.yml", "- nothing:\n"),
        ]);
        let playbooks = names.iter().map(|name| (*name).to_owned()).collect();
        let args = Args { playbooks, inventory: vec!["lab".to_owned()] };
        check(&args, library, &NoLint)
    }

    #[test]
    fn counts_each_role_once() {
        assert_eq!(summary(&verdict(&["a", "b"])), "2 playbooks, 1 role, 3 tasks: no problems");
    }

    #[test]
    fn complains_about_each_problem_once() {
        assert_eq!(verdict(&["c", "a", "d"]).found.0.len(), 1);
    }

    #[test]
    fn checks_hosts_against_the_inventory() {
        let found = verdict(&["a", "e"]).found;
        assert_eq!(found.0.len(), 1);
        assert_eq!(found.0[0].at.as_ref().unwrap().span.to_string(), "<embedded>/playbooks/e.yml:1:10");
    }
}
