//! A call's arguments in all their notations, and whether the module can take them, as far as that is known before a
//! template is rendered.

use super::call::{Does, ModuleCall};
use super::loader::Loader;
use super::schema;
use super::setting::{has_template, is_literal};
use super::words::{self, Word};
use crate::diagnostic::{Diagnostic, Span};
use crate::modules::{self, BadArgument, coerce};
use crate::value::{Map, Value, closest};
use crate::yaml::{Key, Mapping, Node, Yaml};

/// Modules whose free text is a command line, from which only [`LIFTED`] is taken.
const COMMANDS: &[&str] = &["command", "shell", "raw", "script"];

/// Source: ansible-core 2.19, `RAW_PARAM_MODULES` and `parse_kv`.
const LIFTED: &[&str] =
    &["creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"];

impl Loader<'_> {
    pub(super) fn wrong_args(&mut self, key: &Key, node: &Node) {
        if node.as_str().is_some_and(has_template) {
            self.complain(
                Diagnostic::new("arguments that are one template are not supported yet")
                    .at(&node.span, "has to be a mapping")
                    .help("write the arguments out; their values may be templates"),
            );
        } else {
            self.wrong(key, node, "a mapping of arguments");
        }
    }

    /// The arguments as a mapping, whatever way they were written.
    pub(super) fn arguments(&mut self, does: Does, span: &Span, node: &Node) -> Option<Mapping> {
        let key = Key { name: does.name().to_owned(), span: span.clone() };
        match &node.value {
            Yaml::Map(map) => Some(map.clone()),
            Yaml::Null => Some(Mapping::default()),
            Yaml::Str(text) => self.line(does, &key, node, text),
            _ => {
                self.wrong(&key, node, "a mapping of arguments");
                None
            }
        }
    }

    /// Arguments written as one line.
    fn line(&mut self, does: Does, key: &Key, node: &Node, text: &str) -> Option<Mapping> {
        let words = match words::split(text) {
            Ok(words) => words,
            // A shell may close a quote in a way of its own; it gets the text as it is.
            Err(_) if COMMANDS.contains(&does.name()) => Vec::new(),
            Err(problem) => {
                self.complain(
                    Diagnostic::new(format!("the arguments of `{}` cannot be split: {problem}", key.name))
                        .at(&node.span, problem)
                        .help("write the arguments as a mapping"),
                );
                return None;
            }
        };
        let command = COMMANDS.contains(&does.name());
        let lifted: Vec<&Word> = words
            .iter()
            .filter(|word| {
                word.pair.as_ref().is_some_and(|(key, _)| !command || LIFTED.contains(&key.as_str()))
            })
            .collect();
        let mut args = Mapping::default();
        for word in &lifted {
            let Some((name, value)) = &word.pair else { continue };
            let whole = node.span.find(&text[word.range.clone()]);
            args.entries.push((
                Key { name: name.clone(), span: whole.find(name) },
                Node { value: Yaml::Str(value.clone()), span: whole, tag: None },
            ));
        }
        let rest = words::without(text, &lifted);
        if rest.is_empty() {
            return Some(args);
        }
        match does.free_form() {
            Some(name) => args.entries.push((
                Key { name: name.to_owned(), span: key.span.clone() },
                Node { value: Yaml::Str(rest.clone()), span: node.span.find(&rest), tag: node.tag.clone() },
            )),
            None if lifted.is_empty() && has_template(&rest) => {
                self.wrong_args(key, node);
                return None;
            }
            None => {
                self.complain(
                    Diagnostic::new(format!("`{}` takes no free text", key.name))
                        .at(&node.span.find(&rest), "not `name=value`")
                        .help("write the arguments as a mapping"),
                );
                return None;
            }
        }
        Some(args)
    }

    /// Whether the module can take these arguments, as far as that is known before rendering.
    pub(super) fn check_call(&mut self, call: &ModuleCall) {
        if let Does::Remote(entry) = call.does {
            let written = call.args.entries.iter().filter(|(_, node)| is_literal(node));
            written.filter(|(key, _)| entry.is_secret(&key.name)).for_each(|(_, node)| node.span.hide());
        }
        let args = call.args.to_map();
        let literal = |name: &str| call.args.get(name).is_some_and(is_literal);
        match call.does {
            Does::Controller(entry) => {
                for (key, node) in &call.args.entries {
                    if entry.is_raw(&key.name) {
                        let all = node.as_list().unwrap_or(std::slice::from_ref(node));
                        for one in all {
                            self.lint_condition(one);
                        }
                    } else {
                        self.lint(node);
                        if entry.free_names && entry.argument(&key.name).is_none() {
                            self.check_variable(&key.name, &key.span);
                        }
                    }
                }
                for bad in entry.check(&args, literal) {
                    self.bad_argument(call, &bad);
                }
            }
            Does::Remote(entry) => {
                self.lint_all(&call.args);
                for bad in check_remote(entry, &args, literal) {
                    self.bad_argument(call, &bad);
                }
            }
        }
    }

    fn bad_argument(&mut self, call: &ModuleCall, bad: &BadArgument) {
        let mut complaint = Diagnostic::new(bad.message.clone());
        let written = bad.argument.as_deref();
        let entry = written.and_then(|name| {
            call.args
                .entries
                .iter()
                .find(|(key, _)| key.name == name || call.does.own_name(&key.name) == name)
        });
        complaint = match entry {
            Some((key, node)) if bad.message.contains("has no argument") || node.is_null() => {
                complaint.at(&key.span, if node.is_null() { "no value" } else { "no such argument" })
            }
            Some((key, node)) if matches!(node.value, Yaml::List(_) | Yaml::Map(_)) => {
                complaint.at(&key.span, "this argument")
            }
            Some((_, node)) => complaint.at(&node.span, ""),
            None => complaint.at(&call.span, "in this call"),
        };
        if let Some(help) = &bad.help {
            complaint = complaint.help(help.clone());
        }
        self.complain(complaint);
    }
}

