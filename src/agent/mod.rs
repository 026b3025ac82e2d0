//! The remote side: reads orders, looks, lets a module plan, acts, looks again.

mod act;
mod fulfil;
mod late;
mod lock;
mod notes;
mod serve;
mod streams;

pub use serve::serve;
