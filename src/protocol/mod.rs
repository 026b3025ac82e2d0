//! What controller and agent say to each other. Both are the same bytes, so there are no versions.

pub mod frame;
mod message;

pub use message::{Answer, Ask, Order, Report};
