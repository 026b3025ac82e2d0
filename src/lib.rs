//! Holdfast: storage automation for fleets.
pub mod agent;
pub mod build;
pub mod cli;
pub mod diagnostic;
pub mod event;
pub mod exec;
pub mod machine;
pub mod modules;
pub mod observe;
pub mod plan;
pub mod protocol;
pub mod report;
pub mod tools;
pub mod transport;
pub mod units;
pub mod value;
pub mod yaml;
