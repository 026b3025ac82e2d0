//! `getent`: users, groups and addresses as this host knows them. A static binary must not ask libc itself.

use std::net::IpAddr;

use crate::exec::Command;
use crate::machine::accounts::User;

/// A user, by name or number.
pub fn passwd(key: &str) -> Command {
    Command::probe("getent").args(["passwd", key])
}

/// A group, by name or number.
pub fn group(key: &str) -> Command {
    Command::probe("getent").args(["group", key])
}

/// The addresses of a name.
pub fn addresses(host: &str) -> Command {
    Command::probe("getent").args(["ahosts", host])
}

/// `getent` ends with this when there is no such entry.
pub const NOT_FOUND: i32 = 2;

/// One line of passwd.
pub fn parse_passwd(line: &str) -> Result<(String, User), String> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, uid, gid, _, home, _] = fields.as_slice() else {
        return Err(format!("passwd: not seven fields in `{line}`"));
    };
    let number =
        |what: &str, text: &str| text.parse().map_err(|_| format!("passwd: {what} is no number in `{line}`"));
    let user = User { uid: number("uid", uid)?, gid: number("gid", gid)?, home: (*home).to_owned() };
    Ok(((*name).to_owned(), user))
}

/// One line of group.
pub fn parse_group(line: &str) -> Result<(String, u32), String> {
    let fields: Vec<&str> = line.split(':').collect();
    let [name, _, gid, _] = fields.as_slice() else {
        return Err(format!("group: not four fields in `{line}`"));
    };
    let gid = gid.parse().map_err(|_| format!("group: gid is no number in `{line}`"))?;
    Ok(((*name).to_owned(), gid))
}

/// The addresses that streams can go to, each once.
pub fn parse_addresses(text: &str) -> Result<Vec<IpAddr>, String> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| line.contains("STREAM")) {
        let word = line.split_whitespace().next().unwrap_or("");
        // A link-local address comes with its interface; it cannot be connected to without.
        let address = word.split('%').next().unwrap_or("");
        let address = address.parse().map_err(|_| format!("getent: no address in `{line}`"))?;
        if !found.contains(&address) {
            found.push(address);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_and_names_what_is_wrong() {
        let (name, user) = parse_passwd("www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin").unwrap();
        assert_eq!((name.as_str(), user.uid, user.home.as_str()), ("www-data", 33, "/var/www"));
        assert_eq!(parse_group("adm:x:4:syslog,me"), Ok(("adm".into(), 4)));
        assert!(parse_passwd("+::::::").unwrap_err().contains("uid is no number"));
        assert!(parse_group("x:y").unwrap_err().contains("not four fields"));
    }

    #[test]
    fn reads_addresses_once() {
        let text = "::1             STREAM localhost\n::1             DGRAM  \n127.0.0.1       STREAM \n";
        let found = parse_addresses(text).unwrap();
        assert_eq!(found, ["::1".parse::<IpAddr>().unwrap(), "127.0.0.1".parse().unwrap()]);
        assert!(parse_addresses("what STREAM x").is_err());
    }
}
