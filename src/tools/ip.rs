//! `ip -j`: addresses and routes.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Deserialize;

use crate::exec::Command;

/// An interface with its addresses.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Interface {
    #[serde(rename = "ifname")]
    pub name: String,
    #[serde(default)]
    pub flags: Vec<String>,
    pub mtu: u64,
    pub link_type: String,
    #[serde(rename = "address")]
    pub mac: Option<String>,
    #[serde(default, rename = "addr_info")]
    pub addresses: Vec<Address>,
}

/// One address; `ip` leaves out what an interface has none of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Address {
    #[serde(default)]
    pub family: String,
    #[serde(default)]
    pub local: String,
    #[serde(default)]
    pub prefixlen: u8,
    #[serde(default)]
    pub scope: String,
}

/// One route.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Route {
    pub dst: String,
    pub gateway: Option<String>,
    pub dev: Option<String>,
    pub prefsrc: Option<String>,
    #[serde(default)]
    pub metric: u64,
}

/// All interfaces.
pub fn addresses() -> Command {
    Command::probe("ip").args(["-j", "addr"])
}

/// Default routes of IPv4 (`-4`) or IPv6 (`-6`).
pub fn default_routes(family: &str) -> Command {
    Command::probe("ip").args(["-j", family, "route", "show", "default"])
}

pub fn parse_addresses(text: &str) -> Result<Vec<Interface>, String> {
    parse(text, "ip -j addr")
}

pub fn parse_routes(text: &str) -> Result<Vec<Route>, String> {
    parse(text, "ip -j route")
}

fn parse<T: for<'de> Deserialize<'de>>(text: &str, tool: &str) -> Result<Vec<T>, String> {
    // Nothing to tell is no text at all in some versions.
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|error| format!("{tool}: {error}"))
}

impl Address {
    pub fn v4(&self) -> Option<Ipv4Addr> {
        self.local.parse().ok()
    }

    pub fn v6(&self) -> Option<Ipv6Addr> {
        self.local.parse().ok()
    }

    /// Netmask, network and broadcast address of an IPv4 address.
    pub fn network(&self) -> Option<(Ipv4Addr, Ipv4Addr, Ipv4Addr)> {
        let bits = u32::from(self.v4()?);
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefixlen.min(32))).unwrap_or(0);
        Some((mask.into(), (bits & mask).into(), (bits | !mask).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_and_routes() {
        let text = r#"[{"ifindex":4,"ifname":"eth0","flags":["BROADCAST","UP"],"mtu":1400,"operstate":"UP",
            "link_type":"ether","address":"02:fc:00:00:00:01","addr_info":[{"family":"inet","local":"192.0.2.2",
            "prefixlen":20,"broadcast":"192.0.15.255","scope":"global","label":"eth0"},{}]}]"#;
        let eth0 = &parse_addresses(text).unwrap()[0];
        let (mask, network, broadcast) = eth0.addresses[0].network().unwrap();
        assert_eq!((mask.to_string(), network.to_string()), ("255.255.240.0".into(), "192.0.0.0".into()));
        assert_eq!(broadcast.to_string(), "192.0.15.255");
        let routes =
            parse_routes(r#"[{"dst":"default","gateway":"192.0.2.1","dev":"eth0","flags":[]}]"#).unwrap();
        assert_eq!(routes[0].gateway.as_deref(), Some("192.0.2.1"));
        assert!(parse_routes("").unwrap().is_empty());
        assert!(parse_routes("{").unwrap_err().starts_with("ip -j route: "));
    }

    #[test]
    fn a_prefix_of_nothing_is_the_whole_net() {
        let all =
            Address { family: "inet".into(), local: "10.0.0.1".into(), prefixlen: 0, scope: String::new() };
        assert_eq!(all.network().unwrap().0.to_string(), "0.0.0.0");
    }
}
