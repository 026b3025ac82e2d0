//! Memory, processors, firmware.

use super::{Ask, put};
use crate::tools::procfs;
use crate::value::{Map, Value};

pub(super) fn look(ask: &Ask<'_>, facts: &mut Map<String, Value>) {
    if let Some(text) = ask.text("/proc/meminfo") {
        memory(&text, facts);
    }
    if let Some(text) = ask.text("/proc/cpuinfo") {
        let found = procfs::cpuinfo(&text);
        put(facts, "processor_count", Some(found.sockets));
        put(facts, "processor_cores", Some(found.cores));
        put(facts, "processor_threads_per_core", Some(found.threads_per_core));
        put(facts, "processor_vcpus", Some(found.sockets * found.cores * found.threads_per_core));
        put(facts, "processor_nproc", Some(found.threads));
        put(facts, "processor", Some(found.list));
    }
    let uptime = ask.value("/proc/uptime");
    put(facts, "uptime_seconds", uptime.and_then(|text| text.split('.').next()?.parse::<u64>().ok()));
    for (name, file) in [
        ("product_name", "product_name"),
        ("product_serial", "product_serial"),
        ("product_uuid", "product_uuid"),
        ("product_version", "product_version"),
        ("system_vendor", "sys_vendor"),
        ("bios_version", "bios_version"),
        ("bios_date", "bios_date"),
        ("board_name", "board_name"),
        ("board_vendor", "board_vendor"),
        ("chassis_serial", "chassis_serial"),
    ] {
        let value = ask.value(&format!("/sys/class/dmi/id/{file}"));
        put(facts, name, Some(value.unwrap_or_else(|| "NA".to_owned())));
    }
}

fn memory(text: &str, facts: &mut Map<String, Value>) {
    let all = procfs::meminfo(text);
    let mib = |name: &str| all.get(name).copied().unwrap_or(0) / 1024;
    let (total, free, swap, swap_free) = (mib("MemTotal"), mib("MemFree"), mib("SwapTotal"), mib("SwapFree"));
    let unused = free + mib("Cached") + mib("Buffers");
    put(facts, "memtotal_mb", Some(total));
    put(facts, "memfree_mb", Some(free));
    put(facts, "memavailable_mb", Some(mib("MemAvailable")));
    put(facts, "swaptotal_mb", Some(swap));
    put(facts, "swapfree_mb", Some(swap_free));
    let group = |pairs: &[(&str, u64)]| -> Value {
        pairs.iter().map(|(name, number)| ((*name).to_owned(), Value::from(*number))).collect()
    };
    let nested = [
        ("real", group(&[("total", total), ("used", total.saturating_sub(free)), ("free", free)])),
        ("nocache", group(&[("free", unused), ("used", total.saturating_sub(unused))])),
        (
            "swap",
            group(&[
                ("total", swap),
                ("free", swap_free),
                ("used", swap.saturating_sub(swap_free)),
                ("cached", mib("SwapCached")),
            ]),
        ),
    ];
    let nested: Map<String, Value> =
        nested.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    put(facts, "memory_mb", Some(nested));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_memory_as_ansible_does() {
        let mut facts = Map::new();
        memory("MemTotal: 2048000 kB\nMemFree: 1024000 kB\nCached: 102400 kB\nSwapTotal: 0 kB\n", &mut facts);
        assert_eq!((&facts["memtotal_mb"], &facts["memfree_mb"]), (&2000.into(), &1000.into()));
        assert_eq!(facts["memory_mb"]["nocache"]["used"], 900);
    }
}
