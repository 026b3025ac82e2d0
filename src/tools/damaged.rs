//! Every parser on damaged output: a tool that was cut short, speaks another version's language, or prints rubbish in
//! the middle must give an error, never a panic. A parser that is missing in the list below fails a test.

use proptest::prelude::{Strategy, any, proptest};
use proptest::sample::Index;

use super::{
    apt, blkid, cryptsetup, crypttab, dpkg, exportfs, findmnt, fstab, getent, ip, lsattr, luks_header, lvm,
    mdadm, mountinfo, mounts, procfs, sfdisk, swap, sysctl, systemctl, udev, wipefs, xfs_quota, zfs,
};
use crate::exec::{Output, Status};

struct Parser {
    file: &'static str,
    read: fn(&str),
    sample: &'static str,
}

macro_rules! parsers {
    ($($file:ident :: $parser:ident ($sample:expr)),* $(,)?) => {
        const PARSERS: &[Parser] = &[$(Parser {
            file: stringify!($file),
            read: |text| drop($file::$parser(text)),
            sample: $sample,
        }),*, Parser {
            file: "luks_header",
            read: |text| drop(luks_header::parse(&header(text))),
            sample: "{\"keyslots\":{\"0\":{\"type\":\"luks2\",\"key_size\":64}},\"segments\":{\"0\":{\"type\":\"crypt\",\
                \"offset\":\"16777216\",\"size\":\"dynamic\",\"encryption\":\"aes-xts-plain64\",\"sector_size\":512}},\
                \"digests\":{\"0\":{\"hash\":\"sha256\"}},\"config\":{\"flags\":[\"allow-discards\"]}}",
        }, Parser {
            file: "findmnt",
            read: |text| for (stdout, stderr) in [(text, ""), ("", text)] {
                drop(findmnt::parse(&Output { status: Status::Code(1), stdout: stdout.into(), stderr: stderr.into() }));
            },
            sample: "/srv/x\n   [E] unreachable on boot required source: UUID=ab\nfindmnt: parse error at line 8 -- ignored\n",
        }, Parser {
            file: "blkid",
            read: |text| for status in [0, 2, 8] {
                drop(blkid::parse(&Output { status: Status::Code(status), stdout: text.into(), stderr: vec![] }));
            },
            sample: "DEVNAME=/dev/vdb\nUUID=f6b1b2a5-a3ca\nLABEL=any:kvm\nTYPE=linux_raid_member\nUSAGE=raid\n",
        }, Parser {
            file: "sfdisk",
            read: |text| for status in [0, 1] {
                let output = Output { status: Status::Code(status), stdout: text.into(), stderr: vec![] };
                drop(sfdisk::parse("/dev/vdb", 1 << 30, &output));
            },
            sample: "{\"partitiontable\":{\"label\":\"gpt\",\"id\":\"04B8\",\"device\":\"/dev/vdb\",\"firstlba\":2048,\
                \"lastlba\":2097118,\"sectorsize\":512,\"partitions\":[{\"node\":\"/dev/vdb1\",\"start\":2048,\
                \"size\":204800,\"type\":\"E6D6\",\"name\":\"a b\",\"attrs\":\"GUID:63\"}]}}",
        }];
    };
}

