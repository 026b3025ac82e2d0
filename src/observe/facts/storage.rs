//! Disks, md arrays, LVM and mounts, as Ansible names them. What modules decide on is observed elsewhere, with more
//! care; this is for people and templates.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Ask, put};
use crate::exec::Command;
use crate::tools::mounts::{self, Mount};
use crate::value::{Map, Value};

pub(super) fn look(ask: &Ask<'_>, facts: &mut Map<String, Value>) {
    let links = Links::of(ask);
    let (mut devices, mut arrays, mut with_lvm) = (Map::new(), Map::new(), false);
    let mut masters: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in ask.list("/sys/block") {
        let folder = format!("/sys/block/{name}");
        let sectors = ask.number(&format!("{folder}/size")).unwrap_or(0);
        // Loop and memory devices without anything in them are only possibilities.
        if sectors == 0 {
            continue;
        }
        with_lvm |= ask.value(&format!("{folder}/dm/uuid")).is_some_and(|uuid| uuid.starts_with("LVM-"));
        for member in ask.list(&format!("{folder}/slaves")) {
            masters.entry(member).or_default().push(name.clone());
        }
        if ask.exists(&format!("{folder}/md")) {
            arrays.insert(name.clone(), array(ask, &folder).into());
        }
        devices.insert(name.clone(), device(ask, &folder, &name, sectors, &links).into());
    }
    facts.insert("devices".to_owned(), devices.into());
    facts.insert("md".to_owned(), arrays.into());
    facts.insert("device_links".to_owned(), links.dictionary(&masters).into());
    let said = if with_lvm && ask.system.identity().0 == 0 { ask.said(&full_report()) } else { None };
    put(facts, "lvm", volumes(said.as_deref().unwrap_or(r#"{"report": []}"#)));
    if let Some(all) = ask.text("/proc/self/mounts").and_then(|text| mounts::parse(&text).ok()) {
        facts.insert("mounts".to_owned(), mounted(ask, &all, &links).into());
    }
}

/// The names under /dev/disk, by device.
struct Links {
    ids: BTreeMap<String, Vec<String>>,
    uuids: BTreeMap<String, Vec<String>>,
    labels: BTreeMap<String, Vec<String>>,
}

impl Links {
    fn of(ask: &Ask<'_>) -> Self {
        let all = |kind: &str| {
            let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
            let folder = format!("/dev/disk/{kind}");
            for name in ask.list(&folder) {
                if let Some(device) = ask.link_name(&format!("{folder}/{name}")) {
                    found.entry(device).or_default().push(name);
                }
            }
            found
        };
        Self { ids: all("by-id"), uuids: all("by-uuid"), labels: all("by-label") }
    }

    fn dictionary(&self, masters: &BTreeMap<String, Vec<String>>) -> Map<String, Value> {
        let value = |all: &BTreeMap<String, Vec<String>>| -> Value {
            all.iter().map(|(device, names)| (device.clone(), Value::from(names.clone()))).collect()
        };
        [
            ("ids", value(&self.ids)),
            ("uuids", value(&self.uuids)),
            ("labels", value(&self.labels)),
            ("masters", value(masters)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    fn of_device(&self, device: &str) -> Map<String, Value> {
        let names = |all: &BTreeMap<String, Vec<String>>| all.get(device).cloned().unwrap_or_default();
        let mut links = Map::new();
        put(&mut links, "ids", Some(names(&self.ids)));
        put(&mut links, "uuids", Some(names(&self.uuids)));
        put(&mut links, "labels", Some(names(&self.labels)));
        links
    }
}

fn device(ask: &Ask<'_>, folder: &str, name: &str, sectors: u64, links: &Links) -> Map<String, Value> {
    let value = |file: &str| ask.value(&format!("{folder}/{file}"));
    let mut all = Map::new();
    put(&mut all, "virtual", Some(u8::from(!ask.exists(&format!("{folder}/device")))));
    for (fact, file) in [("vendor", "device/vendor"), ("model", "device/model")] {
        put(&mut all, fact, Some(value(file).map_or(Value::Null, Value::from)));
    }
    // virtio keeps it beside the queue, SCSI in the vital product data.
    let serial = value("serial").or_else(|| value("device/serial")).or_else(|| {
        let page = value("device/vpd_pg80")?;
        Some(page.chars().filter(char::is_ascii_graphic).collect())
    });
    put(&mut all, "serial", serial);
    put(&mut all, "wwn", value("wwid").or_else(|| value("device/wwid")));
    put(&mut all, "removable", value("removable"));
    put(&mut all, "rotational", value("queue/rotational"));
    put(&mut all, "sectorsize", Some(value("queue/logical_block_size").unwrap_or_else(|| "512".to_owned())));
    put(&mut all, "sectors", Some(sectors.to_string()));
    // The kernel counts sectors of 512 bytes whatever the disk's own are.
    put(&mut all, "size", Some(human(sectors * 512)));
    put(&mut all, "size_bytes", Some(sectors * 512));
    let scheduler = value("queue/scheduler");
    let chosen = scheduler.as_deref().and_then(|text| text.split_once('[')?.1.split(']').next());
    put(&mut all, "scheduler_mode", Some(chosen.unwrap_or("")));
    put(&mut all, "holders", Some(ask.list(&format!("{folder}/holders"))));
    put(&mut all, "links", Some(links.of_device(name)));
    let mut partitions = Map::new();
    for part in ask.list(folder) {
        let at = format!("{folder}/{part}");
        if !part.starts_with(name) || !ask.exists(&format!("{at}/partition")) {
            continue;
        }
        let sectors = ask.number(&format!("{at}/size")).unwrap_or(0);
        let mut one = Map::new();
        put(&mut one, "start", ask.value(&format!("{at}/start")));
        put(&mut one, "sectors", Some(sectors.to_string()));
        put(&mut one, "sectorsize", Some(512));
        put(&mut one, "size", Some(human(sectors * 512)));
        put(&mut one, "size_bytes", Some(sectors * 512));
        put(&mut one, "uuid", links.uuids.get(&part).and_then(|uuids| uuids.first()).cloned());
        put(&mut one, "holders", Some(ask.list(&format!("{at}/holders"))));
        put(&mut one, "links", Some(links.of_device(&part)));
        partitions.insert(part, one.into());
    }
    put(&mut all, "partitions", Some(partitions));
    all
}

fn array(ask: &Ask<'_>, folder: &str) -> Map<String, Value> {
    let value = |file: &str| ask.value(&format!("{folder}/md/{file}"));
    let number = |file: &str| value(file).and_then(|text| text.parse::<u64>().ok());
    let mut all = Map::new();
    put(&mut all, "level", value("level"));
    put(&mut all, "state", value("array_state"));
    put(&mut all, "sync_action", value("sync_action"));
    put(&mut all, "degraded", number("degraded"));
    put(&mut all, "raid_disks", number("raid_disks"));
    put(&mut all, "uuid", value("uuid"));
    put(&mut all, "devices", Some(ask.list(&format!("{folder}/slaves"))));
    all
}

fn full_report() -> Command {
    Command::probe("lvm")
        .args(["fullreport", "--reportformat", "json", "--units", "g", "--nosuffix"])
        .deadline(Duration::from_secs(10))
}

/// Volume groups, logical and physical volumes of `lvm fullreport`.
fn volumes(said: &str) -> Option<Map<String, Value>> {
    let report: Value = serde_json::from_str(said).ok()?;
    let (mut vgs, mut lvs, mut pvs) = (Map::new(), Map::new(), Map::new());
    for group in report.get("report")?.as_array()? {
        let rows = |kind: &str| group.get(kind).and_then(Value::as_array).into_iter().flatten();
        let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let pick = |row: &Value, keys: &[(&str, &str)]| -> Value {
            keys.iter().map(|(name, key)| ((*name).to_owned(), Value::from(text(row, key)))).collect()
        };
        let vg = rows("vg").next().map(|row| text(row, "vg_name")).unwrap_or_default();
        for row in rows("vg").filter(|_| !vg.is_empty()) {
            let keys = [
                ("size_g", "vg_size"),
                ("free_g", "vg_free"),
                ("num_lvs", "lv_count"),
                ("num_pvs", "pv_count"),
            ];
            vgs.insert(vg.clone(), pick(row, &keys));
        }
        let with_group = |mut value: Value| {
            value["vg"] = vg.as_str().into();
            value
        };
        for row in rows("lv").filter(|row| !text(row, "lv_name").starts_with('[')) {
            lvs.insert(text(row, "lv_name"), with_group(pick(row, &[("size_g", "lv_size")])));
        }
        for row in rows("pv") {
            let value = pick(row, &[("size_g", "pv_size"), ("free_g", "pv_free")]);
            pvs.insert(text(row, "pv_name"), with_group(value));
        }
    }
    let all = [("lvs", lvs), ("vgs", vgs), ("pvs", pvs)];
    Some(all.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
}

/// Mounts of devices and servers; sizes only of this host's own, asked for by a child that can be left behind.
fn mounted(ask: &Ask<'_>, all: &[Mount], links: &Links) -> Vec<Value> {
    let shown: Vec<&Mount> =
        all.iter().filter(|mount| mount.is_local_storage() || mount.source.contains(":/")).collect();
    let own: Vec<&str> =
        shown.iter().filter(|mount| !mount.is_remote()).map(|mount| mount.target.as_str()).collect();
    let sizes =
        if own.is_empty() { BTreeMap::new() } else { sizes(&ask.said(&sizes_of(&own)).unwrap_or_default()) };
    shown
        .into_iter()
        .map(|mount| {
            let mut one = Map::new();
            put(&mut one, "mount", Some(mount.target.as_str()));
            put(&mut one, "device", Some(mount.source.as_str()));
            put(&mut one, "fstype", Some(mount.kind.as_str()));
            put(&mut one, "options", Some(mount.options.as_str()));
            let device = ask
                .link_name(&mount.source)
                .unwrap_or_else(|| mount.source.rsplit('/').next().unwrap_or_default().to_owned());
            let uuid = links.uuids.get(&device).and_then(|uuids| uuids.first()).cloned();
            put(&mut one, "uuid", Some(uuid.unwrap_or_else(|| "N/A".to_owned())));
            for (name, number) in sizes.get(&mount.target).into_iter().flatten() {
                put(&mut one, name, Some(*number));
            }
            one.into()
        })
        .collect()
}

fn sizes_of(targets: &[&str]) -> Command {
    Command::probe("stat")
        .args(["--file-system", "--format=%S %b %f %a %c %d %n", "--"])
        .args(targets.iter().copied())
        .deadline(Duration::from_secs(5))
}

fn sizes(said: &str) -> BTreeMap<String, Vec<(&'static str, u64)>> {
    let line = |line: &str| {
        let words: Vec<&str> = line.splitn(7, ' ').collect();
        let [numbers @ .., target] = words.as_slice() else { return None };
        let numbers: Vec<u64> = numbers.iter().map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let [block, total, free, available, inodes, inodes_free] = numbers[..] else { return None };
        let all = vec![
            ("block_size", block),
            ("block_total", total),
            ("block_available", available),
            ("block_used", total.saturating_sub(free)),
            ("size_total", total.saturating_mul(block)),
            ("size_available", available.saturating_mul(block)),
            ("inode_total", inodes),
            ("inode_available", inodes_free),
            ("inode_used", inodes.saturating_sub(inodes_free)),
        ];
        Some(((*target).to_owned(), all))
    };
    said.lines().filter_map(line).collect()
}

/// Bytes as Ansible writes them: `10.00 GB` with binary units.
fn human(bytes: u64) -> String {
    let units = ["Bytes", "KB", "MB", "GB", "TB", "PB"];
    let mut at = 0;
    let mut hundredths = u128::from(bytes) * 100;
    while hundredths >= 102_400 && at + 1 < units.len() {
        hundredths /= 1024;
        at += 1;
    }
    format!("{}.{:02} {}", hundredths / 100, hundredths % 100, units[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::{Status, Transcript};

    #[test]
    fn describes_disks_arrays_and_mounts() {
        let stat = "stat --file-system '--format=%S %b %f %a %c %d %n' -- /";
        let system = Transcript::new()
            .file("/sys/block/vda/size", "20971520\n")
            .file("/sys/block/vda/serial", "HF-1\n")
            .file("/sys/block/vda/device/x", "")
            .file("/sys/block/vda/queue/scheduler", "none [mq-deadline]\n")
            .file("/sys/block/vda/vda1/partition", "1\n")
            .file("/sys/block/vda/vda1/size", "2048\n")
            .file("/sys/block/md0/size", "2048\n")
            .file("/sys/block/md0/md/level", "raid1\n")
            .file("/sys/block/md0/slaves/vda", "")
            .file("/sys/block/loop0/size", "0\n")
            .link("/dev/disk/by-uuid/AB-12", "../../vda1")
            .file(
                "/proc/self/mounts",
                "/dev/vda1 / ext4 rw 0 0\nproc /proc proc rw 0 0\nsrv:/x /n nfs4 rw 0 0\n",
            )
            .ends(stat, Status::Code(0), "4096 100 50 40 10 5 /\n", "");
        let mut facts = Map::new();
        look(&Ask { system: &system }, &mut facts);
        let vda = &facts["devices"]["vda"];
        assert_eq!((&vda["size"], &vda["serial"]), (&"10.00 GB".into(), &"HF-1".into()));
        assert_eq!((&vda["scheduler_mode"], &vda["virtual"]), (&"mq-deadline".into(), &0.into()));
        assert_eq!(vda["partitions"]["vda1"]["uuid"], "AB-12");
        assert_eq!(facts["devices"].as_object().unwrap().len(), 2);
        assert_eq!(facts["md"]["md0"]["level"], "raid1");
        assert_eq!(facts["device_links"]["masters"]["vda"], Value::from(vec!["md0"]));
        let mounts = facts["mounts"].as_array().unwrap();
        assert_eq!((&mounts[0]["size_available"], &mounts[0]["uuid"]), (&163_840.into(), &"AB-12".into()));
        assert_eq!((mounts.len(), mounts[1].get("size_total")), (2, None));
    }

    #[test]
    fn reads_lvms_full_report() {
        let said = r#"{"report":[{"vg":[{"vg_name":"vg0","vg_size":"9.99","vg_free":"4.99","lv_count":"1",
            "pv_count":"1"}],"pv":[{"pv_name":"/dev/vdb","pv_size":"9.99","pv_free":"4.99"}],
            "lv":[{"lv_name":"data","lv_size":"5.00"}],"pvseg":[],"seg":[]}]}"#;
        let lvm = volumes(said).unwrap();
        assert_eq!(
            (&lvm["vgs"]["vg0"]["free_g"], &lvm["lvs"]["data"]["vg"]),
            (&"4.99".into(), &"vg0".into())
        );
        assert_eq!(lvm["pvs"]["/dev/vdb"]["vg"], "vg0");
        assert_eq!(volumes("nonsense"), None);
    }
}
