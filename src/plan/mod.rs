//! What is missing on a host, as plain data: decided by modules, shown by reports, performed by `agent::act`.
//!
//! A plan leaves the acting side nothing to choose, and is valid only on top of the state it was made from.
//! The same plan comes out of a dry run and of a real run: nothing in it depends on which of the two it is.

mod action;
mod change;
mod consent;
mod edit;
mod late;
mod refusal;
mod step;

pub use action::{Action, Plan};
pub use change::{Attribute, Change, Op, Risk};
pub use consent::Consent;
pub use edit::{edited, ending, is_line};
pub use late::{Late, LateName, same_but_for_late_names};
pub use refusal::{Failure, Refusal};
pub use step::{Accept, Condition, LineEdit, Metadata, Room, Step};
