//! `lineinfile`: one line of a text file. The rules are ansible-core's; line ends stay what they are in the file.

use regex::bytes::Regex;
use serde::{Deserialize, Serialize};

use super::ownership::{Mode, Ownership};
use super::placement::Placement;
use super::{Describe, Done, Module, paths};
use crate::exec::Kind;
use crate::machine::{Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::{Map, Value};

/// Sees to one line of a text file.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lineinfile {
    /// The file.
    pub path: String,
    /// The line, without its end.
    pub line: Option<String>,
    /// Which line is replaced (the last that matches) or removed (all that match).
    pub regexp: Option<String>,
    /// The same with plain text instead of a regular expression.
    pub search_string: Option<String>,
    /// Whether the line shall be there. Default: present.
    #[serde(default)]
    pub state: Presence,
    /// Where a new line goes: after the last line that matches, or `EOF`.
    pub insertafter: Option<String>,
    /// Where a new line goes: before the last line that matches, or `BOF`.
    pub insertbefore: Option<String>,
    /// The first match counts, not the last.
    #[serde(default)]
    pub firstmatch: bool,
    /// `\1` in `line` is what the group in `regexp` matched; without a match nothing is done.
    #[serde(default)]
    pub backrefs: bool,
    /// Makes the file where there is none.
    #[serde(default)]
    pub create: bool,
    /// Keeps the old content beside the new file, as `PATH.TIME~`.
    #[serde(default)]
    pub backup: bool,
    /// A command that judges the new content before it is put in place; `%s` is its path.
    pub validate: Option<String>,
    /// Permissions: `"0644"` or `u=rw,g=r,o=`.
    pub mode: Option<Mode>,
    /// Owner, by name or number.
    pub owner: Option<String>,
    /// Group, by name or number.
    pub group: Option<String>,
}

/// Whether something shall be there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    #[default]
    Present,
    Absent,
}

impl Describe for Lineinfile {
    const NAME: &'static str = "lineinfile";
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] =
        &[("dest", "path"), ("destfile", "path"), ("name", "path"), ("value", "line"), ("regex", "regexp")];
    const EXAMPLE: &'static str = "\
- name: nobody logs in as root with a password
  lineinfile:
    path: /etc/ssh/sshd_config
    regexp: '^#?PermitRootLogin'
    line: PermitRootLogin prohibit-password
    validate: sshd -t -f %s
";
}

/// The file's lines after the edit, and what Ansible says about it.
struct Edit {
    content: Vec<u8>,
    message: String,
}

impl Lineinfile {
    fn placement(&self) -> Placement<'_> {
        Placement {
            dest: &self.path,
            basename: None,
            ownership: Ownership {
                owner: self.owner.as_deref(),
                group: self.group.as_deref(),
                mode: self.mode.as_ref(),
            },
            directory_mode: None,
            make_folders: self.create,
            backup: self.backup,
            force: true,
            follow: true,
            validate: self.validate.as_deref(),
        }
    }

    /// The edit; `None` when there is no file and none is to be made.
    fn edit(&self, machine: &Machine) -> Result<Option<Edit>, Refusal> {
        paths::absolute("path", &self.path)?;
        let path = self.placement().path(machine)?;
        let state = machine.files.at(&path);
        let content = match state {
            None if self.state == Presence::Absent => return Ok(None),
            None if !self.create => {
                return Err(Refusal::new(format!("there is no file {path} to see to a line of"))
                    .help("`create: true` makes it"));
            }
            None => &[][..],
            Some(state) if state.stat.kind != Kind::File => {
                return Err(Refusal::new(format!("{path} is {} and has no lines", state.stat.kind.name())));
            }
            Some(state) => state.content.as_deref().ok_or_else(|| {
                Refusal::new(format!("{path} is larger than 16 MiB, or this user may not read it"))
            })?,
        };
        let lines: Vec<Vec<u8>> =
            content.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        match self.state {
            Presence::Present => self.present(lines),
            Presence::Absent => self.absent(lines),
        }
        .map(Some)
    }

    fn absent(&self, mut lines: Vec<Vec<u8>>) -> Result<Edit, Refusal> {
        if self.regexp.is_none() && self.search_string.is_none() && self.line.is_none() {
            return Err(Refusal::new("`state: absent` needs `line`, `regexp` or `search_string`"));
        }
        let regexp = self.regexp.as_deref().map(expression).transpose()?;
        let before = lines.len();
        lines.retain(|line| match (&regexp, &self.search_string, &self.line) {
            (Some(regexp), ..) => !regexp.is_match(text(line)),
            (None, Some(search), _) => !contains(line, search),
            (None, None, Some(wanted)) => text(line) != wanted.as_bytes(),
            (None, None, None) => true,
        });
        Ok(Edit { message: format!("{} line(s) removed", before - lines.len()), content: lines.concat() })
    }

    fn present(&self, mut lines: Vec<Vec<u8>>) -> Result<Edit, Refusal> {
        let Some(line) = self.line.as_deref() else {
            return Err(Refusal::new("`state: present` needs `line`"));
        };
        if self.backrefs && self.regexp.is_none() {
            return Err(Refusal::new("`backrefs` needs `regexp`"));
        }
        let regexp = self.regexp.as_deref().map(expression).transpose()?;
        let after = self.insertafter.as_deref().filter(|_| self.insertbefore.is_none());
        let before = self.insertbefore.as_deref();
        let anchor =
            after.filter(|after| !matches!(*after, "EOF" | "BOF")).or(before.filter(|at| *at != "BOF"));
        let anchor = anchor.map(expression).transpose()?;

        let mut matching = lines.iter().enumerate().filter(|(_, candidate)| {
            regexp.as_ref().is_some_and(|regexp| regexp.is_match(text(candidate)))
                || self.search_string.as_ref().is_some_and(|search| contains(candidate, search))
        });
        let found = if self.firstmatch { matching.next() } else { matching.next_back() }.map(|(at, _)| at);
        let (mut exact, mut place) = (None, None);
        if found.is_none() {
            for (at, candidate) in lines.iter().enumerate() {
                if text(candidate) == line.as_bytes() {
                    exact = Some(at);
                } else if anchor.as_ref().is_some_and(|anchor| anchor.is_match(text(candidate))) {
                    place = Some(if after.is_some() { at + 1 } else { at });
                    if self.firstmatch {
                        break;
                    }
                }
            }
        }
        let mut message = String::new();
        if let Some(at) = found.or(exact) {
            let wanted = match (&regexp, found) {
                (Some(regexp), Some(_)) if self.backrefs => expanded(regexp, text(&lines[at]), line),
                _ => line.as_bytes().to_vec(),
            };
            if text(&lines[at]) != wanted {
                let end = ending(&lines[at]).to_vec();
                lines[at] = [wanted, end].concat();
                "line replaced".clone_into(&mut message);
            }
        } else if !self.backrefs {
            let at = match (before, after) {
                (Some("BOF"), _) | (_, Some("BOF")) => 0,
                _ => place.unwrap_or(lines.len()),
            };
            // What stands there already is not doubled.
            let neighbour = if at == lines.len() { lines.last() } else { lines.get(at) };
            let there = place.is_some()
                && after.is_some()
                && neighbour.is_some_and(|neighbour| text(neighbour) == line.as_bytes());
            if !there {
                insert(&mut lines, at, line);
                "line added".clone_into(&mut message);
            }
        }
        Ok(Edit { content: lines.concat(), message })
    }
}

