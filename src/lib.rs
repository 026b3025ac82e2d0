//! Holdfast: storage automation for fleets.
//!
//! One binary, two roles. On the controller it reads inventories, playbooks and roles, renders orders and tells what
//! becomes of them. On a host, started as `holdfast agent`, it observes, plans, acts, observes and plans again.
//!
//! ```text
//! cli -> playbook, inventory -> engine -> template -> Order -> transport ... agent -> observe -> modules -> act
//!                                  \-> Event -> report
//! ```
//!
//! What holds everywhere (`tests/it/architecture.rs` checks what can be checked):
//!
//! - Modules decide and do nothing; [`agent`] is the only code that changes a machine; [`engine`] knows no tool.
//! - A plan is plain data, the same in a dry run and in a real one.
//! - What would destroy data needs a consent that names it; unknown content counts as in use.
//! - Only [`report`] and [`cli`] print; only [`exec`], [`transport`] and `lab` spawn processes.
//! - Three kinds of no: [`diagnostic::Diagnostic`], [`plan::Refusal`], [`plan::Failure`]; none is ever just a string.

pub mod agent;
pub mod build;
pub mod cli;
pub mod diagnostic;
pub mod engine;
pub mod event;
pub mod exec;
pub mod exit;
pub mod inventory;
pub mod lab;
pub mod machine;
pub mod modules;
pub mod observe;
pub mod plan;
pub mod playbook;
pub mod protocol;
pub mod report;
pub mod secret;
pub mod template;
pub mod tools;
pub mod transport;
pub mod units;
pub mod value;
pub mod yaml;