/// What is wrong with a module's arguments: names, missing ones, and literal values.
fn check_remote(
    entry: &modules::Entry,
    args: &Map<String, Value>,
    literal: impl Fn(&str) -> bool,
) -> Vec<BadArgument> {
    let fitted = match coerce(entry, args) {
        Ok(fitted) => fitted,
        Err(bad) => return bad,
    };
    let known: Vec<&String> = args.keys().filter(|name| literal(name)).collect();
    let mut bad = Vec::new();
    for written in &known {
        let own = entry.own_name(written);
        if let (Some(given), Some(wanted)) = (fitted.get(own), entry.property(own))
            && let Some(message) = schema::complain(own, given, wanted)
        {
            let words = schema::words(wanted);
            let meant = given.as_str().and_then(|given| closest(given, words.iter().copied()));
            bad.push(BadArgument {
                argument: Some((*written).clone()),
                message,
                help: meant.map(|meant| format!("did you mean `{meant}`?")),
            });
        }
    }
    if bad.is_empty() && known.len() == args.len() {
        for mut one in entry.decode(args).err().unwrap_or_default() {
            // serde names the value it could not take, not the argument.
            let quoted = |value: &Value| value.as_str().map(|text| format!("`{text}`"));
            let guilty = args.iter().find(|(name, value)| {
                one.message.contains(&format!("`{name}`"))
                    || quoted(value).is_some_and(|text| one.message.contains(&text))
            });
            one.argument = one.argument.or_else(|| guilty.map(|(name, _)| name.clone()));
            bad.push(one);
        }
    }
    bad
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::{Machine, Needs};
    use crate::modules::{Describe, Module};
    use crate::plan::{Plan, Refusal};
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    /// A module with an argument of each kind.
    #[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        path: String,
        #[serde(default)]
        state: State,
        #[serde(default)]
        force: bool,
        size: Option<u64>,
        #[serde(default)]
        disks: Vec<String>,
    }

    #[derive(Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum State {
        #[default]
        Present,
        Absent,
    }

    impl Module for Sample {
        fn needs(&self) -> Needs {
            Needs::default()
        }

        fn plan(&self, _: &Machine) -> Result<Plan, Refusal> {
            Ok(Plan::default())
        }
    }

    impl Describe for Sample {
        const NAME: &'static str = "sample";
        const ARGUMENT_ALIASES: &'static [(&'static str, &'static str)] = &[("dest", "path")];
        const EXAMPLE: &'static str = "";
    }

    fn check(args: Value) -> Vec<(Option<String>, String, Option<String>)> {
        let entry: &'static modules::Entry = Box::leak(Box::new(modules::Entry::of::<Sample>()));
        let Value::Object(args) = args else { panic!("arguments are a mapping") };
        let literal = |name: &str| !args[name].as_str().is_some_and(has_template);
        check_remote(entry, &args, literal)
            .into_iter()
            .map(|bad| (bad.argument, bad.message, bad.help))
            .collect()
    }

    fn first(args: Value) -> (String, String) {
        let (argument, message, _) = check(args).into_iter().next().expect("something is wrong with them");
        (argument.unwrap_or_default(), message)
    }

    #[test]
    fn takes_what_is_right_or_not_known_yet() {
        assert_eq!(check(json!({"dest": "/a", "force": "yes", "size": "4", "disks": "a,b"})), []);
        assert_eq!(
            check(json!({"path": "{{ p }}", "state": "{{ s }}", "force": "{{ f }}", "size": "{{ n }}"})),
            []
        );
    }

    #[test]
    fn names_the_argument_and_what_it_takes() {
        let own = |argument: &str, message: &str| (argument.to_owned(), message.to_owned());
        assert_eq!(
            first(json!({"paht": "/a", "path": "/a"})),
            own("paht", "`sample` has no argument `paht`")
        );
        assert_eq!(first(json!({})), own("", "`sample` needs the argument `path`"));
        assert_eq!(
            first(json!({"dest": "{{ x }}", "state": "absnt"})),
            own("state", "`state` cannot be `absnt`; it is one of present, absent")
        );
        assert_eq!(
            first(json!({"dest": "{{ x }}", "force": "maybe"})),
            own("force", "`force` takes a boolean, not a string")
        );
        assert_eq!(
            first(json!({"dest": ["a"], "size": 1})),
            own("dest", "`path` takes a string, not a list")
        );
        assert_eq!(
            check(json!({"path": "/a", "state": "absnt"}))[0].2.as_deref(),
            Some("did you mean `absent`?")
        );
    }

    #[test]
    fn asks_the_module_itself_when_everything_is_known() {
        let (argument, message) = first(json!({"path": "/a", "size": -1}));
        assert!(message.contains("-1"), "{message}");
        assert_eq!(argument, "");
    }
}