/// Adds a line with the line ends of the file, giving a last line without one its own first.
fn insert(lines: &mut Vec<Vec<u8>>, at: usize, line: &str) {
    let end: &[u8] =
        if lines.first().is_some_and(|first| ending(first) == b"\r\n") { b"\r\n" } else { b"\n" };
    if at == lines.len()
        && let Some(last) = lines.last_mut()
        && ending(last).is_empty()
    {
        last.extend_from_slice(end);
    }
    lines.insert(at, [line.as_bytes(), end].concat());
}

/// A regular expression as Python writes it, as far as that is the same here.
fn expression(pattern: &str) -> Result<Regex, Refusal> {
    let own = pattern.replace(r"\Z", r"\z");
    Regex::new(&own).map_err(|error| {
        let refusal = Refusal::new(format!("`{pattern}` is not understood as a regular expression"));
        if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| pattern.contains(look)) {
            refusal.help("not supported yet: looking ahead or behind in a regular expression")
        } else {
            refusal.fact(error.to_string())
        }
    })
}

/// Python's `match.expand`: `\1` and `\g<name>` are groups, `\\` is one backslash.
fn expanded(regexp: &Regex, line: &[u8], template: &str) -> Vec<u8> {
    let Some(groups) = regexp.captures(line) else { return template.as_bytes().to_vec() };
    let mut whole = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find('\\') {
        whole.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
        let named = rest.strip_prefix("g<").and_then(|name| name.split_once('>'));
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let group = if let Some((name, after)) = named {
            rest = after;
            name.parse().map_or_else(|_| groups.name(name), |number: usize| groups.get(number))
        } else if digits > 0 {
            let number = rest[..digits.min(2)].parse().unwrap_or(0);
            rest = &rest[digits.min(2)..];
            groups.get(number)
        } else {
            let (plain, after) = match rest.chars().next() {
                Some('\\') => ("\\".to_owned(), &rest[1..]),
                Some('n') => ("\n".to_owned(), &rest[1..]),
                Some('t') => ("\t".to_owned(), &rest[1..]),
                _ => ("\\".to_owned(), rest),
            };
            whole.extend_from_slice(plain.as_bytes());
            rest = after;
            None
        };
        whole.extend_from_slice(group.map_or(&[], |group| group.as_bytes()));
    }
    whole.extend_from_slice(rest.as_bytes());
    whole
}

/// The line without its end.
fn text(line: &[u8]) -> &[u8] {
    &line[..line.len() - ending(line).len()]
}

fn ending(line: &[u8]) -> &[u8] {
    let length = line.iter().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    &line[line.len() - length..]
}

