//! `--list-hosts` and `--list-tasks`: what is meant, without touching it.

use std::io::Write;

use super::run::Args;
use crate::exit::Exit;
use crate::playbook::{Playbook, Tags};

/// Shows the hosts and tasks of each play.
pub(super) fn show(args: &Args, playbooks: &[Playbook], hosts: &[Vec<Vec<String>>]) -> anyhow::Result<Exit> {
    let mut out = anstream::stdout();
    let tags = Tags { only: args.tags.clone(), skip: args.skip_tags.clone() };
    for (playbook, hosts) in playbooks.iter().zip(hosts) {
        writeln!(out, "playbook: {}", playbook.path)?;
        for (play, hosts) in playbook.plays.iter().zip(hosts) {
            writeln!(out, "\n  play: {}", play.title())?;
            if args.list_hosts {
                writeln!(out, "    hosts ({}):", hosts.len())?;
                hosts.iter().try_for_each(|host| writeln!(out, "      {host}"))?;
            }
            if args.list_tasks {
                writeln!(out, "    tasks:")?;
                for task in play.tasks_in_order() {
                    if tags.selects(&task.directives.tags) {
                        let tags = task.directives.tags.join(", ");
                        writeln!(
                            out,
                            "      {}{}",
                            task.title(),
                            if tags.is_empty() { String::new() } else { format!("  [{tags}]") }
                        )?;
                    }
                }
            }
        }
    }
    Ok(Exit::Done)
}
