//! Tests of the whole program: the real binary, a real sshd on loopback.

mod architecture;
mod bad_input;
mod holdfast;
mod over_ssh;
mod sshd;
