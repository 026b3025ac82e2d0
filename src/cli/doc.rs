//! `holdfast doc [MODULE]`: what modules there are and what each takes, out of the same schemas that check arguments.
//! There is no second text that could be wrong. What the controller does itself is described the same way.

mod schema;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde_json::json;

use self::schema::{choices, description, first_line, inner, kind, plain};
use crate::modules::{self, Entry};
use crate::playbook::{self, ActionEntry, Want};
use crate::value::{Map, Value, closest};

/// Arguments of `holdfast doc`.
#[derive(Debug, Clone, clap::Args)]
pub struct Doc {
    /// The module to describe; without it, all are listed
    pub module: Option<String>,
    /// The JSON schema of the arguments instead of text for people
    #[arg(long)]
    pub json: bool,
}

const BOLD: Style = Style::new().bold();
const NAME: Style = AnsiColor::Cyan.on_default();

/// The text to print, colours included; or what is wrong with the question, in two lines at most.
pub fn run(doc: &Doc) -> Result<String, String> {
    let Some(wanted) = &doc.module else {
        return Ok(if doc.json { pretty(&all_schemas()) } else { list() });
    };
    let subject = modules::find(wanted)
        .map(Subject::from)
        .or_else(|| playbook::find_action(wanted).map(Subject::from))
        .ok_or_else(|| unknown(wanted))?;
    Ok(if doc.json { pretty(&subject.schema) } else { page(&subject) })
}

fn subjects() -> impl Iterator<Item = Subject> {
    modules::entries().iter().map(Subject::from).chain(playbook::actions().iter().map(Subject::from))
}

fn unknown(wanted: &str) -> String {
    let names =
        subjects().flat_map(|subject| std::iter::once(subject.name).chain(subject.aliases.iter().copied()));
    let help = closest(wanted, names).map_or_else(
        || "`holdfast doc` lists the modules".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    );
    format!("there is no module `{wanted}`\nhelp: {help}")
}

fn all_schemas() -> Value {
    subjects().map(|subject| (subject.name.to_owned(), subject.schema)).collect::<Map<_, _>>().into()
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn list() -> String {
    let width = subjects().map(|subject| subject.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut here = false;
    for subject in subjects() {
        if subject.here && !here {
            let _ = writeln!(text, "\n{BOLD}done by the controller itself, not on a host{BOLD:#}");
            here = true;
        }
        let _ = writeln!(text, "{NAME}{:width$}{NAME:#}  {}", subject.name, first_line(&subject.schema));
    }
    text.push_str("\n`holdfast doc MODULE` shows what a module takes.\n");
    text
}

/// What a page is made of.
struct Subject {
    name: &'static str,
    aliases: &'static [&'static str],
    free_form: Option<&'static str>,
    example: Option<&'static str>,
    schema: Value,
    /// Other names of arguments.
    others: BTreeMap<String, Vec<&'static str>>,
    /// Whether the controller does it itself.
    here: bool,
}

impl From<&'static Entry> for Subject {
    fn from(entry: &'static Entry) -> Self {
        let own = entry.schema().get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
        Self {
            name: entry.name,
            aliases: entry.aliases,
            free_form: entry.free_form,
            example: Some(entry.example),
            schema: entry.schema().clone(),
            others: own.map(|name| (name.clone(), entry.argument_aliases(name).collect())).collect(),
            here: false,
        }
    }
}

impl From<&'static ActionEntry> for Subject {
    fn from(entry: &'static ActionEntry) -> Self {
        let properties: Map<String, Value> = entry
            .arguments
            .iter()
            .map(|argument| {
                let mut schema = match argument.want {
                    Want::Text | Want::Expression => json!({"type": "string"}),
                    Want::Flag => json!({"type": "boolean"}),
                    Want::Number => json!({"type": "number"}),
                    Want::Anything => json!({}),
                    Want::Conditions => json!({"type": ["string", "array"], "items": {"type": "string"}}),
                };
                schema["description"] = argument.about.into();
                (argument.name.to_owned(), schema)
            })
            .collect();
        let required: Vec<&str> = entry
            .arguments
            .iter()
            .filter(|argument| argument.required)
            .map(|argument| argument.name)
            .collect();
        let schema = json!({
            "description": entry.about,
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": entry.free_names,
        });
        Self {
            name: entry.name,
            aliases: &[],
            free_form: entry.free_form,
            example: None,
            schema,
            others: entry.arguments.iter().map(|one| (one.name.to_owned(), one.aliases.to_vec())).collect(),
            here: true,
        }
    }
}

