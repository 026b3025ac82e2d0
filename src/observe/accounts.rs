//! Users and groups: the host's own files first, because they answer at once, and `getent` for whatever they do not
//! know (a directory service, say).

use std::path::Path;

use crate::exec::{Command, Status, System};
use crate::machine::Needs;
use crate::machine::accounts::{Accounts, User};
use crate::plan::Failure;
use crate::tools::getent;

pub(super) fn fill(accounts: &mut Accounts, needs: &Needs, system: &dyn System) -> Result<(), Failure> {
    let missing = |known: Option<bool>| known != Some(true);
    // An account that was missing may be there now; one that was there stays.
    let users: Vec<&String> =
        needs.users.iter().filter(|key| missing(accounts.users.get(*key).map(Option::is_some))).collect();
    let groups: Vec<&String> =
        needs.groups.iter().filter(|key| missing(accounts.groups.get(*key).map(Option::is_some))).collect();
    let names = !needs.paths.is_empty() && accounts.user_names.is_empty();
    if users.is_empty() && groups.is_empty() && !names {
        return Ok(());
    }
    let local_users = local(system, "/etc/passwd", getent::parse_passwd);
    let local_groups = local(system, "/etc/group", getent::parse_group);
    accounts.user_names = local_users.iter().rev().map(|(name, user)| (user.uid, name.clone())).collect();
    accounts.group_names = local_groups.iter().rev().map(|(name, gid)| (*gid, name.clone())).collect();
    for key in users {
        let own = local_users.iter().find(|(name, user)| name == key || user.uid.to_string() == *key);
        let user = match own {
            Some((_, user)) => Some(user.clone()),
            None => ask(&getent::passwd(key), getent::parse_passwd, system)?,
        };
        // A bare number needs no account.
        let bare = || key.parse().ok().map(|uid| User { uid, gid: uid, home: "/".to_owned() });
        accounts.users.insert(key.clone(), user.or_else(bare));
    }
    for key in groups {
        let own = local_groups.iter().find(|(name, gid)| name == key || gid.to_string() == *key);
        let gid = match own {
            Some((_, gid)) => Some(*gid),
            None => ask(&getent::group(key), getent::parse_group, system)?,
        };
        accounts.groups.insert(key.clone(), gid.or_else(|| key.parse().ok()));
    }
    Ok(())
}

/// The lines that are accounts; `+` lines of old directory services and comments are none.
fn local<T>(
    system: &dyn System,
    path: &str,
    parse: fn(&str) -> Result<(String, T), String>,
) -> Vec<(String, T)> {
    let text = system.read(Path::new(path)).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(|line| parse(line).ok()).collect()
}

fn ask<T>(
    command: &Command,
    parse: fn(&str) -> Result<(String, T), String>,
    system: &dyn System,
) -> Result<Option<T>, Failure> {
    let output = system.run(command);
    match output.status {
        Status::Code(0) => {
            let text = output.text();
            let (_, found) = parse(text.lines().next().unwrap_or("")).map_err(Failure::new)?;
            Ok(Some(found))
        }
        Status::Code(getent::NOT_FOUND) => Ok(None),
        _ => Err(Failure::of(command, &output)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::Transcript;

    #[test]
    fn asks_only_for_what_the_files_do_not_know() {
        let system = Transcript::new()
            .file("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/sh\n")
            .file("/etc/group", "root:x:0:\n")
            .says("getent passwd ldapuser", "ldapuser:*:20001:20001:L:/home/l:/bin/sh\n")
            .ends("getent group nobodyknows", Status::Code(2), "", "")
            .ends("getent group 4711", Status::Code(2), "", "");
        let needs = Needs {
            users: vec!["ann".into(), "0".into(), "ldapuser".into()],
            groups: vec!["nobodyknows".into(), "4711".into()],
            ..Needs::nothing()
        };
        let mut accounts = Accounts::default();
        fill(&mut accounts, &needs, &system).unwrap();
        let uid = |key: &str| accounts.users[key].as_ref().map(|user| user.uid);
        assert_eq!((uid("ann"), uid("0"), uid("ldapuser")), (Some(1000), Some(0), Some(20001)));
        assert_eq!((accounts.groups["nobodyknows"], accounts.groups["4711"]), (None, Some(4711)));
        assert_eq!(accounts.user_names[&1000], "ann");
    }
}
