//! The one minijinja environment of a run, and the only place templates are evaluated.
//!
//! Strict: whatever uses something undefined fails, except `default`, `is defined` and further accesses
//! (`compile` sees to those).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::machinery::{eval, make_string_output};
use minijinja::value::ValueKind;
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value as Lively,
};

use super::compile::{self, Program};
use super::convert::{self, wrong};
use super::error::TemplateError;
use super::files::FileRoots;
use super::frame::{self, Frame, Variable};
use super::scope::Inner;
use super::{filters, lookups, methods, tests, undefined};
use crate::diagnostic::Source;

/// Everything templates share in a run.
pub(super) struct Core {
    pub(super) environment: Environment<'static>,
    pub(super) files: FileRoots,
    /// Included templates that were read, by path.
    included: Arc<Mutex<BTreeMap<String, Arc<Source>>>>,
}

/// What an evaluation leaves.
enum Written {
    Value(Lively),
    Text(String),
}

impl Core {
    pub(super) fn new(files: FileRoots) -> Arc<Self> {
        let included: Arc<Mutex<BTreeMap<String, Arc<Source>>>> = Arc::default();
        let mut environment = Environment::new();
        environment.set_syntax(compile::syntax());
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_auto_reload(false);
        environment.set_formatter(write);
        environment.set_unknown_method_callback(methods::call);
        environment.set_path_join_callback(|name, parent| Cow::Owned(place_of(name, parent)));
        let (disk, sources) = (Arc::clone(&files.files), Arc::clone(&included));
        environment.set_loader(move |name| {
            let text = disk
                .read(Path::new(name))
                .map_err(|error| wrong(format!("cannot read `{name}`: {error}")))?;
            if let Some(text) = &text {
                let source = Source::new(name, text.as_str());
                sources.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), source);
            }
            Ok::<_, Error>(text)
        });
        filters::register(&mut environment);
        tests::register(&mut environment);
        lookups::register(&mut environment);
        Arc::new(Self { environment, files, included })
    }

    /// The value of a text that may hold templates.
    pub(super) fn text(
        self: &Arc<Self>,
        text: &str,
        scope: &Arc<Inner>,
        variable: Option<Variable>,
    ) -> Result<Lively, TemplateError> {
        if !compile::is_template(text) {
            return Ok(Lively::from(text));
        }
        let program = compile::template(text).map_err(|error| self.told(&error, None, None))?;
        self.run(&program, scope, variable, true).map(|written| match written {
            Written::Value(value) => value,
            Written::Text(text) => Lively::from(text),
        })
    }

    /// The value of a bare expression.
    pub(super) fn expression(
        self: &Arc<Self>,
        text: &str,
        scope: &Arc<Inner>,
    ) -> Result<Lively, TemplateError> {
        let program = compile::expression(text).map_err(|error| self.told(&error, None, None))?;
        match self.run(&program, scope, None, true)? {
            Written::Value(value) => Ok(value),
            Written::Text(text) => Ok(Lively::from(text)),
        }
    }

    /// The text a template file makes.
    pub(super) fn file(self: &Arc<Self>, text: &str, scope: &Arc<Inner>) -> Result<String, TemplateError> {
        if !compile::is_template(text) {
            return Ok(text.to_owned());
        }
        let program = compile::template(text).map_err(|error| self.told(&error, None, None))?;
        match self.run(&program, scope, None, false)? {
            Written::Text(text) => Ok(text),
            Written::Value(value) => Ok(value.to_string()),
        }
    }

    fn run(
        self: &Arc<Self>,
        program: &Program,
        scope: &Arc<Inner>,
        variable: Option<Variable>,
        native: bool,
    ) -> Result<Written, TemplateError> {
        let mut text = String::new();
        let (outcome, frame) = frame::within(self, scope, variable, || {
            let mut output = make_string_output(&mut text);
            let root = Lively::from_dyn_object(Arc::clone(scope));
            let environment = &self.environment;
            let outcome = eval(
                environment,
                &program.instructions,
                root,
                &program.blocks,
                &mut output,
                AutoEscape::None,
            );
            match outcome {
                // In a file, even a lone expression is written.
                Ok((Some(value), mut state)) if program.expression && !native => {
                    state.format(value).map(|text| Some(Lively::from(text)))
                }
                // An `if` without `else` that does not hold formats as nothing; anything else undefined does not.
                Ok((Some(value), mut state)) if program.expression && value.is_undefined() => {
                    state.format(value).map(|text| Some(Lively::from(text)))
                }
                Ok((value, _)) => Ok(value.filter(|_| program.expression)),
                Err(error) => Err(error),
            }
        })?;
        if let Some(failed) = frame.failed {
            let range = outcome.as_ref().err().and_then(Error::range);
            let range = range.or_else(|| undefined::mention(program, failed.chain.first()?));
            return Err(failed.at(range));
        }
        match outcome {
            Err(error) => {
                let told = self.told(&error, Some(program), Some(scope));
                // Nothing the template names is undefined: it is something deep in a value.
                let deep =
                    frame.because.into_iter().next_back().filter(|_| told.undefined && told.is_vague());
                Err(deep.map_or(told, |deep| {
                    let range = deep.chain.first().and_then(|name| undefined::mention(program, name));
                    deep.at(range)
                }))
            }
            Ok(Some(value)) => Ok(Written::Value(value)),
            Ok(None) => Ok(native_text(frame, text, native)),
        }
    }

    /// The final form of a value: lists and mappings resolved all the way down.
    pub(super) fn finish(
        self: &Arc<Self>,
        value: &Lively,
        scope: &Arc<Inner>,
        text: &str,
    ) -> Result<Option<crate::value::Value>, TemplateError> {
        let (outcome, frame) = frame::within(self, scope, None, || convert::finished(value))?;
        match (frame.failed, outcome) {
            (Some(failed), _) => Err(failed),
            (None, Ok(value)) => Ok(value),
            (None, Err(error)) if error.kind() == ErrorKind::UndefinedError => {
                let because = frame.because.into_iter().next_back();
                Err(because.unwrap_or_else(|| {
                    let templated = compile::is_template(text);
                    let program =
                        if templated { compile::template(text) } else { compile::expression(text) }.ok();
                    self.told(&error, program.as_deref(), Some(scope))
                }))
            }
            (None, Err(error)) => Err(self.told(&error, None, None)),
        }
    }

    /// minijinja's error in our words.
    pub(super) fn told(
        self: &Arc<Self>,
        error: &Error,
        program: Option<&Program>,
        scope: Option<&Arc<Inner>>,
    ) -> TemplateError {
        let inner = innermost(error);
        if let Some(ours) =
            std::error::Error::source(inner).and_then(|source| source.downcast_ref::<TemplateError>())
        {
            return ours.clone().at(error.range());
        }
        let file = inner.name().filter(|name| !name.is_empty()).and_then(|name| {
            let included = self.included.lock().unwrap_or_else(PoisonError::into_inner);
            included.get(name).map(|source| (Arc::clone(source), inner.range().unwrap_or(0..0)))
        });
        let detail = inner.detail().unwrap_or_default();
        let about_undefined = inner.kind() == ErrorKind::UndefinedError || detail.contains("undefined");
        if about_undefined && let Some(scope) = scope {
            let found = match (&file, program) {
                (Some((source, range)), _) => {
                    undefined::culprit(self, &source.text, false, Some(range.clone()), scope).map(|found| {
                        let range = found.range.clone().unwrap_or_else(|| range.clone());
                        TemplateError { file: Some(Box::new((Arc::clone(source), range))), ..found }
                            .at(error.range())
                    })
                }
                (None, Some(program)) => {
                    undefined::culprit(self, program.text, program.bare, inner.range(), scope)
                }
                (None, None) => None,
            };
            if let Some(found) = found {
                return found;
            }
        }
        let mut told = self.worded(inner, detail);
        told.undefined = inner.kind() == ErrorKind::UndefinedError;
        told.file = file.map(Box::new);
        told.at(error.range())
    }

    fn worded(&self, error: &Error, detail: &str) -> TemplateError {
        let name = detail.split_ascii_whitespace().nth(1).unwrap_or_default();
        match error.kind() {
            ErrorKind::UndefinedError => TemplateError::vague(),
            ErrorKind::SyntaxError | ErrorKind::BadEscape => {
                TemplateError::new(format!("a template cannot be parsed: {detail}"))
            }
            ErrorKind::UnknownFilter => suggested(filters::unknown(name), name, filters::NAMES.iter().copied()),
            ErrorKind::UnknownTest => {
                suggested(format!("there is no test `{name}`"), name, tests::NAMES.iter().copied())
            }
            ErrorKind::UnknownFunction => {
                let name = detail.split_ascii_whitespace().next().unwrap_or_default();
                let known = self.environment.globals().map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
                suggested(format!("there is no function `{name}`"), name, known.iter().map(String::as_str))
            }
            ErrorKind::TemplateNotFound => {
                TemplateError::new(format!("an included template is not there: {detail}"))
                    .help("it is looked for beside the including file, then in `templates/` of the role and the playbook")
            }
            ErrorKind::TooManyArguments if detail.is_empty() => TemplateError::new("too many arguments"),
            ErrorKind::MissingArgument if detail.is_empty() => TemplateError::new("an argument is missing"),
            kind if detail.is_empty() => TemplateError::new(kind.to_string()),
            _ => TemplateError::new(detail),
        }
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Templar").field("files", &self.files).finish_non_exhaustive()
    }
}

