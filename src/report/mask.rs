//! A report behind a mask: no secret passes, whatever event it is in.
//!
//! Every field is named here, so that a new one cannot be forgotten: it does not compile without a decision.

use super::Report;
use crate::event::{Event, HostDone, HostRecap, Outcome, TaskId, What};
use crate::exec::{Command, Private, Stdin};
use crate::machine::Prediction;
use crate::plan::{Action, Attribute, Change, Condition, Failure, LineEdit, Plan, Refusal, Step};
use crate::secret::Secrets;
use crate::value::{Map, Value};

/// Passes events on with every secret replaced by `***`. As long as there are no secrets it costs nothing.
pub struct Mask<R> {
    inner: R,
    secrets: Secrets,
}

impl<R: Report> Mask<R> {
    pub fn new(inner: R, secrets: Secrets) -> Self {
        Self { inner, secrets }
    }
}

impl<R: Report> Report for Mask<R> {
    fn hear(&mut self, event: &Event) {
        if self.secrets.is_empty() {
            return self.inner.hear(event);
        }
        let mut event = event.clone();
        Masking(&self.secrets).event(&mut event);
        self.inner.hear(&event);
    }

    fn finish(&mut self) {
        self.inner.finish();
    }
}

struct Masking<'a>(&'a Secrets);

