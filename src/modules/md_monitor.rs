//! `md_monitor`: who is told when an array fails. The arrays themselves are `md_array`'s.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::devices::checked_text;
use super::md_array::{DEBIAN, config};
use super::{Describe, Module, text_file};
use crate::machine::{Machine, Needs};
use crate::plan::{Change, LineEdit, Plan, Refusal, Step};
use crate::tools::mdadm::{self, Told};
use crate::tools::systemctl;

checked_text!(
    /// One address of mail.
    Address,
    |text| {
        if !text.is_empty() && !text.contains(char::is_whitespace) { Ok(()) } else {
            Err(format!("`{text}` is not one address: mdadm writes to one only"))
        }
    }
);
checked_text!(
    /// A program by its absolute path.
    Program,
    |text| {
        if text.starts_with('/') && !text.contains(char::is_whitespace) { Ok(()) } else {
            Err(format!("`{text}` is no absolute path of a program"))
        }
    }
);

/// Says in mdadm.conf whom the monitor of md arrays tells about failures, and has it read that.
///
/// Mail goes through the host's own `sendmail`; mdadm brings none along. What is left out stays as it is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MdMonitor {
    /// To whom it writes: one address. Debian's own is `root`.
    mail: Option<Address>,
    /// As whom it writes.
    from: Option<Address>,
    /// What it starts at every event, with the event, the array and the member as arguments.
    program: Option<Program>,
}

impl Describe for MdMonitor {
    const NAME: &'static str = "md_monitor";
    const EXAMPLE: &'static str = "\
md_monitor:
  mail: storage@example.org
";
}

/// Started by udev with the first array, and so never enabled by anybody.
const UNIT: &str = "mdmonitor.service";

impl Module for MdMonitor {
    fn needs(&self) -> Needs {
        mdadm::CONFIGS.into_iter().fold(Needs::nothing().path(DEBIAN), Needs::content)
    }

    fn plan(&self, machine: &Machine) -> Result<Plan, Refusal> {
        let wanted = [
            (Told::Address, self.mail.as_deref()),
            (Told::From, self.from.as_deref()),
            (Told::Program, self.program.as_deref()),
        ];
        if wanted.iter().all(|(_, value)| value.is_none()) {
            return Err(Refusal::new("nobody is named whom the monitor tells")
                .help("`md_monitor` takes `mail`, `from` and `program`"));
        }
        let path = config(machine);
        let text = String::from_utf8_lossy(text_file::text(machine, path)?.unwrap_or_default());
        let mut edits = Vec::new();
        let mut said = Vec::new();
        for (what, value) in wanted {
            let Some(value) = value else { continue };
            let line = format!("{} {value}", what.keyword());
            let lines = mdadm::parse_told(&text, what);
            // Of several lines mdadm takes the first.
            match lines.first() {
                Some((_, found)) if *found == value => continue,
                Some((old, _)) => {
                    edits.push(LineEdit::Replace { old: (*old).to_owned(), new: line.clone() });
                }
                None => edits.push(LineEdit::Append { line: line.clone() }),
            }
            said.push(line);
        }
        let change = Change::modify("file", path, said.join(", "));
        let mut plan = text_file::lines(machine, path, edits, change)?;
        if let Some(action) = plan.actions.first_mut() {
            action.steps.push(Step::run(systemctl::unit("try-restart", UNIT)));
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::{becomes, host, refused};
    use crate::exec::Kind;
    use crate::machine::files::FileState;

    #[test]
    fn the_first_line_is_changed_and_others_stay() {
        let mut machine = host(1);
        let path = "/etc/mdadm/mdadm.conf";
        let text = b"HOMEHOST <system>\nMAILADDR root\nARRAY /dev/md/a UUID=1\n".to_vec();
        let state = FileState::expected(Kind::File, 0o644, 0, 0, Some(text));
        machine.files.seen.insert(path.into(), Some(state));
        let text = becomes(
            &mut machine,
            "md_monitor",
            &json!({"mail": "ops@example.org", "program": "/usr/local/bin/page"}),
        );
        assert_eq!(
            text,
            "~ file /etc/mdadm/mdadm.conf MAILADDR ops@example.org, PROGRAM /usr/local/bin/page\n    \
             edit /etc/mdadm/mdadm.conf (2 lines)\n    systemctl try-restart -- mdmonitor.service\n"
        );
        let content = machine.files.at(path).and_then(|file| file.content.clone()).unwrap();
        assert_eq!(
            String::from_utf8(content).unwrap(),
            "HOMEHOST <system>\nMAILADDR ops@example.org\nARRAY /dev/md/a UUID=1\nPROGRAM /usr/local/bin/page\n"
        );
        assert!(refused(&machine, "md_monitor", &json!({})).starts_with("nobody is named"));
    }
}
