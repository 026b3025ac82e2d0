//! Users and groups, as `getent` knows them (a static binary must not ask libc).

use std::collections::BTreeMap;

/// The accounts that were looked at, by the name or number they were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts {
    /// `None`: there is no such user.
    pub users: BTreeMap<String, Option<User>>,
    /// Group ids; `None`: there is no such group.
    pub groups: BTreeMap<String, Option<u32>>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
    pub home: String,
}
