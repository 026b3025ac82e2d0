//! A conversation with one host.
//!
//! SSH is the system's own OpenSSH, spoken to over its control socket; `local` is the same agent over a pipe. The
//! user's `ssh_config`, agent, jump hosts and `known_hosts` apply because nothing here replaces them.

mod address;
mod bootstrap;
mod channel;
mod local;
mod master;
mod parcel;
mod session;

pub use address::{Address, Become, Link};
pub use parcel::Parcel;
pub use session::{LockAnswer, Lost, Session};

/// Ends the connection to a host, so that the next session makes a new one.
pub async fn disconnect(address: &Address) {
    master::disconnect(&address.link).await;
}
