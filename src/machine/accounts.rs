//! Users and groups, as `getent` knows them (a static binary must not ask libc).

use std::collections::BTreeMap;

/// The accounts that were looked at, by the name or number they were asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Accounts {
    /// `None`: there is no such user.
    pub users: BTreeMap<String, Option<User>>,
    /// Group ids; `None`: there is no such group.
    pub groups: BTreeMap<String, Option<u32>>,
    /// The user and group that new things belong to.
    pub own: (u32, u32),
    /// Names of the users of this host's own passwd file, where a path was looked at.
    pub user_names: BTreeMap<u32, String>,
    /// Names of the groups of this host's own group file, where a path was looked at.
    pub group_names: BTreeMap<u32, String>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
    pub home: String,
}
