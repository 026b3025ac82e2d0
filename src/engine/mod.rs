//! Who does what, and when: plays, batches, tasks, hosts; Ansible's semantics on the controller's side.
//!
//! The engine knows no disk and no tool. It renders orders, sends them to agents, judges what comes back, and tells
//! everything as events. Tasks run in lock-step: a task ends on all hosts of a batch before the next begins.

mod agents;
mod attempt;
mod batch;
mod connection;
mod content;
mod flow;
mod handlers;
mod interrupt;
mod local;
mod memory;
mod order;
mod play;
mod reboot;
mod result;
mod run;
mod settings;
mod settled;
mod tally;
mod teller;
mod vars;
mod verdict;
mod world;

pub use interrupt::{Interrupt, Stopper};
pub use run::{Run, hosts_of};
pub use settings::{FORKS, Settings};
pub use teller::Listener;
