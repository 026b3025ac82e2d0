//! `holdfast list`: the playbooks, roles and inventories inside this binary, with a line about each.

use std::fmt::Write as _;
use std::io::Write as _;

use anstyle::{AnsiColor, Style};

use crate::exit::Exit;
use crate::playbook::{Dir, Library};

/// Arguments of `holdfast list`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only these
    #[arg(value_enum)]
    pub kind: Option<Kind>,
}

/// What is embedded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    Playbooks,
    Roles,
    Inventories,
}

const NAME: Style = AnsiColor::Cyan.on_default();

/// Lists them.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    write!(anstream::stdout(), "{}", text(&Library::new(), args.kind))?;
    Ok(Exit::Done)
}

fn text(library: &Library, only: Option<Kind>) -> String {
    let mut text = String::new();
    for kind in [Kind::Playbooks, Kind::Roles, Kind::Inventories] {
        if only.is_some_and(|only| only != kind) {
            continue;
        }
        let folder = match kind {
            Kind::Playbooks => "playbooks",
            Kind::Roles => "roles",
            Kind::Inventories => "inventories",
        };
        let names = library.names(folder);
        let width = names.iter().map(String::len).max().unwrap_or(0);
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}{folder}:");
        if names.is_empty() {
            text.push_str("  none\n");
        }
        for name in names {
            let about = about(library, kind, &Dir::Embedded(folder.to_owned()), &name);
            let line = format!("  {NAME}{name:width$}{NAME:#}  {}", about.unwrap_or_default());
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

/// The first line of its description: of a role's README, or of the comment a file begins with.
fn about(library: &Library, kind: Kind, folder: &Dir, name: &str) -> Option<String> {
    let at = folder.join(name);
    let readable = |place: &Dir| library.source(place).ok().flatten();
    if kind == Kind::Roles {
        let readme = readable(&at.join("README.md"))?;
        let mut lines =
            readme.text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("<!--"));
        return lines.find(|line| !line.starts_with('#')).map(str::to_owned);
    }
    let places = ["", ".yaml", ".yml", "/hosts.yaml", "/hosts.yml", "/hosts"];
    let source = places.iter().find_map(|ending| readable(&folder.join(&format!("{name}{ending}"))))?;
    let mut lines = source.text.lines().map(str::trim).skip_while(|line| line.is_empty() || *line == "---");
    let first = lines.next()?.strip_prefix('#')?.trim();
    (!first.is_empty()).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_there_is() {
        let library = Library::holding([
            ("playbooks/nfs.yaml", "---\n# An NFS server.\n# More.\n- hosts: all\n"),
            ("playbooks/plain.yaml", "- hosts: all\n"),
            ("roles/raid/README.md", "# raid\n\nArrays from blank disks.\n"),
            ("roles/raid/tasks/main.yml", ""),
            ("inventories/lab/hosts.yml", "# Three machines.\nall:\n"),
        ]);
        let plain = anstream::adapter::strip_str(&text(&library, None)).to_string();
        insta::assert_snapshot!(plain, @r"
        playbooks:
          nfs    An NFS server.
          plain

        roles:
          raid  Arrays from blank disks.

        inventories:
          lab  Three machines.
        ");
        let roles = anstream::adapter::strip_str(&text(&library, Some(Kind::Roles))).to_string();
        assert!(roles.starts_with("roles:") && !roles.contains("playbooks:"));
    }
}
