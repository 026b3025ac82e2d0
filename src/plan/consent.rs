//! What a person has allowed.

use serde::{Deserialize, Serialize};

use super::{Plan, Refusal, Risk};

/// What may be done. The zero value allows nothing at all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Consent {
    /// Whether anything is to be done: `false` is a dry run.
    pub act: bool,
    /// Destructive changes that were named, by their tokens.
    pub tokens: Vec<String>,
}

impl Consent {
    /// Refuses a plan that would destroy something nobody named. A dry run refuses the same.
    pub fn covers(&self, plan: &Plan) -> Result<(), Refusal> {
        for change in plan.actions.iter().map(|action| &action.change) {
            if change.risk < Risk::Destructive {
                continue;
            }
            let named = change.token.as_ref().is_some_and(|token| self.tokens.contains(token));
            if !named {
                return Err(Refusal::consent(change));
            }
        }
        Ok(())
    }
}