parsers![
    apt::parse_policy("mdadm:\n  Installed: (none)\n  Candidate: 4.2-5\n  Version table:\n     4.2-5 500\n"),
    cryptsetup::opened_slot("No usable token is available.\nKey slot 5 unlocked.\nCommand successful.\n"),
    cryptsetup::flags("/dev/mapper/a is active.\n  type:    LUKS2\n  flags:   discards no_read_workqueue \n"),
    crypttab::parse("# x\nbox UUID=42cd /etc/keys/box luks,discard,nofail\n"),
    dpkg::parse("installed\tpostfix\t3.7.11-0+deb12u1\tdefault-mta, mail-transport-agent (= 3)\n"),
    exportfs::written("# x\n/srv/a *(ro) \\\n  b(rw)\n\"/c d\" *(ro)\n"),
    exportfs::parse("/srv/kvm  10.0.0.0/24(sync,wdelay,hide,sec=sys,rw,secure,no_root_squash)\n"),
    fstab::parse("UUID=ab /  ext4 errors=remount-ro 0 1 # root\nnone none swap sw\n"),
    getent::parse_passwd("www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin"),
    getent::parse_group("adm:x:4:syslog,me"),
    getent::parse_addresses("::1             STREAM localhost\n127.0.0.1       STREAM \n"),
    ip::parse_addresses(
        r#"[{"ifname":"eth0","flags":["UP"],"mtu":1400,"operstate":"UP","link_type":"ether","address":"02:fc",
        "addr_info":[{"family":"inet","local":"192.0.2.2","prefixlen":20,"scope":"global"}]}]"#
    ),
    ip::parse_routes(r#"[{"dst":"default","gateway":"192.0.2.1","dev":"eth0","flags":[]}]"#),
    lsattr::parse("   42 -------------------P-- /srv/x\n"),
    lvm::parse(
        r#"{"report":[{"vg":[{"vg_name":"vg","vg_uuid":"MW7Q36","vg_extent_size":"4194304","vg_missing_pv_count":"0",
        "vg_tags":""}],"pv":[{"pv_name":"/dev/md127","pv_uuid":"p","pe_start":"1048576","pv_pe_count":"2045",
        "dev_size":"8580497408"}],"lv":[{"lv_name":"images","lv_uuid":"a","lv_size":"5033164800","lv_layout":"linear",
        "lv_role":"public","lv_active":"active","lv_tags":"","origin":"","pool_lv":"","data_lv":"","metadata_lv":"",
        "lv_parent":"","data_percent":"10.94","lv_profile":"","move_pv":"","lv_merging":""}],
        "pvseg":[{"pv_name":"/dev/md127","pvseg_size":"1200","lv_name":"images"}],
        "seg":[{"lv_name":"images","stripes":"1","stripe_size":"0","chunk_size":"0","cache_mode":""}]}]}"#
    ),
    mdadm::parse_detail(
        "MD_LEVEL=raid1\nMD_DEVICES=2\nMD_METADATA=1.2\nMD_UUID=87fc5c59:ce2058af:d0b2b919:2807aaad\nMD_NAME=any:a\n\
         MD_DEVICE_dev_vdc_ROLE=spare\nMD_DEVICE_dev_vdc_DEV=/dev/vdc\n"
    ),
    mdadm::parse_config("ARRAY /dev/md/kvm metadata=1.2 UUID=87fc5c59:ce2058af:d0b2b919:2807aaad\n"),
    mountinfo::parse("217 27 253:0 / /srv/kvm rw,noatime shared:115 - xfs /dev/mapper/vg-lv rw,attr2\n"),
    mounts::parse("/dev/vda1 / ext4 rw,relatime 0 0\nsrv:/my\\040data /mnt/my\\040data nfs4 rw 0 0\n"),
    procfs::meminfo("MemTotal:       24684092 kB\nHugePages_Total:       0\n"),
    procfs::cpuinfo("processor\t: 0\nphysical id\t: 0\nsiblings\t: 2\ncpu cores\t: 1\n\n"),
    procfs::shell_variables("PRETTY_NAME=\"Debian GNU/Linux 12\"\n# x=y\nID=debian\n"),
    procfs::cmdline("BOOT_IMAGE=/vmlinuz root=UUID=1-2 ro console=tty0\n"),
    swap::parse("Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 1 0 -2\n"),
    sysctl::parse("# a = 1\n-vm.x =  1 2\nvm.y=3\n"),
    systemctl::parse_show("Type=notify\nLoadState=loaded\nActiveState=active\nNeedDaemonReload=no\n\n"),
    udev::parse("S:disk/by-id/x\nE:ID_SERIAL=HF-1\nE:ID_FS_LABEL_ENC=a\\x20b\nV:1\n"),
    xfs_quota::parse_dump("fs = /dev/vdb\n42           81920  102400       0     100\n"),
    xfs_quota::parse_projid("photos:42\n"),
    xfs_quota::parse_projects("42:/srv/x/photos\n"),
    zfs::parse_status(
        "  pool: tank\nconfig:\n\n\tNAME  STATE\n\ttank  ONLINE\n\t  mirror-0  ONLINE\n\t    /dev/vdb1  ONLINE\n\tspares\n"
    ),
    zfs::parse_pools("tank\t6433667918959421974\t603979776\t540672\t603439104\tONLINE\n"),
    zfs::parse_datasets("tank/a@s\tsnapshot\t808829930115475587\t0\t98304\t-\t-\t-\t-\t1\ttank/c,tank/d\n"),
    zfs::parse_holds("tank/a@s\tkeep\tTue Nov 24 22:14 2026\n"),
    zfs::parse_pool_properties("tank\tashift\t12\tlocal\n"),
    zfs::parse_dataset_properties("tank/a\tcompression\tzstd\tinherited from tank\t-\n"),
    zfs::parse_label(
        "LABEL 0\n    name: 'tank'\n    state: 0\n    guid: 183\n    vdev_tree:\n        ashift: 12\n"
    ),
    wipefs::parse(r#"{"signatures":[{"device":"vdb","offset":"0x1000","type":"ext4","uuid":"f6"}]}"#),
];

