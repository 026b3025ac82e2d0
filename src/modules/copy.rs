//! `copy`: a file with this content. What is local to the controller it has put into `content` or `content_base64`.

use base64::Engine;
use serde::{Deserialize, Serialize};

use super::ownership::{Mode, Ownership};
use super::placement::Placement;
use super::{Describe, Done, Module, paths};
use crate::exec::Kind;
use crate::machine::{Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::units::Size;
use crate::value::{Map, Value};

/// Puts a file in place, from the controller, from the host itself, or as text.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Copy {
    /// Where it goes: the file, or a directory (one that is there, or any that ends with `/`).
    pub dest: String,
    /// The file on the controller; with `remote_src`, on the host.
    pub src: Option<String>,
    /// The content itself, instead of `src`.
    pub content: Option<String>,
    /// The content of a local `src` that is no text; filled in by the controller.
    pub content_base64: Option<String>,
    /// The name of a local `src`; filled in by the controller.
    #[serde(rename = "_original_basename")]
    pub original_basename: Option<String>,
    /// `src` is a path on the host.
    #[serde(default)]
    pub remote_src: bool,
    /// Permissions: `"0644"`, `u=rw,g=r,o=`, or `preserve` with `remote_src`.
    pub mode: Option<Mode>,
    /// Owner, by name or number.
    pub owner: Option<String>,
    /// Group, by name or number.
    pub group: Option<String>,
    /// Permissions of the directories that are made for a `dest` that ends with `/`.
    pub directory_mode: Option<Mode>,
    /// Keeps the old content beside the new file, as `PATH.TIME~`.
    #[serde(default)]
    pub backup: bool,
    /// Whether a file that is there with other content is replaced. Default: true.
    pub force: Option<bool>,
    /// Whether a link at `dest` stays, and what it leads to is replaced. Default: false.
    #[serde(default)]
    pub follow: bool,
    /// A command that judges the new content before it is put in place; `%s` is its path.
    pub validate: Option<String>,
}

impl Describe for Copy {
    const NAME: &'static str = "copy";
    const EXAMPLE: &'static str = "\
- name: say who looks after this host
  copy:
    content: \"managed by holdfast\\n\"
    dest: /etc/motd
    owner: root
    group: root
    mode: \"0644\"
";
}

impl Copy {
    fn preserves(&self) -> bool {
        matches!(&self.mode, Some(Mode::Text(text)) if text == "preserve")
    }

    fn placement<'a>(&'a self, mode: Option<&'a Mode>) -> Placement<'a> {
        let given = self.original_basename.as_deref();
        Placement {
            dest: &self.dest,
            basename: given.or(self.src.as_deref().map(|src| paths::name(src.trim_end_matches('/')))),
            ownership: Ownership { owner: self.owner.as_deref(), group: self.group.as_deref(), mode },
            directory_mode: self.directory_mode.as_ref(),
            make_folders: false,
            backup: self.backup,
            force: self.force.unwrap_or(true),
            follow: self.follow,
            validate: self.validate.as_deref(),
        }
    }

    fn remote(&self) -> Option<String> {
        self.src.as_deref().filter(|_| self.remote_src).map(paths::tidy)
    }

    fn mode(&self, machine: &Machine) -> Option<Mode> {
        if !self.preserves() {
            return self.mode.clone();
        }
        let source = self.remote()?;
        machine.files.follow(&source).1.map(|state| Mode::Text(format!("{:04o}", state.stat.mode)))
    }

    fn bytes(&self, machine: &Machine) -> Result<Vec<u8>, Refusal> {
        if let Some(source) = self.remote() {
            paths::absolute("src", &source)?;
            return match machine.files.follow(&source).1 {
                None => Err(Refusal::new(format!("there is no file {source} on this host to copy"))),
                Some(state) => match (&state.content, state.stat.kind) {
                    (Some(content), _) => Ok(content.clone()),
                    (None, Kind::File) => Err(Refusal::new(format!(
                        "not supported yet: copying {source}, which has {}, or may not be read",
                        Size(state.stat.size)
                    ))),
                    (None, _) => Err(Refusal::new(format!(
                        "not supported yet: copying {} with `remote_src` ({source})",
                        state.stat.kind.name()
                    ))),
                },
            };
        }
        match (&self.content, &self.content_base64) {
            (Some(content), None) => Ok(content.as_bytes().to_vec()),
            (None, Some(encoded)) => base64::engine::general_purpose::STANDARD
                .decode(encoded)
                .map_err(|error| Refusal::new(format!("`content_base64` is not base64: {error}"))),
            (Some(_), Some(_)) => Err(Refusal::new("`content` and `content_base64` are both given")),
            (None, None) => Err(Refusal::new(format!("nothing says what {} is to hold", self.dest))
                .help("give `content`, or `src`")),
        }
    }
}

