//! What can be told about a run. Owned and serialisable from the start: the terminal, JSON and every later reader
//! (journal, JUnit, replay) read this one stream and nothing else.

use serde::{Deserialize, Serialize};

use crate::plan::{Failure, Plan, Refusal};
use crate::value::Value;

/// The version of this schema, in every JSON line.
pub const SCHEMA: u32 = 1;

/// Something that happened, with the milliseconds since the run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    pub at_ms: u64,
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    RunStarted {
        schema: u32,
        playbooks: Vec<String>,
        dry: bool,
        hosts: usize,
    },
    /// `tasks` is how many tasks the play has for each host, as far as is known at its start.
    PlayStarted {
        name: String,
        hosts: Vec<String>,
        tasks: usize,
    },
    /// A task begins for all hosts of a batch at once.
    TaskStarted {
        task: TaskId,
        name: String,
        module: String,
        at: String,
        role: Option<String>,
        handler: bool,
    },
    /// A host begins a task, or goes on to its next step (`detail` is the command as typed).
    HostBusy {
        task: TaskId,
        host: String,
        detail: String,
    },
    /// A host has come to the end of a task (or of one item of its loop).
    HostDone(Box<HostDone>),
    /// A host could not be reached, or was lost.
    Unreachable {
        host: String,
        task: Option<TaskId>,
        failure: Failure,
    },
    /// Something a person should know that is no failure.
    Warning {
        text: String,
    },
    /// The run was asked to stop after the steps that are running.
    Stopping {
        running: Vec<String>,
    },
    RunEnded {
        recap: Vec<HostRecap>,
        elapsed_ms: u64,
        interrupted: bool,
        cost: Cost,
    },
}

/// Numbers the tasks of a run in the order they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(pub u32);

/// What became of one task on one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostDone {
    pub task: TaskId,
    pub host: String,
    /// The loop item, as its label shows it.
    pub item: Option<String>,
    pub outcome: Outcome,
    /// The task failed but `ignore_errors` or `rescue` takes it up.
    pub ignored: bool,
    /// What the task printed or returned, for readers who want it all; masked where secret.
    pub result: Value,
    pub elapsed_ms: u64,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing to do.
    Unchanged,
    /// Done, and observed again.
    Changed(Plan),
    /// A dry run: this would be done.
    Withheld(Plan),
    /// A person must decide.
    Refused { refusal: Refusal, plan: Option<Plan> },
    /// The world said no, after `done` actions of the plan.
    Failed { failure: Failure, plan: Plan, done: usize },
    /// Not for this host.
    Skipped { reason: String },
    /// A message for the reader (`debug`).
    Said { text: String },
}

/// One host at the end.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostRecap {
    pub host: String,
    pub ok: u32,
    pub changed: u32,
    pub unreachable: u32,
    pub failed: u32,
    pub refused: u32,
    pub skipped: u32,
    pub rescued: u32,
    pub ignored: u32,
    /// Where it stopped early: the task's name.
    pub stopped_at: Option<String>,
}

/// What a run cost the controller, without the ssh processes it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cost {
    pub cpu_ms: u64,
    pub peak_memory_kib: u64,
}
