//! What the playbook asks of the template engine while nothing is rendered yet: is this text well-formed, and are its
//! filters and tests known?

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source};
use crate::yaml::Node;

/// Checks text that will be rendered later.
pub trait Lint {
    /// A scalar with `{{ }}` or `{% %}` in it.
    fn template(&self, node: &Node) -> Vec<Diagnostic>;
    /// A bare expression, as in `when`.
    fn condition(&self, node: &Node) -> Vec<Diagnostic>;
    /// A template file.
    fn file(&self, source: &Arc<Source>) -> Vec<Diagnostic>;
}

/// Finds nothing; for callers that only want the structure.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoLint;

impl Lint for NoLint {
    fn template(&self, _: &Node) -> Vec<Diagnostic> {
        Vec::new()
    }

    fn condition(&self, _: &Node) -> Vec<Diagnostic> {
        Vec::new()
    }

    fn file(&self, _: &Arc<Source>) -> Vec<Diagnostic> {
        Vec::new()
    }
}
