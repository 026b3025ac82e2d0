//! `template`: a file with rendered content. The controller renders `src` and sends the text; here it is a `copy`.

use serde::{Deserialize, Serialize};

use super::ownership::{Mode, Ownership};
use super::placement::Placement;
use super::{Describe, Done, Module, paths};
use crate::machine::{Machine, Needs};
use crate::plan::{Failure, Plan, Refusal};
use crate::value::{Map, Value};

/// Renders a template of the controller and puts the text in place.
#[derive(Debug, Clone, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The template, on the controller.
    pub src: String,
    /// Where the text goes: the file, or a directory (one that is there, or any that ends with `/`).
    pub dest: String,
    /// The rendered text; filled in by the controller.
    pub content: Option<String>,
    /// The template's name; filled in by the controller.
    #[serde(rename = "_original_basename")]
    pub original_basename: Option<String>,
    /// Permissions: `"0644"` or `u=rw,g=r,o=`.
    pub mode: Option<Mode>,
    /// Owner, by name or number.
    pub owner: Option<String>,
    /// Group, by name or number.
    pub group: Option<String>,
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

impl Describe for Template {
    const NAME: &'static str = "template";
    const EXAMPLE: &'static str = "\
- name: who may mount what
  template:
    src: exports.j2
    dest: /etc/exports.d/data.exports
    owner: root
    group: root
    mode: \"0644\"
";
}

impl Template {
    fn placement(&self) -> Placement<'_> {
        Placement {
            dest: &self.dest,
            basename: Some(self.original_basename.as_deref().unwrap_or(paths::name(&self.src))),
            make_folders: false,
            ownership: Ownership {
                owner: self.owner.as_deref(),
                group: self.group.as_deref(),
                mode: self.mode.as_ref(),
            },
            directory_mode: None,
            backup: self.backup,
            force: self.force.unwrap_or(true),
            follow: self.follow,
            validate: self.validate.as_deref(),
        }
    }

    fn text(&self) -> Result<&str, Refusal> {
        self.content
            .as_deref()
            .ok_or_else(|| Refusal::new(format!("the controller did not send the text of {}", self.src)))
    }
}

impl Module for Template {
    fn needs(&self) -> Needs {
        self.placement().needs()
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        self.placement().plan(machine, self.text()?.as_bytes())
    }

    fn result(&self, done: &Done<'_>) -> Result<Map<String, Value>, Failure> {
        let text = self.text().map_err(|refusal| Failure::new(refusal.title))?;
        let mut result = self.placement().result(done, text.as_bytes());
        result.insert("src".to_owned(), self.src.as_str().into());
        Ok(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Kind;
    use crate::machine::files::FileState;

    #[test]
    fn keeps_its_name_in_a_directory() {
        let args = r#"{"src": "a.conf.j2", "dest": "/etc", "content": "x"}"#;
        let template: Template = serde_json::from_str(args).unwrap();
        let mut machine = Machine::default();
        let folder = FileState::expected(Kind::Directory, 0o755, 0, 0, None);
        machine.files.seen.insert("/etc".into(), Some(folder));
        assert_eq!(template.plan(&machine).unwrap().actions[0].change.name, "/etc/a.conf.j2");
    }
}