fn contains(line: &[u8], search: &str) -> bool {
    search.is_empty() || line.windows(search.len()).any(|window| window == search.as_bytes())
}

impl Module for Lineinfile {
    fn needs(&self) -> Needs {
        self.placement().needs()
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        for (one, other, both) in [
            ("regexp", "search_string", self.regexp.is_some() && self.search_string.is_some()),
            ("insertafter", "insertbefore", self.insertafter.is_some() && self.insertbefore.is_some()),
            ("backrefs", "search_string", self.backrefs && self.search_string.is_some()),
        ] {
            if both {
                return Err(Refusal::new(format!("`{one}` and `{other}` are both given")));
            }
        }
        match self.edit(machine)? {
            Some(edit) => self.placement().plan(machine, &edit.content),
            None => Ok(Plan::empty()),
        }
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        let edit = self.edit(done.before).map_err(|refusal| Failure::new(refusal.title))?;
        let mut result = match &edit {
            Some(edit) => self.placement().result(done, &edit.content),
            None => Map::new(),
        };
        if let Some(dest) = result.shift_remove("dest") {
            result.insert("path".to_owned(), dest);
        }
        let message = edit.map_or_else(|| "file not present".to_owned(), |edit| edit.message);
        result.insert("msg".to_owned(), message.into());
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::files::FileState;
    use serde_json::json;

    /// The content afterwards, and that a second run leaves it alone.
    fn after(content: &str, mut args: Value) -> String {
        args["path"] = "/f".into();
        let module: Lineinfile = serde_json::from_value(args).unwrap();
        let mut machine = Machine::default();
        let file = FileState::expected(Kind::File, 0o644, 0, 0, Some(content.into()));
        machine.files.seen.insert("/f".into(), Some(file));
        let plan = module.plan(&machine).unwrap();
        plan.actions.iter().flat_map(|action| &action.predicts).for_each(|one| one.apply(&mut machine));
        assert!(module.plan(&machine).unwrap().is_empty(), "not settled");
        String::from_utf8(machine.files.at("/f").unwrap().content.clone().unwrap()).unwrap()
    }

    #[test]
    fn adds_a_line_where_it_belongs() {
        assert_eq!(after("a\nb", json!({"line": "x"})), "a\nb\nx\n");
        assert_eq!(after("a\nb\n", json!({"line": "x", "insertbefore": "BOF"})), "x\na\nb\n");
        assert_eq!(after("a\nb\na\n", json!({"line": "x", "insertafter": "^a"})), "a\nb\na\nx\n");
        let first = json!({"line": "x", "insertafter": "^a", "firstmatch": true});
        assert_eq!(after("a\nb\na\n", first), "a\nx\nb\na\n");
        assert_eq!(after("a\nb\na\n", json!({"line": "x", "insertbefore": "^b"})), "a\nx\nb\na\n");
        assert_eq!(after("a\n", json!({"line": "x", "insertbefore": "^none"})), "a\nx\n");
        assert_eq!(after("a\nx\n", json!({"line": "x", "insertafter": "^a"})), "a\nx\n");
        assert_eq!(after("a\r\nb\r\n", json!({"line": "x"})), "a\r\nb\r\nx\r\n");
        assert_eq!(after("", json!({"line": "x"})), "x\n");
    }

    #[test]
    fn replaces_the_last_match_or_the_first() {
        let args = json!({"regexp": "^k=", "line": "k=2"});
        assert_eq!(after("k=0\nb\nk=1\r\n", args), "k=0\nb\nk=2\r\n");
        let args = json!({"regexp": "^k=", "line": "k=2", "firstmatch": true});
        assert_eq!(after("k=0\nk=1\n", args), "k=2\nk=1\n");
        assert_eq!(after("a k b\n", json!({"search_string": " k ", "line": "- k -"})), "- k -\n");
    }

    #[test]
    fn backrefs_need_a_match() {
        let args = json!({"regexp": "^(?P<key>k)=(.*)$", "line": r"\g<key> = \2", "backrefs": true});
        assert_eq!(after("k=1\n", args.clone()), "k = 1\n");
        assert_eq!(after("other\n", args), "other\n");
    }

    #[test]
    fn removes_all_that_match() {
        assert_eq!(after("a\nx1\nb\nx2\n", json!({"regexp": "^x", "state": "absent"})), "a\nb\n");
        assert_eq!(after("a\nb\n", json!({"line": "a", "state": "absent"})), "b\n");
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        let plan =
            |args: Value| serde_json::from_value::<Lineinfile>(args).unwrap().plan(&Machine::default());
        let refusal = plan(json!({"path": "/f", "line": "x"})).unwrap_err();
        assert_eq!(refusal.title, "there is no file /f to see to a line of");
        let args = json!({"path": "/f", "line": "x", "create": true, "regexp": "a(?=b)"});
        assert!(plan(args).unwrap_err().help[0].starts_with("not supported yet"));
        assert!(!plan(json!({"path": "/f", "line": "x", "create": true})).unwrap().is_empty());
    }
}
