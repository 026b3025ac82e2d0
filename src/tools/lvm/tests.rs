use super::*;
use crate::machine::lvm::{CacheKind, Lvm, RaidLevel};

/// Captured: LVM 2.03.16, cut to the columns that are read and two of a kind.
const REPORT: &str = r#"  WARNING: something
  {"report":[{"vg":[{"vg_name":"vg","vg_uuid":"HQkKfQ","vg_extent_size":"4194304","vg_missing_pv_count":"0","vg_tags":"b,a"}],
  "pv":[{"pv_name":"/dev/vdb","pv_uuid":"OiosrW","pe_start":"1048576","pv_pe_count":"255","dev_size":"1073741824"},
        {"pv_name":"/dev/vdc","pv_uuid":"77dahP","pe_start":"1048576","pv_pe_count":"255","dev_size":"1073741824"}],
  "lv":[LV],"pvseg":[PVSEG],"seg":[SEG]},
  {"pv":[{"pv_name":"/dev/vde","pv_uuid":"XDo2Na","pe_start":"1048576","pv_pe_count":"0","dev_size":"1073741824"}],
   "pvseg":[{"pv_name":"/dev/vde","pvseg_size":"0","lv_name":""}]}]}"#;

/// Name, size in MiB, layout, role, and further columns.
fn lv(name: &str, mib: u64, layout: &str, role: &str, more: &[(&str, &str)]) -> String {
    let mut row = serde_json::json!({
        "lv_name": name, "lv_uuid": format!("uuid-{name}"), "lv_size": (mib << 20).to_string(), "lv_layout": layout,
        "lv_role": role, "lv_active": "active", "lv_tags": "", "origin": "", "pool_lv": "", "data_lv": "",
        "metadata_lv": "", "lv_parent": "", "data_percent": "", "lv_profile": "", "move_pv": "", "lv_merging": "",
    });
    for (key, value) in more {
        row[*key] = (*value).into();
    }
    row.to_string()
}

fn segment(name: &str, stripes: u64, unit: u64, chunk: u64, mode: &str) -> String {
    serde_json::json!({
        "lv_name": name, "stripes": stripes.to_string(), "stripe_size": unit.to_string(),
        "chunk_size": chunk.to_string(), "cache_mode": mode,
    })
    .to_string()
}

fn report(lvs: &[String], pieces: &[(&str, u64, &str)], segments: &[String]) -> Lvm {
    let pieces: Vec<String> = pieces
        .iter()
        .map(|(device, count, name)| {
            serde_json::json!({"pv_name": device, "pvseg_size": count.to_string(), "lv_name": name})
                .to_string()
        })
        .collect();
    let text = REPORT
        .replace("[LV]", &format!("[{}]", lvs.join(",")))
        .replace("PVSEG", &pieces.join(","))
        .replace("SEG", &segments.join(","));
    parse(&text).unwrap()
}