impl Module for Copy {
    fn needs(&self) -> Needs {
        let mode = self.mode.as_ref().filter(|_| !self.preserves());
        let needs = self.placement(mode).needs();
        match self.remote() {
            Some(source) => needs.content(source),
            None => needs,
        }
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        if self.preserves() && !self.remote_src {
            return Err(Refusal::new("not supported yet: `mode: preserve` for a file of the controller"));
        }
        let content = self.bytes(machine)?;
        self.placement(self.mode(machine).as_ref()).plan(machine, &content)
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        let content = self.bytes(done.before).map_err(|refusal| Failure::new(refusal.title))?;
        let mut result = self.placement(None).result(done, &content);
        if let Some(src) = &self.src {
            result.insert("src".to_owned(), src.as_str().into());
        }
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::files::FileState;
    use crate::plan::Step;

    fn machine(states: &[(&str, FileState)]) -> Machine {
        let mut machine = Machine::default();
        let seen = states.iter().map(|(path, state)| ((*path).to_owned(), Some(state.clone())));
        machine.files.seen.extend(seen);
        machine
    }

    fn folder() -> FileState {
        FileState::expected(Kind::Directory, 0o755, 0, 0, None)
    }

    fn text(content: &str) -> FileState {
        FileState::expected(Kind::File, 0o600, 0, 0, Some(content.into()))
    }

    fn copy(args: &str) -> Copy {
        serde_json::from_str(args).unwrap()
    }

    fn shown(plan: &Plan) -> Vec<String> {
        plan.actions.iter().flat_map(|action| &action.steps).map(Step::shown).collect()
    }

    #[test]
    fn writes_only_what_differs() {
        let machine = machine(&[("/etc", folder()), ("/etc/motd", text("old\n"))]);
        let plan = copy(r#"{"dest": "/etc/motd", "content": "new\n"}"#).plan(&machine).unwrap();
        assert_eq!(shown(&plan), ["write /etc/motd (4 bytes)"]);
        assert_eq!(plan.actions[0].change.text, Some(("old\n".into(), "new\n".into())));
        let plan =
            copy(r#"{"dest": "/etc/motd", "content": "old\n", "mode": "0644"}"#).plan(&machine).unwrap();
        assert_eq!(shown(&plan), ["set mode 0644 of /etc/motd"]);
        assert!(copy(r#"{"dest": "/etc/motd", "content": "old\n"}"#).plan(&machine).unwrap().is_empty());
        let kept = copy(r#"{"dest": "/etc/motd", "content": "new\n", "force": false}"#);
        assert!(kept.plan(&machine).unwrap().is_empty());
    }

    #[test]
    fn goes_into_directories_and_makes_them_for_a_slash() {
        let machine = machine(&[("/etc", folder()), ("/etc/d", folder())]);
        let plan = copy(r#"{"dest": "/etc/d", "src": "files/a", "content": ""}"#).plan(&machine).unwrap();
        assert_eq!(shown(&plan), ["write /etc/d/a (0 bytes)"]);
        let plan =
            copy(r#"{"dest": "/etc/new/", "src": "a", "content_base64": "AAE="}"#).plan(&machine).unwrap();
        assert_eq!(shown(&plan), ["make directory /etc/new", "write /etc/new/a (2 bytes)"]);
        assert_eq!(plan.actions[1].change.text, None);
        let refusal = copy(r#"{"dest": "/none/a", "content": ""}"#).plan(&machine).unwrap_err();
        assert_eq!(refusal.title, "/none/a cannot be made: there is no directory /none");
    }

    #[test]
    fn validates_before_it_writes() {
        let machine = machine(&[("/etc", folder())]);
        let args = r#"{"dest": "/etc/sudoers", "content": "x", "validate": "visudo -cf %s"}"#;
        let steps = shown(&copy(args).plan(&machine).unwrap());
        assert_eq!(steps, ["validate /etc/sudoers with visudo -cf %s", "write /etc/sudoers (1 bytes)"]);
        assert!(copy(r#"{"dest": "/etc/a", "content": "x", "validate": "true"}"#).plan(&machine).is_err());
    }

    #[test]
    fn copies_what_an_earlier_task_left_on_the_host() {
        let machine = machine(&[("/etc", folder()), ("/etc/a", text("a"))]);
        let args = r#"{"dest": "/etc/b", "src": "/etc/a", "remote_src": true, "mode": "preserve"}"#;
        let plan = copy(args).plan(&machine).unwrap();
        let [Step::Write { metadata, .. }] = plan.actions[0].steps.as_slice() else { panic!("{plan:?}") };
        assert_eq!(metadata.mode, Some(0o600));
    }
}
