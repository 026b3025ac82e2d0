//! `sysctl`: kernel settings, now and after a reboot.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::checked_text;
use super::{Describe, Module, text_file};
use crate::machine::kernel::KernelEffect;
use crate::machine::{Machine, Needs, Prediction};
use crate::modules::presence::State;
use crate::plan::{Change, LineEdit, Plan, Refusal, Step};
use crate::tools::sysctl::{self as tool, Setting};

checked_text!(
    /// The key of a kernel setting.
    Key,
    |text| {
        let plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./:@".contains(letter));
        if plain && !text.is_empty() && !text.contains("..") && !text.starts_with(['.', '/']) {
            return Ok(());
        }
        Err(format!("`{text}` is no key of a kernel setting"))
    }
);

/// Sets a kernel setting, now and in a file for the next boot. The value is compared with the kernel's own.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "these are the names of the arguments")]
pub(super) struct Sysctl {
    /// The key, such as `vm.dirty_background_bytes`.
    name: Key,
    /// The value. Needed while `present`.
    value: Option<String>,
    /// `absent` takes it out of the file; the kernel keeps its value until the next boot.
    #[serde(default)]
    state: State,
    /// Whether the value is set now too, and not only at boot.
    #[serde(default = "yes")]
    sysctl_set: bool,
    /// Taken for compatibility: a setting is always set by itself, so nothing has to be loaded again.
    #[serde(default = "yes")]
    reload: bool,
    /// The file.
    #[serde(default = "file")]
    sysctl_file: String,
}

fn yes() -> bool {
    true
}

fn file() -> String {
    "/etc/sysctl.d/90-holdfast.conf".to_owned()
}

/// Settings of which the kernel keeps only one: setting it makes the other 0.
const RIVALS: [[&str; 2]; 2] =
    [["vm.dirty_bytes", "vm.dirty_ratio"], ["vm.dirty_background_bytes", "vm.dirty_background_ratio"]];

impl Describe for Sysctl {
    const NAME: &'static str = "sysctl";
    const ALIASES: &'static [&'static str] = &["ansible.posix.sysctl"];
    const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] = &[("key", "name"), ("val", "value")];
    const EXAMPLE: &'static str = "\
sysctl:
  name: vm.dirty_background_bytes
  value: 268435456
";
}

impl Module for Sysctl {
    fn needs(&self) -> Needs {
        let mut needs = Needs::nothing().content(self.sysctl_file.as_str());
        needs.sysctls.push(self.name.to_string());
        needs.sysctls.extend(self.rival().map(str::to_owned));
        needs
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let name = &*self.name;
        let content = text_file::text(machine, &self.sysctl_file)?.unwrap_or_default();
        let text = String::from_utf8_lossy(content);
        let settings = tool::parse(&text);
        let mine: Vec<&Setting<'_>> =
            settings.iter().filter(|one| tool::path(one.key) == tool::path(name)).collect();
        if self.state == State::Absent {
            let edits = mine.iter().map(|one| LineEdit::Remove { old: one.line.to_owned() }).collect();
            let change = Change::remove("kernel setting", name, &*self.sysctl_file);
            return text_file::lines(machine, &self.sysctl_file, edits, change);
        }
        let value = self
            .value
            .as_deref()
            .map(tool::normal)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Refusal::new(format!("what {name} shall be is not given: `value`")))?;
        let live = self.live(machine)?;
        let mut plan = Plan::empty();
        if let Some(rival) = self.rival().filter(|_| value != "0")
            && let Some(other) = settings.iter().find(|one| one.key == rival && one.value != "0")
        {
            return Err(Refusal::new(format!("{name} and {rival} exclude each other, and both are set"))
                .fact(format!("{} has `{}`", self.sysctl_file, other.line))
                .help(format!("take {rival} out, with `state: absent`")));
        }
        if self.sysctl_set && live != value {
            let change = Change::modify("kernel setting", name, "").attribute(
                "value",
                Some(live.to_owned()),
                Some(value.clone()),
            );
            let put = |name: &str, value: &str| {
                Prediction::Kernel(KernelEffect::Put { name: name.to_owned(), state: Some(value.to_owned()) })
            };
            let mut predicts = vec![put(name, &value)];
            predicts.extend(self.rival().filter(|_| value != "0").map(|rival| put(rival, "0")));
            plan.push(change, [Step::run(tool::write(name, &value))], predicts);
        }
        let line = format!("{name} = {value}");
        let good = mine.iter().rposition(|one| tool::normal(one.value) == value);
        let mut edits = Vec::new();
        for (at, one) in mine.iter().enumerate() {
            let old = one.line.to_owned();
            match good {
                Some(good) if good == at => {}
                None if at == 0 => edits.push(LineEdit::Replace { old, new: line.clone() }),
                _ => edits.push(LineEdit::Remove { old }),
            }
        }
        if mine.is_empty() {
            edits.push(LineEdit::Append { line: line.clone() });
        }
        let change = Change::modify("file", &*self.sysctl_file, line);
        plan.then(text_file::lines(machine, &self.sysctl_file, edits, change)?);
        Ok(plan)
    }
}

impl Sysctl {
    fn rival(&self) -> Option<&'static str> {
        RIVALS.iter().find_map(|pair| {
            let at = pair.iter().position(|key| **key == *self.name)?;
            Some(pair[1 - at])
        })
    }

    fn live<'a>(&self, machine: &'a Machine) -> Result<&'a str, Refusal> {
        let name = &*self.name;
        let module = match name.split('.').collect::<Vec<_>>()[..] {
            ["fs", "nfs", ..] => Some("lockd"),
            ["fs", "xfs", ..] => Some("xfs"),
            ["sunrpc", ..] => Some("sunrpc"),
            ["net", "bridge", ..] => Some("br_netfilter"),
            ["net", "netfilter", ..] => Some("nf_conntrack"),
            ["dev", "raid", ..] => Some("md_mod"),
            _ => None,
        };
        machine.kernel.seen.get(name).and_then(Option::as_deref).ok_or_else(|| {
            let refusal = Refusal::new(format!("the kernel has no setting {name}"));
            match module {
                Some(module) => {
                    refusal.help(format!("it comes with the module {module}, which is not loaded"))
                }
                None => refusal
                    .help(format!("there is no {}; see `sysctl --all` for what there is", tool::path(name))),
            }
        })
    }
}
