//! Tasks that the controller does itself: they need no host, only its variables.
//!
//! What they are and what they take stands here; the engine does them.

use crate::modules::BadArgument;
use crate::playbook::setting::Plain;
use crate::value::{self, Map, Value};

/// What an argument of a controller's action can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    Text,
    Flag,
    Number,
    Anything,
    /// Conditions as in `when`; given to the engine unrendered.
    Conditions,
    /// An expression; given to the engine unrendered.
    Expression,
}

/// One argument of a controller's action.
#[derive(Debug)]
pub struct Argument {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub want: Want,
    pub required: bool,
    pub about: &'static str,
}

/// A task the controller does itself.
#[derive(Debug)]
pub struct ActionEntry {
    pub name: &'static str,
    pub about: &'static str,
    pub arguments: &'static [Argument],
    /// The argument that free text goes to (`meta: flush_handlers`).
    pub free_form: Option<&'static str>,
    /// Whether every other argument is a variable to set.
    pub free_names: bool,
}

/// A controller's action with its arguments, rendered but for conditions and expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Assert { that: Vec<Value>, fail_msg: Option<Value>, success_msg: Option<Value>, quiet: bool },
    Debug { what: Shown, verbosity: u64 },
    Fail { message: String },
    SetFact { facts: Map<String, Value>, cacheable: bool },
    IncludeVars { file: String, name: Option<String> },
    Meta(Meta),
    Pause { seconds: f64 },
}

/// What `debug` shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    Message(Value),
    Expression(String),
}

/// What `meta` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meta {
    FlushHandlers,
    Noop,
    EndHost,
    EndPlay,
    EndBatch,
    ClearFacts,
    ClearHostErrors,
}

const METAS: &[(&str, Meta)] = &[
    ("flush_handlers", Meta::FlushHandlers),
    ("noop", Meta::Noop),
    ("end_host", Meta::EndHost),
    ("end_play", Meta::EndPlay),
    ("end_batch", Meta::EndBatch),
    ("clear_facts", Meta::ClearFacts),
    ("clear_host_errors", Meta::ClearHostErrors),
];

const fn argument(name: &'static str, want: Want, about: &'static str) -> Argument {
    Argument { name, aliases: &[], want, required: false, about }
}

const fn required(name: &'static str, want: Want, about: &'static str) -> Argument {
    Argument { name, aliases: &[], want, required: true, about }
}

static ENTRIES: &[ActionEntry] = &[
    ActionEntry {
        name: "assert",
        about: "Fails unless all conditions hold.",
        arguments: &[
            required("that", Want::Conditions, "A condition, or a list of them."),
            Argument {
                name: "fail_msg",
                aliases: &["msg"],
                want: Want::Anything,
                required: false,
                about: "Told when one does not hold.",
            },
            argument("success_msg", Want::Anything, "Told when all hold."),
            argument("quiet", Want::Flag, "Whether to keep the conditions out of the result."),
        ],
        free_form: None,
        free_names: false,
    },
    ActionEntry {
        name: "debug",
        about: "Shows a message or a value.",
        arguments: &[
            argument("msg", Want::Anything, "What to show; `Hello world!` when nothing is given."),
            argument("var", Want::Expression, "An expression whose value is shown."),
            argument("verbosity", Want::Number, "Shown only from this many `-v` on."),
        ],
        free_form: None,
        free_names: false,
    },
    ActionEntry {
        name: "fail",
        about: "Fails.",
        arguments: &[argument("msg", Want::Text, "Why.")],
        free_form: None,
        free_names: false,
    },
    ActionEntry {
        name: "set_fact",
        about: "Sets variables of the host for the rest of the run.",
        arguments: &[argument("cacheable", Want::Flag, "Whether it also counts as a fact.")],
        free_form: None,
        free_names: true,
    },
    ActionEntry {
        name: "include_vars",
        about: "Reads variables from a file while running.",
        arguments: &[
            required("file", Want::Text, "The file, looked for in `vars/` of the role and of the playbook."),
            argument("name", Want::Text, "A variable to put them in."),
        ],
        free_form: Some("file"),
        free_names: false,
    },
    ActionEntry {
        name: "meta",
        about: "Steers the run itself.",
        arguments: &[required(
            "free_form",
            Want::Text,
            "flush_handlers, noop, end_host, end_play, end_batch, clear_facts or clear_host_errors.",
        )],
        free_form: Some("free_form"),
        free_names: false,
    },
    ActionEntry {
        name: "pause",
        about: "Waits.",
        arguments: &[
            argument("seconds", Want::Number, "How long."),
            argument("minutes", Want::Number, "How long, in minutes."),
        ],
        free_form: None,
        free_names: false,
    },
];