fn suggested<'a>(message: String, name: &str, known: impl Iterator<Item = &'a str>) -> TemplateError {
    let error = TemplateError::new(message);
    match crate::value::closest(name, known) {
        Some(meant) => error.help(format!("did you mean `{meant}`?")),
        None => error,
    }
}

/// Errors of includes and blocks wrap the one that matters.
fn innermost(error: &Error) -> &Error {
    let mut inner = error;
    while let Some(source) =
        std::error::Error::source(inner).and_then(|source| source.downcast_ref::<Error>())
    {
        inner = source;
    }
    inner
}

/// Our error, dressed so that minijinja passes it on.
pub(super) fn carrying(error: &Arc<TemplateError>) -> Error {
    wrong(error.message.clone()).with_source((**error).clone())
}

/// A template that wrote nothing but one value is that value, as in ansible-core 2.19.
fn native_text(frame: Frame, text: String, native: bool) -> Written {
    match frame.first {
        Some(value)
            if native
                && frame.written == 1
                && value.kind() != ValueKind::String
                && value.to_string() == text =>
        {
            Written::Value(value)
        }
        _ => Written::Text(text),
    }
}

/// Writes a value into text.
fn write(output: &mut Output, state: &mut State, value: &Lively) -> Result<(), Error> {
    if value.is_undefined() {
        // minijinja stops at undefined values itself and passes on only the missing `else` of an `if`.
        return Ok(());
    }
    if convert::is_omit(value) {
        return Err(wrong("`omit` cannot be part of a text; it must be the whole value of a key"));
    }
    if value.as_object().is_some()
        && matches!(value.kind(), ValueKind::Map | ValueKind::Seq | ValueKind::Iterable)
    {
        convert::finished(value)?;
    }
    frame::current(|frame| {
        frame.written += 1;
        if frame.written == 1 {
            frame.first = Some(value.clone());
        }
    });
    minijinja::escape_formatter(output, state, value)
}

/// The path of a template that `parent` includes as `name`.
fn place_of(name: &str, parent: &str) -> String {
    let found = frame::current(|frame| (Arc::clone(&frame.core), Arc::clone(&frame.scope))).and_then(
        |(core, scope)| {
            let beside: Option<PathBuf> =
                Path::new(parent).parent().filter(|_| !parent.is_empty()).map(Path::to_owned);
            core.files.find(name, "templates", beside.as_deref(), scope.roots()).ok().flatten()
        },
    );
    found.map_or_else(|| name.to_owned(), |(path, _)| path.to_string_lossy().into_owned())
}

/// A range of the program's text, or nothing.
pub(super) type Place = Option<Range<usize>>;
