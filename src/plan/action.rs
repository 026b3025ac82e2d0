//! A change with the steps that make it, and the list of them.

use serde::{Deserialize, Serialize};

use super::{Change, Op, Step};
use crate::machine::Prediction;

/// One change and the steps that make it, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    pub change: Change,
    pub steps: Vec<Step>,
    /// What the machine will be afterwards: what a dry run shows the next task, and what a real run is held to.
    pub predicts: Vec<Prediction>,
}

/// What is missing, in the order it is to be done. An empty plan means everything is as described.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Plan {
    pub actions: Vec<Action>,
}

impl Plan {
    pub fn empty() -> Self {
        Self::default()
    }

    /// A plan of one action.
    pub fn of(change: Change, steps: impl Into<Vec<Step>>, predicts: impl Into<Vec<Prediction>>) -> Self {
        let mut plan = Self::empty();
        plan.push(change, steps, predicts);
        plan
    }

    pub fn push(
        &mut self,
        change: Change,
        steps: impl Into<Vec<Step>>,
        predicts: impl Into<Vec<Prediction>>,
    ) {
        self.actions.push(Action { change, steps: steps.into(), predicts: predicts.into() });
    }

    /// Appends all of another plan.
    pub fn then(&mut self, other: Self) {
        self.actions.extend(other.actions);
    }

    /// Whether nothing would change. Waiting is not a change.
    pub fn is_empty(&self) -> bool {
        self.actions.iter().all(|action| action.change.op == Op::Await)
    }
}
