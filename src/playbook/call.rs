//! Which module a task calls, and whether it can take these arguments; all that can be known before a template is
//! rendered.

use super::actions::{ActionEntry, actions, find_action};
use super::ansible;
use super::keywords::Place;
use super::loader::Loader;
use super::schema;
use super::setting::{has_template, is_literal};
use super::task::Task;
use super::words::{self, Word};
use crate::diagnostic::{Diagnostic, Span};
use crate::modules::{self, BadArgument, coerce};
use crate::value::{Map, Value, closest};
use crate::yaml::{Key, Mapping, Node, Yaml};

/// A module with its arguments.
#[derive(Debug, Clone)]
pub struct ModuleCall {
    /// Its name as written, such as `ansible.builtin.copy`.
    pub written: String,
    pub does: Does,
    /// Arguments by the names they were written with; free text is already under its argument's name.
    pub args: Mapping,
    /// The module's name.
    pub span: Span,
}

/// Who does it.
#[derive(Debug, Clone, Copy)]
pub enum Does {
    /// An agent, on the host.
    Remote(&'static modules::Entry),
    /// The engine, here.
    Controller(&'static ActionEntry),
}

impl Does {
    /// The module of that name.
    pub fn find(name: &str) -> Option<Self> {
        modules::find(name).map(Self::Remote).or_else(|| find_action(name).map(Self::Controller))
    }

    /// Its own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Remote(entry) => entry.name,
            Self::Controller(entry) => entry.name,
        }
    }

    fn free_form(self) -> Option<&'static str> {
        match self {
            Self::Remote(entry) => entry.free_form,
            Self::Controller(entry) => entry.free_form,
        }
    }

    fn own_name(self, written: &str) -> &str {
        match self {
            Self::Remote(entry) => entry.own_name(written),
            Self::Controller(_) => written,
        }
    }
}

/// Modules whose free text is a command line, from which only [`LIFTED`] is taken.
const COMMANDS: &[&str] = &["command", "shell", "raw", "script"];

/// Source: ansible-core 2.19, `RAW_PARAM_MODULES` and `parse_kv`.
const LIFTED: &[&str] =
    &["creates", "removes", "chdir", "executable", "warn", "stdin", "stdin_add_newline", "strip_empty_ends"];

/// A module's name, where it stands, and its arguments as written.
struct Written<'n> {
    name: String,
    span: Span,
    args: &'n Node,
    /// What is left of an `action:` line after the module's name.
    line: Option<Node>,
}

