//! mdadm.conf: which arrays get which names at boot.

use super::uuid;
use crate::machine::block::{Registered, Uuid};

/// The line that gives an array its name at boot. The UUID is a late name: the array need not exist yet.
pub fn registration(name: &str) -> Registered {
    let path = format!("/dev/md/{name}");
    let line = format!("ARRAY {path} metadata=1.2 UUID=@{{md-uuid:{path}}}");
    Registered { path, uuid: Uuid::Late, line }
}

/// The `ARRAY` lines of a configuration file. Its other lines are not ours to judge.
pub fn parse_config(text: &str) -> Vec<Registered> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("ARRAY")) {
            continue;
        }
        let mut array = Registered { path: String::new(), uuid: Uuid::Late, line: line.to_owned() };
        for word in words {
            match word.split_once('=') {
                Some((field, value)) if field.eq_ignore_ascii_case("uuid") => {
                    array.uuid = Uuid::Known(uuid(value));
                }
                None if array.path.is_empty() && !word.starts_with('#') => word.clone_into(&mut array.path),
                _ => {}
            }
        }
        if !array.path.is_empty() && !array.path.starts_with('/') && !array.path.starts_with('<') {
            array.path = format!("/dev/md/{}", array.path);
        }
        if array.uuid != Uuid::Late {
            found.push(array);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_array_lines_only() {
        let text = "# ARRAY /dev/md/x UUID=1\nHOMEHOST <system>\narray /dev/md/kvm metadata=1.2 name=any:kvm uuid=AABBCCDD:0:0:0\nARRAY <ignore> UUID=11111111:22222222:33333333:44444444\nARRAY /dev/md/y devices=/dev/a\n";
        let found = parse_config(text);
        assert_eq!(
            found.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(),
            ["/dev/md/kvm", "<ignore>"]
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in ".*") {
            let _ = parse_config(&text);
        }
    }
}
