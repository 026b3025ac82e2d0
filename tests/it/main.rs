//! Tests of the whole program: the real binary, a real sshd on loopback.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod architecture;
mod bad_input;
mod holdfast;
mod interrupt;
mod over_ssh;
mod sshd;
