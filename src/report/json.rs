//! One event per line, for programs. Each line is a whole JSON document and carries the version of the schema.

use std::io::Write;

use serde::Serialize;

use super::Report;
use crate::event::{Event, SCHEMA, What};

/// Writes events as JSON lines, each at once, so that a reader can follow.
#[derive(Debug)]
pub struct Json<W> {
    out: W,
}

impl<W: Write + Send> Json<W> {
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

/// An event with the schema's version, unless it says it itself.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<u32>,
    #[serde(flatten)]
    event: &'a Event,
}

impl<W: Write + Send> Report for Json<W> {
    fn hear(&mut self, event: &Event) {
        let schema = (!matches!(event.what, What::RunStarted { .. })).then_some(SCHEMA);
        // Plain data of our own always serialises; a reader that has gone away must not stop the run.
        if let Ok(mut line) = serde_json::to_vec(&Line { schema, event }) {
            line.push(b'\n');
            let _ = self.out.write_all(&line).and_then(|()| self.out.flush());
        }
    }

    fn finish(&mut self) {
        let _ = self.out.flush();
    }
}
