//! Orders and replies. Untyped values (arguments, results) travel as JSON text inside the frame, because the frame's
//! encoding does not describe itself.

use serde::{Deserialize, Serialize};

use crate::event::Outcome;
use crate::machine::Prediction;
use crate::plan::Consent;

/// What the controller asks of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// Keep every other run away from this host until this agent ends.
    Lock { path: String, holder: String },
    /// One task for this host.
    Order(Box<Order>),
    /// Stop after the step that is running. Has no answer of its own.
    Stop,
}

/// One task for one host, rendered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// The module's name.
    pub module: String,
    /// Its arguments, a JSON object.
    pub args: String,
    pub consent: Consent,
    /// Added to the environment of every command.
    pub environment: Vec<(String, String)>,
    /// Somebody else may have changed this host since the last order: look at everything again.
    pub fresh: bool,
    /// In a dry run: what agents of other users would have done on this host, and this one does not know of yet.
    pub foreseen: Vec<Prediction>,
}

/// What an agent answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    Ready {
        build: String,
        pid: u32,
        boot_id: String,
    },
    Locked,
    /// Another run has the lock; `holder` is what it left there about itself.
    Held {
        holder: String,
    },
    /// The lock could not even be tried for.
    NoLock {
        reason: String,
    },
    /// A step begins.
    Busy {
        detail: String,
    },
    Done(Box<Report>),
}

/// The end of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub outcome: Outcome,
    /// What `register` keeps, beside `changed` and `failed`: a JSON object.
    pub result: String,
}