/// All of them.
pub fn actions() -> &'static [ActionEntry] {
    ENTRIES
}

/// The controller's action of that name.
pub fn find_action(name: &str) -> Option<&'static ActionEntry> {
    let short = name
        .strip_prefix("ansible.builtin.")
        .or_else(|| name.strip_prefix("ansible.legacy."))
        .unwrap_or(name);
    ENTRIES.iter().find(|entry| entry.name == short)
}

impl ActionEntry {
    pub fn argument(&self, name: &str) -> Option<&'static Argument> {
        self.arguments.iter().find(|argument| argument.name == name || argument.aliases.contains(&name))
    }

    /// Whether this argument goes to the engine unrendered.
    pub fn is_raw(&self, name: &str) -> bool {
        self.argument(name)
            .is_some_and(|argument| matches!(argument.want, Want::Conditions | Want::Expression))
    }

    /// What is wrong with arguments before any of them is rendered; `literal` tells whose value is final.
    pub(super) fn check(
        &self,
        args: &Map<String, Value>,
        literal: impl Fn(&str) -> bool,
    ) -> Vec<BadArgument> {
        let mut bad = Vec::new();
        for (name, given) in args {
            let Some(argument) = self.argument(name) else {
                if !self.free_names {
                    bad.push(self.unknown(name));
                }
                continue;
            };
            if (literal(name) || self.is_raw(name)) && !argument.want.takes(given) {
                bad.push(wrong(name, argument.want.noun(), given));
            }
        }
        for argument in self.arguments.iter().filter(|argument| argument.required) {
            if !args.keys().any(|name| argument.name == name || argument.aliases.contains(&name.as_str())) {
                bad.push(BadArgument {
                    argument: None,
                    message: format!("`{}` needs the argument `{}`", self.name, argument.name),
                    help: Some(format!("`{}`: {}", argument.name, argument.about)),
                });
            }
        }
        if bad.is_empty() && args.keys().all(|name| literal(name) || self.is_raw(name)) {
            bad.extend(self.decode(args).err());
        }
        bad
    }

    fn unknown(&self, name: &str) -> BadArgument {
        let known: Vec<&str> = self.arguments.iter().map(|argument| argument.name).collect();
        let help = match value::closest(name, known.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("it takes {}", known.join(", ")),
        };
        BadArgument {
            argument: Some(name.to_owned()),
            message: format!("`{}` has no argument `{name}`", self.name),
            help: Some(help),
        }
    }

    /// The action, from arguments that are rendered but for those that [`is_raw`](Self::is_raw).
    pub fn decode(&self, args: &Map<String, Value>) -> Result<Action, BadArgument> {
        let given = Given { entry: self, args };
        Ok(match self.name {
            "assert" => Action::Assert {
                that: match given.find("that") {
                    Some(Value::Array(all)) => all.clone(),
                    Some(one) => vec![one.clone()],
                    None => Vec::new(),
                },
                fail_msg: given.find("fail_msg").cloned(),
                success_msg: given.find("success_msg").cloned(),
                quiet: given.read("quiet", Want::Flag)?.unwrap_or(false),
            },
            "debug" => Action::Debug {
                what: match (given.find("msg"), given.read::<String>("var", Want::Expression)?) {
                    (Some(_), Some(_)) => {
                        return Err(BadArgument {
                            argument: Some("var".to_owned()),
                            message: "`debug` takes `msg` or `var`, not both".to_owned(),
                            help: None,
                        });
                    }
                    (Some(message), None) => Shown::Message(message.clone()),
                    (None, Some(expression)) => Shown::Expression(expression),
                    (None, None) => Shown::Message(Value::from("Hello world!")),
                },
                verbosity: given.read("verbosity", Want::Number)?.unwrap_or(0),
            },
            "fail" => Action::Fail {
                message: given
                    .read("msg", Want::Text)?
                    .unwrap_or_else(|| "Failed as requested from task".to_owned()),
            },
            "set_fact" => {
                let mut facts = args.clone();
                facts.shift_remove("cacheable");
                Action::SetFact { facts, cacheable: given.read("cacheable", Want::Flag)?.unwrap_or(false) }
            }
            "include_vars" => Action::IncludeVars {
                file: given.read("file", Want::Text)?.unwrap_or_default(),
                name: given.read("name", Want::Text)?,
            },
            "meta" => {
                Action::Meta(meta(&given.read::<String>("free_form", Want::Text)?.unwrap_or_default())?)
            }
            "pause" => {
                let seconds: f64 = given.read("seconds", Want::Number)?.unwrap_or(0.0);
                let minutes: f64 = given.read("minutes", Want::Number)?.unwrap_or(0.0);
                if seconds + minutes == 0.0 && args.is_empty() {
                    return Err(BadArgument {
                        argument: None,
                        message: "`pause` without a time waits for a key, which is not supported yet"
                            .to_owned(),
                        help: Some("give `seconds` or `minutes`".to_owned()),
                    });
                }
                Action::Pause { seconds: seconds + minutes * 60.0 }
            }
            other => unreachable!("`{other}` is in the list of actions and has no arm here"),
        })
    }
}