#[test]
fn counts_extents_by_device_and_volume() {
    let lvm = report(
        &[
            lv("r", 80, "raid,raid1", "public", &[]),
            lv("[r_rimage_0]", 80, "linear", "private,raid,image", &[("lv_parent", "r")]),
            lv("[r_rmeta_0]", 4, "linear", "private,raid,metadata", &[("lv_parent", "r")]),
            lv("[lvol0_pmspare]", 4, "linear", "private,pool,spare", &[("lv_active", "")]),
        ],
        &[
            ("/dev/vdb", 1, "[r_rmeta_0]"),
            ("/dev/vdb", 20, "[r_rimage_0]"),
            ("/dev/vdb", 1, "[lvol0_pmspare]"),
            ("/dev/vdb", 233, ""),
            ("/dev/vdc", 255, ""),
        ],
        &[segment("r", 2, 0, 0, ""), segment("[r_rimage_0]", 1, 0, 0, "")],
    );
    let group = &lvm.groups["vg"];
    assert_eq!((group.extents(), group.free(), group.free_on("/dev/vdb")), (510, 488, 233));
    assert_eq!((group.spare, group.logical.len(), group.logical["r"].used()), (1, 1, 21));
    assert_eq!(group.logical["r"].kind, Kind::Raid { level: RaidLevel::Raid1, images: 2, unit: 0 });
    assert_eq!(group.tags.iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(lvm.orphans.iter().collect::<Vec<_>>(), ["/dev/vde"]);
}

#[test]
fn knows_pools_thin_volumes_and_snapshots() {
    let lvm = report(
        &[
            lv(
                "pool",
                400,
                "thin,pool",
                "private",
                &[
                    ("data_lv", "[pool_tdata]"),
                    ("metadata_lv", "[pool_tmeta]"),
                    ("data_percent", "10.94"),
                    ("lv_profile", "hf"),
                ],
            ),
            lv("[pool_tdata]", 400, "linear", "private,thin,pool,data", &[("lv_parent", "pool")]),
            lv("[pool_tmeta]", 8, "linear", "private,thin,pool,metadata", &[("lv_parent", "pool")]),
            lv("thin", 1024, "thin,sparse", "public,origin,thinorigin", &[("pool_lv", "pool")]),
            lv(
                "thinsnap",
                1024,
                "thin,sparse",
                "public,snapshot,thinsnapshot",
                &[("pool_lv", "pool"), ("origin", "thin")],
            ),
            lv("lin", 400, "linear", "public,origin,thickorigin", &[]),
            lv(
                "[cow]",
                80,
                "linear",
                "public,snapshot,thicksnapshot",
                &[("origin", "lin"), ("lv_merging", "merging")],
            ),
        ],
        &[
            ("/dev/vdb", 100, "[pool_tdata]"),
            ("/dev/vdc", 2, "[pool_tmeta]"),
            ("/dev/vdc", 100, "lin"),
            ("/dev/vdc", 20, "cow"),
        ],
        &[
            segment("pool", 1, 0, 65536, ""),
            segment("thin", 0, 0, 0, ""),
            segment("thinsnap", 0, 0, 0, ""),
            segment("lin", 1, 0, 0, ""),
            segment("cow", 1, 0, 4096, ""),
        ],
    );
    let group = &lvm.groups["vg"];
    let kind = |name: &str| group.logical[name].kind.clone();
    assert_eq!(kind("pool"), Kind::ThinPool { chunk: 65536, metadata: 2 });
    assert_eq!(kind("thin"), Kind::Thin { pool: "pool".into(), origin: None });
    assert_eq!(kind("thinsnap"), Kind::Thin { pool: "pool".into(), origin: Some("thin".into()) });
    assert_eq!(kind("cow"), Kind::Snapshot { origin: "lin".into() });
    assert!(group.logical["cow"].merging);
    assert_eq!(
        (group.logical["pool"].full, group.logical["pool"].profile.as_deref()),
        (Some(1094), Some("hf"))
    );
    assert_eq!(
        (group.logical["pool"].used(), group.logical["thin"].used(), group.free()),
        (102, 0, 510 - 222)
    );
}

#[test]
fn a_cache_belongs_to_what_it_lies_over() {
    for (kind, mode, below) in [("cache", "writethrough", "lin_corig"), ("writecache", "", "lin_wcorig")] {
        let lvm = report(
            &[
                lv(
                    "lin",
                    400,
                    kind,
                    "public",
                    &[("origin", &format!("[{below}]")), ("pool_lv", "[fast_cvol]")],
                ),
                lv(&format!("[{below}]"), 400, "linear", "private,cache,origin,cacheorigin", &[]),
                lv("[fast_cvol]", 120, &format!("{kind},cachevol"), "private", &[]),
            ],
            &[("/dev/vdb", 100, &format!("[{below}]")), ("/dev/vdc", 30, "[fast_cvol]")],
            &[segment("lin", 1, 0, 65536, mode), segment(&format!("[{below}]"), 1, 0, 0, "")],
        );
        let group = &lvm.groups["vg"];
        let volume = &group.logical["lin"];
        assert_eq!((group.logical.len(), &volume.kind, volume.used()), (1, &Kind::Linear, 130));
        let cache = volume.cache.as_ref().unwrap();
        assert_eq!((cache.volume.as_str(), cache.extents), ("fast", 30));
        assert_eq!(cache.kind == CacheKind::Cache, cache.mode == CacheMode::Writethrough);
    }
}

#[test]
fn sees_a_move_that_was_cut_short() {
    let lvm = report(
        &[
            lv("lin", 800, "linear", "public", &[]),
            lv("[pvmove0]", 800, "mirror", "private,pvmove", &[("move_pv", "/dev/vdb")]),
        ],
        &[("/dev/vdb", 200, "[pvmove0]"), ("/dev/vdc", 200, "[pvmove0]")],
        &[segment("lin", 1, 0, 0, ""), segment("[pvmove0]", 2, 0, 0, "")],
    );
    let group = &lvm.groups["vg"];
    assert_eq!(group.moving.iter().collect::<Vec<_>>(), ["/dev/vdb"]);
    assert_eq!((group.used_on("/dev/vdb"), group.logical["lin"].used()), (200, 0));
}

#[test]
fn two_groups_of_one_name_are_both_kept() {
    let one = r#"{"vg":[{"vg_name":"vg","vg_uuid":"A","vg_extent_size":"4194304","vg_missing_pv_count":"0","vg_tags":""}],
        "pv":[{"pv_name":"/dev/vdb","pv_uuid":"p","pe_start":"1048576","pv_pe_count":"255","dev_size":"1"}]}"#;
    let other = one.replace("\"A\"", "\"B\"").replace("vdb", "vdc");
    let lvm = parse(&format!("{{\"report\":[{one},{other}]}}")).unwrap();
    assert_eq!(lvm.ambiguous["vg"], ["A", "B"]);
    assert!(lvm.group_of("/dev/vdb").is_some() && lvm.group_of("/dev/vdc").is_some());
}

#[test]
fn a_bad_field_is_named() {
    let text = REPORT.replace("[LV]", "[]").replace("[PVSEG]", "[]").replace("[SEG]", "[]");
    assert!(parse(&text).is_ok());
    let bad = text.replace("\"4194304\"", "\"4m\"");
    assert_eq!(parse(&bad).unwrap_err(), "lvm: `vg_extent_size` is `4m`, no number");
    let bad = text.replace("pe_start", "pe_begin");
    assert_eq!(parse(&bad).unwrap_err(), "lvm: the report has no field `pe_start`");
    assert!(parse("nothing").is_err());
    assert_eq!(parse("{\"report\":[\n]}").unwrap(), Lvm::default());
}

proptest::proptest! {
    #[test]
    fn never_panics(text in ".*") {
        let _ = parse(&text);
        let _ = parse(&format!("{{{text}}}"));
    }

    #[test]
    fn never_panics_on_any_cell(cell in "\\PC{0,12}", column in 0..16usize) {
        let columns = ["lv_name", "lv_size", "lv_layout", "lv_role", "origin", "pool_lv", "data_lv", "metadata_lv",
            "lv_parent", "data_percent", "move_pv", "lv_merging", "lv_tags", "lv_active", "lv_profile", "lv_uuid"];
        let row = lv("a", 4, "thin,pool", "private", &[(columns[column], &cell)]);
        let text = REPORT.replace("[LV]", &format!("[{row}]")).replace("[PVSEG]", "[]")
            .replace("[SEG]", &format!("[{}]", segment("a", 1, 0, 0, "")));
        let _ = parse(&text);
    }
}
