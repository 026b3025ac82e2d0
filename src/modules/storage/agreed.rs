//! What the variables consent to without safe mode: the loss of what they name.

use std::collections::BTreeSet;

use crate::plan::{Plan, Risk};

/// Things that the variables name: devices by lasting name, groups, and volumes as `group/volume`.
#[derive(Debug, Default)]
pub(super) struct Named(BTreeSet<String>);

impl Named {
    pub(super) fn add(&mut self, name: impl Into<String>) {
        self.0.insert(name.into());
    }

    /// Takes the consent that was given for what is named; what else would be destroyed still asks for its own.
    pub(super) fn consent(&self, plan: &mut Plan) {
        for change in plan.actions.iter_mut().map(|action| &mut action.change) {
            if change.risk == Risk::Destructive && self.0.contains(&change.name) {
                change.risk = Risk::Disruptive;
            }
        }
    }
}

impl Extend<String> for Named {
    fn extend<T: IntoIterator<Item = String>>(&mut self, names: T) {
        self.0.extend(names);
    }
}
