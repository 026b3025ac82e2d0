//! Plans on a machine with one XFS that counts.

use serde_json::{Value, json};

use super::super::fixture::{becomes, host, refused};
use crate::machine::Machine;
use crate::machine::accounts::User;
use crate::machine::mounts::Live;

fn mounted(options: &[&str]) -> Machine {
    let mut machine = host(1);
    machine.mounts.as_mut().unwrap().live.push(Live {
        target: "/srv/x".into(),
        source: "/dev/vdb".into(),
        fstype: "xfs".into(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        root: "/".into(),
    });
    let user = User { uid: 1000, gid: 1000, home: "/".into() };
    machine.accounts.users.insert("ann".into(), Some(user));
    machine.accounts.users.insert("nobody-knows".into(), None);
    machine
}

fn project(more: &Value) -> Value {
    let mut args = json!({"type": "project", "name": "photos", "mountpoint": "/srv/x/"});
    args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    args
}

#[test]
fn a_project_is_made_limited_and_forgotten() {
    let mut machine = mounted(&["rw", "prjquota"]);
    let made = project(&json!({"id": 42, "path": "/srv/x/photos", "bhard": "50m", "ihard": 100}));
    let text = becomes(&mut machine, "xfs_quota", &made);
    for line in [
        "+ project photos 42, /srv/x/photos\n    edit /etc/projid (1 lines)\n    edit /etc/projects (1 lines)\n",
        "    xfs_quota -x -c 'project -s photos' /srv/x\n",
        "    xfs_quota -x -c 'limit -p bsoft=0 bhard=52428800 isoft=0 ihard=100 42' /srv/x\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let text = becomes(&mut machine, "xfs_quota", &project(&json!({"bsoft": "40m"})));
    assert!(text.contains("limit -p bsoft=41943040 bhard=52428800 isoft=0 ihard=100 42"), "{text}");
    let other = refused(&machine, "xfs_quota", &project(&json!({"id": 43})));
    assert!(other.starts_with("the project photos has the number 42, not 43"), "{other}");
    let mut thief = project(&json!({"id": 42, "path": "/srv/x/photos"}));
    thief["name"] = "other".into();
    assert!(refused(&machine, "xfs_quota", &thief).contains("belongs to the project photos, not to other"));
    let absent = project(&json!({"path": "/srv/x/photos", "state": "absent"}));
    let text = becomes(&mut machine, "xfs_quota", &absent);
    assert!(text.contains("'limit -p bsoft=0 bhard=0 isoft=0 ihard=0 42'"), "{text}");
    assert!(text.contains("'project -C photos'") && text.contains("edit /etc/projid"), "{text}");
}

#[test]
fn users_are_limited_where_they_are_counted() {
    let args = |name: &str| json!({"type": "user", "name": name, "mountpoint": "/srv/x", "bhard": "10m", "isoft": 5});
    let text = becomes(&mut mounted(&["usrquota"]), "xfs_quota", &args("ann"));
    assert!(text.contains("'limit -u bsoft=0 bhard=10485760 isoft=5 ihard=0 1000' /srv/x"), "{text}");
    let text = refused(&mounted(&["usrquota"]), "xfs_quota", &args("nobody-knows"));
    assert_eq!(text, "there is no user nobody-knows");
    let text = refused(&mounted(&["noquota"]), "xfs_quota", &args("ann"));
    assert!(text.starts_with("the xfs at /srv/x is mounted without limits of users"), "{text}");
    assert!(text.contains("mount it with `usrquota`"), "{text}");
    let mut machine = mounted(&["usrquota"]);
    machine.mounts.as_mut().unwrap().live.clear();
    assert!(refused(&machine, "xfs_quota", &args("ann")).starts_with("nothing is mounted at /srv/x"));
}

#[test]
fn what_cannot_be_is_refused() {
    let machine = mounted(&["prjquota"]);
    let outside = project(&json!({"id": 42, "path": "/srv/y"}));
    assert!(refused(&machine, "xfs_quota", &outside).starts_with("/srv/y is not below /srv/x"));
    let unknown = refused(&machine, "xfs_quota", &project(&json!({"bhard": "1g"})));
    assert!(unknown.contains("there is no project photos") && unknown.contains("give its `id` and `path`"));
    let user = json!({"type": "user", "name": "ann", "mountpoint": "/srv/x", "id": 4});
    assert!(refused(&machine, "xfs_quota", &user).starts_with("`path` and `id` are for a project"));
    let bad =
        |args: Value| super::super::find("xfs_quota").unwrap().decode(args.as_object().unwrap()).is_err();
    assert!(bad(json!({"type": "project", "name": "a b", "mountpoint": "/srv/x"})));
    assert!(bad(json!({"type": "project", "name": "a", "mountpoint": "srv"})));
    assert!(bad(json!({"type": "user", "name": "a", "mountpoint": "/srv", "bhard": "lots"})));
    assert!(bad(json!({"type": "user", "name": "a", "mountpoint": "/srv", "rtbhard": "1g"})));
}