/// A whole header of LUKS2 around a description, with the checksum it has to have.
fn header(description: &str) -> Vec<u8> {
    use sha2::Digest as _;
    let mut bytes = b"LUKS\xba\xbe\0\x02\0\0\0\0\0\0\x40\0".to_vec();
    bytes.resize(72, 0);
    bytes.extend(b"sha256");
    bytes.resize(4096, 0);
    bytes.extend(description.bytes());
    bytes.resize(16384, 0);
    let sum = sha2::Sha256::digest(&bytes);
    bytes[448..480].copy_from_slice(&sum);
    bytes
}

/// A sample with some bytes replaced, cut out or put in twice.
fn damage() -> impl Strategy<Value = Vec<(Index, Index, Option<String>)>> {
    let piece = proptest::option::of("[0-9]{1,25}|[\\-:/=,{}\\[\\]\" \n\t\0é]{1,3}|.{0,5}");
    proptest::collection::vec((any::<Index>(), any::<Index>(), piece), 0..4)
}

fn damaged(sample: &str, damage: &[(Index, Index, Option<String>)]) -> String {
    let mut text: Vec<char> = sample.chars().collect();
    for (from, to, piece) in damage {
        let (from, to) = (from.index(text.len() + 1), to.index(text.len() + 1));
        let range = from.min(to)..from.max(to);
        match piece {
            // Small pieces replace few characters: most of the text stays as the parser knows it.
            Some(piece) => drop(text.splice(range.start..range.end.min(range.start + 3), piece.chars())),
            None => drop(text.drain(range)),
        }
    }
    text.into_iter().collect()
}

proptest! {
    #[test]
    fn damaged_output_is_no_panic(which in any::<Index>(), damage in damage()) {
        let parser = which.get(PARSERS);
        (parser.read)(&damaged(parser.sample, &damage));
    }

    #[test]
    fn any_text_is_no_panic(text in "(.|\n)*") {
        for parser in PARSERS {
            (parser.read)(&text);
        }
    }
}

#[test]
fn every_parser_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tools");
    let mut missing = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let parses = path.is_file()
            && name != "damaged"
            && std::fs::read_to_string(&path).unwrap().contains("pub fn parse");
        if parses && !PARSERS.iter().any(|parser| parser.file == name) {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "no damaged output is tried on {missing:?}");
}