impl Masking<'_> {
    fn text(&self, text: &mut String) {
        self.0.mask_in(text);
    }

    fn texts<'t>(&self, texts: impl IntoIterator<Item = &'t mut String>) {
        texts.into_iter().for_each(|text| self.text(text));
    }

    fn event(&self, event: &mut Event) {
        match &mut event.what {
            What::RunStarted { schema: _, playbooks, dry: _, hosts: _ } => self.texts(playbooks),
            What::PlayStarted { name, hosts, tasks: _ } => {
                self.text(name);
                self.texts(hosts);
            }
            What::TaskStarted { task: TaskId(_), name, module, at, role, handler: _ } => {
                self.texts([name, module, at].into_iter().chain(role));
            }
            What::HostBusy { task: TaskId(_), host, detail } => self.texts([host, detail]),
            What::HostDone(done) => self.done(done),
            What::Unreachable { host, task: _, failure } => {
                self.text(host);
                self.failure(failure);
            }
            What::Warning { text } => self.text(text),
            What::Stopping { running } => self.texts(running),
            What::RunEnded { recap, elapsed_ms: _, interrupted: _, cost: _ } => {
                for HostRecap { host, stopped_at, .. } in recap {
                    self.texts([host].into_iter().chain(stopped_at));
                }
            }
        }
    }

    fn done(&self, done: &mut HostDone) {
        let HostDone { task: TaskId(_), host, item, outcome, ignored: _, result, elapsed_ms: _ } = done;
        self.texts([host].into_iter().chain(item));
        self.value(result);
        match outcome {
            Outcome::Unchanged => {}
            Outcome::Changed(plan) | Outcome::Withheld(plan) => self.plan(plan),
            Outcome::Refused { refusal, plan } => {
                let Refusal { title, facts, help, token } = refusal;
                self.texts([title].into_iter().chain(facts).chain(help).chain(token));
                if let Some(plan) = plan {
                    self.plan(plan);
                }
            }
            Outcome::Failed { failure, plan, done: _ } => {
                self.failure(failure);
                self.plan(plan);
            }
            Outcome::Skipped { reason: text } | Outcome::Said { text } => self.text(text),
        }
    }

    fn failure(&self, failure: &mut Failure) {
        let Failure { title, command, status, stdout, stderr, help } = failure;
        self.texts([title, stdout, stderr].into_iter().chain(command).chain(status).chain(help));
    }

    fn plan(&self, plan: &mut Plan) {
        for Action { change, steps, predicts } in &mut plan.actions {
            self.change(change);
            for step in steps {
                self.step(step);
            }
            self.predictions(predicts);
        }
    }

    fn change(&self, change: &mut Change) {
        let Change { op: _, kind, name, detail, attributes, text, risk: _, token, loss } = change;
        self.texts([kind, name, detail].into_iter().chain(token).chain(loss));
        for Attribute { name, before, after } in attributes {
            self.texts([name].into_iter().chain(before).chain(after));
        }
        if let Some((before, after)) = text {
            self.texts([before, after]);
        }
    }

    fn edits(&self, edits: &mut [LineEdit]) {
        for edit in edits {
            match edit {
                LineEdit::Append { line } => self.text(line),
                LineEdit::Replace { old, new } => self.texts([old, new]),
                LineEdit::Remove { old } => self.text(old),
            }
        }
    }

    fn step(&self, step: &mut Step) {
        match step {
            Step::Run { command, accept: _ } => self.command(command),
            Step::Validate { path, content, command } => {
                self.text(path);
                self.0.mask_bytes(content);
                self.command(command);
            }
            Step::Write { path, content, metadata: _, backup: _ } => {
                self.text(path);
                self.0.mask_bytes(content);
            }
            Step::Edit { path, edits, metadata: _ } => {
                self.text(path);
                self.edits(edits);
            }
            Step::Fstab { edits } => self.edits(edits),
            Step::Unmount { target } => self.text(target),
            Step::Link { path, target } | Step::HardLink { path, target } => self.texts([path, target]),
            Step::Remove { path, recursive: _ }
            | Step::Directory { path, metadata: _ }
            | Step::Attributes { path, metadata: _, recursive: _ }
            | Step::Touch { path, metadata: _ }
            | Step::Zero { device: path, rooms: _, shared: _ } => self.text(path),
            Step::Wait { condition, timeout_ms: _, delay_ms: _, poll_ms: _, or_else } => {
                self.texts(or_else);
                self.condition(condition);
            }
            Step::Keep { name, command } => {
                self.text(name);
                self.command(command);
            }
            Step::Fits { device, kind, within: _ } => self.texts([device, kind]),
            Step::Confirm { device, serial, size: _, blank: _ } => {
                self.texts([device].into_iter().chain(serial));
            }
        }
    }

    fn condition(&self, condition: &mut Condition) {
        match condition {
            Condition::Path { path, present: _ } => self.text(path),
            Condition::Port { host, port: _, open: _ } => self.text(host),
            Condition::Content { path, pattern } => self.texts([path, pattern]),
            Condition::Array { path, level, devices: _ } => self.texts([path, level]),
            Condition::Released { device } => self.text(device),
            Condition::Time => {}
        }
    }

    fn command(&self, command: &mut Command) {
        let Command { program, args, stdin, env, cwd, deadline: _, when_cut: _, private } = command;
        self.texts([program].into_iter().chain(args).chain(cwd));
        self.texts(env.iter_mut().flat_map(|(name, value)| [name, value]));
        match stdin {
            Stdin::Empty | Stdin::Secret(_) => {}
            Stdin::Bytes(bytes) => self.0.mask_bytes(bytes),
        }
        if let Some(mount) = private {
            let Private { source, fstype, options, read_only: _ } = mount;
            self.texts([source, fstype, options]);
        }
    }

    /// Predictions are for the machine and not for readers. Where one cannot be rebuilt without its secret (the secret
    /// is a word of the schema) all of them are left out rather than shown.
    fn predictions(&self, predicts: &mut Vec<Prediction>) {
        if predicts.is_empty() {
            return;
        }
        let masked = serde_json::to_value(&*predicts).and_then(|mut value| {
            self.value(&mut value);
            serde_json::from_value(value)
        });
        *predicts = masked.unwrap_or_default();
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => {
                let text = number.to_string();
                let masked = self.0.mask(&text);
                if masked != text {
                    *value = Value::String(masked);
                }
            }
            Value::String(text) => self.text(text),
            Value::Array(items) => match bytes(items) {
                Some(mut raw) => {
                    let before = raw.clone();
                    self.0.mask_bytes(&mut raw);
                    if raw != before {
                        *items = raw.into_iter().map(Value::from).collect();
                    }
                }
                None => items.iter_mut().for_each(|item| self.value(item)),
            },
            Value::Object(map) => {
                map.values_mut().for_each(|value| self.value(value));
                if map.keys().any(|key| self.0.mask(key) != *key) {
                    let masked: Map<String, Value> = std::mem::take(map)
                        .into_iter()
                        .map(|(key, value)| (self.0.mask(&key), value))
                        .collect();
                    *map = masked;
                }
            }
        }
    }
}

/// Content travels in JSON as a list of bytes, in which no string would be found.
fn bytes(items: &[Value]) -> Option<Vec<u8>> {
    items.iter().map(|item| item.as_u64().and_then(|byte| u8::try_from(byte).ok())).collect()
}