fn page(subject: &Subject) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#}", subject.name);
    if !subject.aliases.is_empty() {
        let _ = write!(text, " (also {})", subject.aliases.join(", "));
    }
    text.push('\n');
    if let Some(description) = description(&subject.schema) {
        let _ = writeln!(text, "\n{}", indented(description, 2));
    }
    let empty = Map::new();
    let arguments = subject.schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let required: Vec<&str> = subject
        .schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !arguments.is_empty() {
        let _ = writeln!(text, "\n{BOLD}arguments{BOLD:#}");
    }
    // What must be given comes first, whatever the order in the code.
    let (first, rest): (Vec<_>, Vec<_>) =
        arguments.iter().partition(|(name, _)| required.contains(&name.as_str()));
    for (name, schema) in first.into_iter().chain(rest) {
        let others = subject.others.get(name).map_or(&[][..], Vec::as_slice);
        text.push_str(&argument(name, schema, required.contains(&name.as_str()), others));
    }
    if let Some(argument) = subject.free_form {
        let _ = writeln!(text, "\n  Free text after `{}:` goes to `{argument}`.", subject.name);
    }
    if subject.schema.get("additionalProperties") == Some(&Value::Bool(true)) {
        text.push_str("\n  Every other name is taken as it is given.\n");
    }
    if let Some(example) = subject.example {
        let _ = writeln!(text, "\n{BOLD}example{BOLD:#}\n{}", indented(example, 2));
    }
    text
}

fn argument(name: &str, schema: &Value, required: bool, others: &[&str]) -> String {
    let mut text = format!("  {NAME}{name}{NAME:#}");
    for other in others {
        let _ = write!(text, ", {other}");
    }
    let _ = write!(text, ": {}", kind(schema));
    match schema.get("default") {
        _ if required => text.push_str(", required"),
        None | Some(Value::Null) => {}
        Some(Value::Array(items)) if items.is_empty() => {}
        Some(Value::Object(items)) if items.is_empty() => {}
        Some(default) => {
            let _ = write!(text, ", default {}", plain(default));
        }
    }
    text.push('\n');
    if let Some(description) = description(schema) {
        let _ = writeln!(text, "{}", indented(description, 6));
    }
    for (choice, meaning) in choices(schema) {
        if let Some(meaning) = meaning {
            let _ = writeln!(text, "      - {choice}: {}", meaning.replace('\n', " "));
        }
    }
    for (inner, schema) in inner(schema) {
        let meaning =
            description(schema).map(|text| format!(" - {}", text.replace('\n', " "))).unwrap_or_default();
        let _ = writeln!(text, "      {NAME}{inner}{NAME:#}: {}{meaning}", kind(schema));
    }
    text
}

fn indented(text: &str, by: usize) -> String {
    let margin = " ".repeat(by);
    let lines = text
        .trim_end()
        .lines()
        .map(|line| if line.is_empty() { String::new() } else { format!("{margin}{line}") });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    /// Keeps a volume at a size, or absent.
    ///
    /// Growing happens online.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Volume {
        /// Whether it should be there.
        #[serde(default)]
        state: State,
        /// Its name.
        name: String,
        /// Flags for mkfs.
        opts: Option<Vec<String>>,
        /// Disks with their roles.
        #[serde(default)]
        disks: Vec<Disk>,
        /// Percent of the group.
        #[serde(default = "half")]
        share: u32,
        resize: Option<bool>,
    }

    fn half() -> u32 {
        50
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Disk {
        /// How to find it.
        path: String,
    }

    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum State {
        /// It is there.
        #[default]
        Present,
        /// It is not.
        Absent,
    }

    #[test]
    fn a_page_answers_what_to_write() {
        let settings =
            schemars::generate::SchemaSettings::draft2020_12().with(|with| with.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<Volume>().to_value();
        let page = page(&Subject {
            name: "volume",
            aliases: &["lvol"],
            free_form: Some("name"),
            example: Some("- name: images\n  volume:\n    name: images"),
            schema,
            others: BTreeMap::from([("name".to_owned(), vec!["lv"])]),
            here: false,
        });
        insta::assert_snapshot!(anstream::adapter::strip_str(&page).to_string());
    }

    #[test]
    fn what_the_controller_does_itself_has_a_page_too() {
        let page = run(&Doc { module: Some("ansible.builtin.assert".into()), json: false }).unwrap();
        insta::assert_snapshot!(anstream::adapter::strip_str(&page).to_string(), @r"
        assert

          Fails unless all conditions hold.

        arguments
          that: text or list of text, required
              A condition, or a list of them.
          fail_msg, msg: anything
              Told when one does not hold.
          success_msg: anything
              Told when all hold.
          quiet: yes or no
              Whether to keep the conditions out of the result.
        ");
    }

    #[test]
    fn every_module_has_a_page_with_an_example_and_a_line_in_the_list() {
        let list = list();
        for subject in subjects() {
            let page = run(&Doc { module: Some(subject.name.to_owned()), json: false }).unwrap();
            let example = subject.example.unwrap_or_default().trim().lines().next().unwrap_or_default();
            assert!(page.contains(example), "{page}");
            assert!(!first_line(&subject.schema).is_empty(), "`{}` has no description", subject.name);
            assert!(list.contains(first_line(&subject.schema)));
        }
        let no = run(&Doc { module: Some("nonesuch".into()), json: false }).unwrap_err();
        assert_eq!(no, "there is no module `nonesuch`\nhelp: `holdfast doc` lists the modules");
    }
}