impl Loader<'_> {
    /// The one module a task calls.
    pub(super) fn call(&mut self, map: &Mapping, place: Place) -> Option<ModuleCall> {
        let mut unknown = false;
        let mut calls: Vec<Written<'_>> = Vec::new();
        for (key, node) in &map.entries {
            if matches!(key.name.as_str(), "action" | "local_action") {
                let written = self.action(key, node);
                unknown |= written.is_none();
                calls.extend(written);
            } else if !place.knows(&key.name) {
                if Does::find(&key.name).is_some() || ansible::has_module(&key.name) {
                    calls.push(Written {
                        name: key.name.clone(),
                        span: key.span.clone(),
                        args: node,
                        line: None,
                    });
                } else {
                    unknown = true;
                    let complaint = self.unknown(key, place);
                    self.complain(complaint);
                }
            }
        }
        let mut calls = calls.into_iter();
        let Some(written) = calls.next() else {
            if !unknown {
                let at = map.entries.first().map(|(key, _)| key.span.clone());
                let complaint = Diagnostic::new("this task calls no module");
                self.complain(match at {
                    Some(span) => complaint.at(&span, "nothing to do"),
                    None => complaint,
                });
            }
            return None;
        };
        if let Some(second) = calls.next() {
            self.complain(
                Diagnostic::new(format!(
                    "this task calls two modules, `{}` and `{}`",
                    written.name, second.name
                ))
                .at(&second.span, "the second")
                .note(&written.span, "the first")
                .help("write a task for each"),
            );
        }
        let Some(does) = Does::find(&written.name) else {
            self.complain(
                Diagnostic::new(format!("module `{}` is not supported yet", written.name))
                    .at(&written.span, "Ansible has it, holdfast does not")
                    .help("`holdfast doc` lists the modules"),
            );
            return None;
        };
        let mut args = match &written.line {
            Some(line) => self.arguments(does, &written.span, line),
            None => self.arguments(does, &written.span, written.args),
        }?;
        if let (Some(key), Some(more)) = (map.key("args"), map.get("args")) {
            match &more.value {
                Yaml::Map(more) => {
                    let missing = more.entries.iter().filter(|(key, _)| args.get(&key.name).is_none());
                    args.entries.extend(missing.cloned().collect::<Vec<_>>());
                }
                Yaml::Null => {}
                _ => self.wrong_args(key, more),
            }
        }
        let call = ModuleCall { written: written.name, does, args, span: written.span };
        self.check_call(&call);
        Some(call)
    }

    fn unknown(&self, key: &Key, place: Place) -> Diagnostic {
        let misplaced = place.complain(key);
        if !misplaced.help.is_empty() && !misplaced.help[0].starts_with("did you mean") {
            return misplaced;
        }
        let ours =
            modules::entries().iter().map(|entry| entry.name).chain(actions().iter().map(|entry| entry.name));
        let known: Vec<&str> = place.all().chain(ours).chain(ansible::modules()).collect();
        Diagnostic::new(format!("unknown keyword or module `{}`", key.name))
            .at(&key.span, "neither a keyword of a task nor a module")
            .did_you_mean(&key.name, known)
    }

    /// `action: copy src=a` and `action: {module: copy, src: a}`.
    fn action<'n>(&mut self, key: &Key, node: &'n Node) -> Option<Written<'n>> {
        match &node.value {
            Yaml::Str(text) => {
                let name = text.split_whitespace().next().unwrap_or_default().to_owned();
                let rest = text.trim_start().get(name.len()..).unwrap_or_default().trim();
                let line = Node { value: Yaml::Str(rest.to_owned()), span: node.span.find(rest), tag: None };
                Some(Written { span: node.span.find(&name), name, args: node, line: Some(line) })
            }
            Yaml::Map(map) => {
                let Some(name) = map.get("module").and_then(Node::as_str) else {
                    self.complain(
                        Diagnostic::new(format!("`{}` names no module", key.name))
                            .at(&key.span, "needs `module:` inside"),
                    );
                    return None;
                };
                let span = map.get("module").map_or_else(|| key.span.clone(), |node| node.span.clone());
                let mut rest = map.clone();
                rest.entries.retain(|(key, _)| key.name != "module");
                let line = Node { value: Yaml::Map(rest), span: node.span.clone(), tag: None };
                Some(Written { name: name.to_owned(), span, args: node, line: Some(line) })
            }
            _ => {
                self.wrong(key, node, "a module with its arguments");
                None
            }
        }
    }

    fn wrong_args(&mut self, key: &Key, node: &Node) {
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
    fn arguments(&mut self, does: Does, span: &Span, node: &Node) -> Option<Mapping> {
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
    fn check_call(&mut self, call: &ModuleCall) {
        let args = call.args.to_map();
        let literal = |name: &str| call.args.get(name).is_some_and(is_literal);
        match call.does {
            Does::Controller(entry) => {
                for (key, node) in &call.args.entries {
                    if entry.is_raw(&key.name) {
                        let all = node.as_list().unwrap_or(std::slice::from_ref(node));
                        all.iter().for_each(|one| self.lint_condition(one));
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

    /// Whether files the task names are there, and whether its template can be rendered.
    pub(super) fn check_files(&mut self, task: &Task) {
        let kind = match task.call.does.name() {
            "template" => "templates",
            "copy" | "script" => "files",
            "include_vars" => "vars",
            _ => return,
        };
        let argument = if kind == "vars" { "file" } else { "src" };
        let Some(node) = task.call.args.get(argument).filter(|node| is_literal(node)) else { return };
        let Some(name) = node.as_str() else { return };
        // `remote_src: true` and a template for it: the file is on the host, or nobody knows yet.
        if task.call.args.get("remote_src").is_some_and(|node| node.to_value() != Value::Bool(false)) {
            return;
        }
        let places = task.places(kind, name.trim_end_matches('/'));
        let there = places
            .iter()
            .find(|place| self.library.is_file(place) || (kind == "files" && self.library.is_dir(place)));
        match there.cloned() {
            Some(at) if kind == "templates" => self.lint_file(&at),
            Some(_) => {}
            None => {
                let mut complaint =
                    Diagnostic::new(format!("there is no file `{name}` for `{}`", task.call.written))
                        .at(&node.span, "not found");
                for place in places {
                    complaint = complaint.help(format!("looked for {place}"));
                }
                self.complain(complaint);
            }
        }
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
