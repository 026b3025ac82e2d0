//! Interfaces, addresses and default routes.

use super::{Ask, put};
use crate::tools::ip::{self, Address, Interface, Route};
use crate::value::{Map, Value};

pub(super) fn look(ask: &Ask<'_>, facts: &mut Map<String, Value>) {
    let said = ask.said(&ip::addresses()).and_then(|text| ip::parse_addresses(&text).ok());
    if let Some(interfaces) = said {
        let routes = |family| {
            let said = ask.said(&ip::default_routes(family));
            said.and_then(|text| ip::parse_routes(&text).ok()).unwrap_or_default()
        };
        describe(&interfaces, &routes("-4"), &routes("-6"), facts);
        for interface in &interfaces {
            let speed = ask.value(&format!("/sys/class/net/{}/speed", interface.name));
            let speed = speed.and_then(|speed| speed.parse::<i64>().ok()).filter(|speed| *speed > 0);
            if let Some(Value::Object(known)) = facts.get_mut(&fact_name(&interface.name)) {
                put(known, "speed", speed);
            }
        }
    }
    put(facts, "dns", ask.text("/etc/resolv.conf").map(|text| resolver(&text)));
}

/// An interface's name as the name of a fact.
pub(super) fn fact_name(interface: &str) -> String {
    interface.replace(['-', ':', '.'], "_")
}

fn describe(interfaces: &[Interface], v4: &[Route], v6: &[Route], facts: &mut Map<String, Value>) {
    let names: Vec<Value> = interfaces.iter().map(|interface| interface.name.as_str().into()).collect();
    let everywhere = |family: &str| -> Vec<Value> {
        let all =
            interfaces.iter().filter(|interface| !interface.flags.iter().any(|flag| flag == "LOOPBACK"));
        let all = all.flat_map(|interface| &interface.addresses).filter(|address| address.family == family);
        all.map(|address| address.local.as_str().into()).collect()
    };
    put(facts, "interfaces", Some(names));
    put(facts, "all_ipv4_addresses", Some(everywhere("inet")));
    put(facts, "all_ipv6_addresses", Some(everywhere("inet6")));
    for interface in interfaces {
        facts.insert(fact_name(&interface.name), dictionary(interface).into());
    }
    put(facts, "default_ipv4", Some(default(interfaces, v4, "inet")));
    put(facts, "default_ipv6", Some(default(interfaces, v6, "inet6")));
}

fn dictionary(interface: &Interface) -> Map<String, Value> {
    let flag = |wanted: &str| interface.flags.iter().any(|flag| flag == wanted);
    let mut all = Map::new();
    put(&mut all, "device", Some(interface.name.as_str()));
    put(&mut all, "active", Some(flag("UP")));
    put(&mut all, "promisc", Some(flag("PROMISC")));
    put(&mut all, "mtu", Some(interface.mtu));
    put(&mut all, "type", Some(interface.link_type.as_str()));
    put(&mut all, "macaddress", interface.mac.as_deref().filter(|_| interface.link_type != "loopback"));
    let mut v4 = interface.addresses.iter().filter(|address| address.family == "inet").map(v4_dictionary);
    put(&mut all, "ipv4", v4.next());
    let more: Vec<Value> = v4.map(Value::from).collect();
    put(&mut all, "ipv4_secondaries", Some(more).filter(|more| !more.is_empty()));
    let v6: Vec<Value> = interface
        .addresses
        .iter()
        .filter(|address| address.family == "inet6")
        .map(|address| v6_dictionary(address).into())
        .collect();
    put(&mut all, "ipv6", Some(v6).filter(|v6| !v6.is_empty()));
    all
}

fn v4_dictionary(address: &Address) -> Map<String, Value> {
    let mut all = Map::new();
    put(&mut all, "address", Some(address.local.as_str()));
    put(&mut all, "prefix", Some(address.prefixlen.to_string()));
    if let Some((netmask, network, broadcast)) = address.network() {
        put(&mut all, "netmask", Some(netmask.to_string()));
        put(&mut all, "network", Some(network.to_string()));
        put(&mut all, "broadcast", Some(broadcast.to_string()));
    }
    all
}