fn meta(word: &str) -> Result<Meta, BadArgument> {
    if let Some((_, meta)) = METAS.iter().find(|(name, _)| *name == word) {
        return Ok(*meta);
    }
    let known = ["refresh_inventory", "end_role", "reset_connection"].contains(&word);
    let meant = value::closest(word, METAS.iter().map(|(name, _)| *name));
    Err(BadArgument {
        argument: Some("free_form".to_owned()),
        message: if known {
            format!("`meta: {word}` is not supported yet")
        } else {
            format!("`meta` cannot do `{word}`")
        },
        help: meant.filter(|_| !known).map(|meant| format!("did you mean `{meant}`?")),
    })
}

/// Arguments of one action.
struct Given<'a> {
    entry: &'a ActionEntry,
    args: &'a Map<String, Value>,
}

impl<'a> Given<'a> {
    fn find(&self, name: &str) -> Option<&'a Value> {
        let argument = self.entry.argument(name)?;
        std::iter::once(argument.name)
            .chain(argument.aliases.iter().copied())
            .find_map(|name| self.args.get(name))
            .filter(|value| !value.is_null())
    }

    fn read<T: Plain>(&self, name: &str, want: Want) -> Result<Option<T>, BadArgument> {
        let Some(given) = self.find(name) else { return Ok(None) };
        T::from_value(given).map(Some).ok_or_else(|| wrong(name, want.noun(), given))
    }
}

fn wrong(name: &str, wanted: &str, given: &Value) -> BadArgument {
    BadArgument {
        argument: Some(name.to_owned()),
        message: format!("`{name}` takes {wanted}, not {}", value::kind(given)),
        help: None,
    }
}

impl Want {
    fn noun(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Flag => "a boolean",
            Self::Number => "a number that is not negative",
            Self::Anything => "a value",
            Self::Conditions => "a condition or a list of conditions",
            Self::Expression => "an expression",
        }
    }

    fn takes(self, given: &Value) -> bool {
        match self {
            Self::Anything => true,
            Self::Text | Self::Expression => String::from_value(given).is_some(),
            Self::Flag => bool::from_value(given).is_some(),
            Self::Number => f64::from_value(given).is_some(),
            Self::Conditions => match given {
                Value::Array(all) => all.iter().all(|one| one.is_string() || one.is_boolean()),
                one => one.is_string() || one.is_boolean(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decode(name: &str, args: Value) -> Result<Action, String> {
        let Value::Object(args) = args else { panic!("arguments are a mapping") };
        find_action(name).unwrap().decode(&args).map_err(|bad| bad.message)
    }

    #[test]
    fn decodes_every_action() {
        assert_eq!(
            decode("ansible.builtin.assert", json!({"that": "x", "msg": "no"})),
            Ok(Action::Assert {
                that: vec![json!("x")],
                fail_msg: Some(json!("no")),
                success_msg: None,
                quiet: false
            })
        );
        assert_eq!(
            decode("set_fact", json!({"a": 1, "cacheable": "yes"})),
            Ok(Action::SetFact { facts: json!({"a": 1}).as_object().unwrap().clone(), cacheable: true })
        );
        assert_eq!(
            decode("pause", json!({"minutes": 1, "seconds": "2"})),
            Ok(Action::Pause { seconds: 62.0 })
        );
        assert_eq!(decode("meta", json!({"free_form": "end_host"})), Ok(Action::Meta(Meta::EndHost)));
        for entry in actions() {
            // Whatever is in the list has an arm in `decode`.
            let _ = entry.decode(&Map::new());
        }
    }

    #[test]
    fn says_what_it_cannot_do() {
        assert_eq!(
            decode("meta", json!({"free_form": "reset_connection"})).unwrap_err(),
            "`meta: reset_connection` is not supported yet"
        );
        assert_eq!(
            decode("debug", json!({"msg": "a", "var": "b"})).unwrap_err(),
            "`debug` takes `msg` or `var`, not both"
        );
        assert_eq!(decode("fail", json!({"msg": ["a"]})).unwrap_err(), "`msg` takes a string, not a list");
    }
}
