//! `holdfast doc [MODULE]`: what modules there are and what each takes, out of the same schemas that check arguments.
//! There is no second text that could be wrong.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use crate::modules::{self, Entry};
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
        return Ok(if doc.json { json(&all_schemas()) } else { list(modules::entries()) });
    };
    let entry = modules::find(wanted).ok_or_else(|| unknown(wanted, modules::entries()))?;
    Ok(if doc.json { json(entry.schema()) } else { page(&Subject::from(entry)) })
}

fn unknown(wanted: &str, entries: &[Entry]) -> String {
    let names =
        entries.iter().flat_map(|entry| std::iter::once(entry.name).chain(entry.aliases.iter().copied()));
    let help = closest(wanted, names).map_or_else(
        || "`holdfast doc` lists the modules".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    );
    format!("there is no module `{wanted}`\nhelp: {help}")
}

fn all_schemas() -> Value {
    let all: Map<String, Value> =
        modules::entries().iter().map(|entry| (entry.name.to_owned(), entry.schema().clone())).collect();
    Value::Object(all)
}

fn json(value: &Value) -> String {
    format!("{value:#}\n")
}

fn list(entries: &[Entry]) -> String {
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for entry in entries {
        let line = first_line(entry.schema());
        let _ = writeln!(text, "{NAME}{:width$}{NAME:#}  {line}", entry.name);
    }
    text.push_str("\n`holdfast doc MODULE` shows what a module takes.\n");
    text
}

/// What a page is made of.
struct Subject<'a> {
    name: &'a str,
    aliases: &'a [&'a str],
    free_form: Option<&'a str>,
    example: &'a str,
    schema: &'a Value,
    /// Other names of an argument.
    others: Box<dyn Fn(&str) -> Vec<&'a str> + 'a>,
}

impl From<&'static Entry> for Subject<'static> {
    fn from(entry: &'static Entry) -> Self {
        Self {
            name: entry.name,
            aliases: entry.aliases,
            free_form: entry.free_form,
            example: entry.example,
            schema: entry.schema(),
            others: Box::new(|name| entry.argument_aliases(name).collect()),
        }
    }
}

fn page(subject: &Subject<'_>) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#}", subject.name);
    if !subject.aliases.is_empty() {
        let _ = write!(text, " (also {})", subject.aliases.join(", "));
    }
    text.push('\n');
    if let Some(description) = description(subject.schema) {
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
        text.push_str(&argument(name, schema, required.contains(&name.as_str()), &(subject.others)(name)));
    }
    if let Some(argument) = subject.free_form {
        let _ = writeln!(text, "\n  Free text after `{}:` goes to `{argument}`.", subject.name);
    }
    let _ = writeln!(text, "\n{BOLD}example{BOLD:#}\n{}", indented(subject.example, 2));
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

fn description(schema: &Value) -> Option<&str> {
    let own = schema.get("description").and_then(Value::as_str);
    // `Option<T>` keeps the description of a type one level down.
    own.or_else(|| alternatives(schema).find_map(|each| each.get("description").and_then(Value::as_str)))
}

fn first_line(schema: &Value) -> &str {
    description(schema).and_then(|text| text.lines().next()).unwrap_or("")
}

fn alternatives(schema: &Value) -> impl Iterator<Item = &Value> {
    ["anyOf", "oneOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten()
}

/// Fixed words an argument can be, with what each means where that is written down.
fn choices(schema: &Value) -> Vec<(String, Option<&str>)> {
    let listed = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let mut all: Vec<(String, Option<&str>)> =
        listed.filter(|choice| !choice.is_null()).map(|choice| (plain(choice), None)).collect();
    if let Some(only) = schema.get("const") {
        all.push((plain(only), schema.get("description").and_then(Value::as_str)));
    }
    all.extend(alternatives(schema).flat_map(choices));
    all
}

/// The fields of a mapping, or of the mappings in a list.
fn inner(schema: &Value) -> Vec<(&String, &Value)> {
    let own = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let items = schema.get("items").into_iter().flat_map(inner);
    own.chain(items).chain(alternatives(schema).flat_map(inner)).collect()
}

/// `text`, `number`, `list of text`, `present or absent`.
fn kind(schema: &Value) -> String {
    let choices = choices(schema);
    if !choices.is_empty() {
        let mut words: Vec<String> = choices.into_iter().map(|(word, _)| word).collect();
        words.dedup();
        return words.join(" | ");
    }
    let words: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut said: Vec<String> =
        words.into_iter().filter(|word| *word != "null").map(|word| said(word, schema)).collect();
    for each in alternatives(schema).filter(|each| each.get("type").is_none_or(|kind| kind != "null")) {
        said.push(kind(each));
    }
    said.dedup();
    if said.is_empty() { "anything".to_owned() } else { said.join(" or ") }
}

fn said(word: &str, schema: &Value) -> String {
    match word {
        "string" => "text".to_owned(),
        "integer" => "whole number".to_owned(),
        "boolean" => "yes or no".to_owned(),
        "object" => "mapping".to_owned(),
        "array" => match schema.get("items") {
            Some(each) => format!("list of {}", kind(each)),
            None => "list".to_owned(),
        },
        other => other.to_owned(),
    }
}

/// A value as one would write it in a playbook.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
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
            example: "- name: images\n  volume:\n    name: images",
            schema: &schema,
            others: Box::new(|name| if name == "name" { vec!["lv"] } else { Vec::new() }),
        });
        insta::assert_snapshot!(anstream::adapter::strip_str(&page).to_string());
    }

    #[test]
    fn every_module_has_a_page_with_an_example_and_a_line_in_the_list() {
        let list = list(modules::entries());
        for entry in modules::entries() {
            let page = run(&Doc { module: Some(entry.name.to_owned()), json: false }).unwrap();
            assert!(page.contains(entry.example.trim().lines().next().unwrap()), "{page}");
            assert!(!first_line(entry.schema()).is_empty(), "`{}` has no description", entry.name);
            assert!(list.contains(first_line(entry.schema())));
        }
        let no = run(&Doc { module: Some("nonesuch".into()), json: false }).unwrap_err();
        assert_eq!(no, "there is no module `nonesuch`\nhelp: `holdfast doc` lists the modules");
    }
}
