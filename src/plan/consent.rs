//! What a person has allowed.

use serde::{Deserialize, Serialize};

use super::{Change, Op, Plan, Refusal, Risk};

/// What may be done. The zero value allows nothing at all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Consent {
    /// Whether anything is to be done: `false` is a dry run.
    pub act: bool,
    /// Destructive changes that were named, by their tokens.
    pub tokens: Vec<String>,
}

impl Consent {
    /// Refuses a plan that would destroy something nobody named, and says everything that has to be named. A dry run
    /// refuses the same.
    pub fn covers(&self, plan: &Plan) -> Result<(), Refusal> {
        let named = |change: &Change| change.token.as_ref().is_some_and(|token| self.tokens.contains(token));
        let changes = || plan.actions.iter().map(|action| &action.change);
        let missing: Vec<&Change> =
            changes().filter(|change| change.risk == Risk::Destructive && !named(change)).collect();
        match missing.as_slice() {
            [] => Ok(()),
            [one] => Err(Refusal::consent(one)),
            several => {
                let along =
                    changes().filter(|change| change.op == Op::Destroy && change.risk < Risk::Destructive);
                Err(Refusal::consents(several, along))
            }
        }
    }
}