fn v6_dictionary(address: &Address) -> Map<String, Value> {
    let mut all = Map::new();
    put(&mut all, "address", Some(address.local.as_str()));
    put(&mut all, "prefix", Some(address.prefixlen.to_string()));
    put(&mut all, "scope", Some(address.scope.as_str()));
    all
}

/// The address that strangers are talked to from; empty without a default route.
fn default(interfaces: &[Interface], routes: &[Route], family: &str) -> Map<String, Value> {
    let mut all = Map::new();
    let Some(route) = routes.iter().min_by_key(|route| route.metric) else { return all };
    let device = route.dev.as_deref().unwrap_or("");
    let Some(interface) = interfaces.iter().find(|interface| interface.name == device) else { return all };
    let own = || interface.addresses.iter().filter(|address| address.family == family);
    let address = own()
        .find(|address| route.prefsrc.as_deref() == Some(address.local.as_str()))
        .or_else(|| own().find(|address| address.scope == "global"))
        .or_else(|| own().next());
    if let Some(address) = address {
        all = if family == "inet" { v4_dictionary(address) } else { v6_dictionary(address) };
    }
    put(&mut all, "interface", Some(device));
    put(&mut all, "alias", Some(device));
    put(&mut all, "gateway", route.gateway.as_deref());
    put(&mut all, "macaddress", interface.mac.as_deref());
    put(&mut all, "mtu", Some(interface.mtu));
    put(&mut all, "type", Some(interface.link_type.as_str()));
    all
}

fn resolver(text: &str) -> Map<String, Value> {
    let mut all = Map::new();
    let words = |wanted: &str| -> Vec<Value> {
        text.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|words| words.first() == Some(&wanted))
            .flat_map(|words| words.into_iter().skip(1).map(Value::from))
            .collect()
    };
    for (name, wanted) in [("nameservers", "nameserver"), ("search", "search"), ("options", "options")] {
        put(&mut all, name, Some(words(wanted)).filter(|words| !words.is_empty()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describes_interfaces_and_the_way_out() {
        let text = r#"[{"ifname":"lo","flags":["LOOPBACK","UP"],"mtu":65536,"link_type":"loopback",
            "address":"00:00:00:00:00:00","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,
            "scope":"host"}]},{"ifname":"br-0","flags":["UP"],"mtu":1500,"link_type":"ether",
            "address":"02:00:00:00:00:01","addr_info":[{"family":"inet","local":"10.1.2.3","prefixlen":24,
            "scope":"global"},{"family":"inet6","local":"fe80::1","prefixlen":64,"scope":"link"}]}]"#;
        let interfaces = ip::parse_addresses(text).unwrap();
        let routes = ip::parse_routes(r#"[{"dst":"default","gateway":"10.1.2.1","dev":"br-0"}]"#).unwrap();
        let mut facts = Map::new();
        describe(&interfaces, &routes, &[], &mut facts);
        assert_eq!(facts["br_0"]["ipv4"]["network"], "10.1.2.0");
        assert_eq!(facts["br_0"]["ipv6"][0]["scope"], "link");
        assert_eq!(facts["default_ipv4"]["address"], "10.1.2.3");
        assert_eq!(facts["default_ipv4"]["gateway"], "10.1.2.1");
        assert_eq!(facts["default_ipv6"], Value::Object(Map::new()));
        assert_eq!(facts["all_ipv4_addresses"], Value::from(vec!["10.1.2.3"]));
        let dns = resolver("# x\nnameserver 1.1.1.1\nnameserver 9.9.9.9\nsearch a.org b.org\n");
        assert_eq!(dns["nameservers"], Value::from(vec!["1.1.1.1", "9.9.9.9"]));
    }
}
