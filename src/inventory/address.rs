//! `host:port` as an inventory writes it.

/// The name and the port of `text`: `nas1:2222`, `[::1]:22`, `nas[01:20]:22`, and a bare `::1` that has none.
///
/// Numbers that cannot be a port stay part of the name, which then is refused where the name is looked at.
pub(super) fn split_port(text: &str) -> (&str, Option<u16>) {
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return (text, None);
    }
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.chars().all(|c| c.is_ascii_digit()) => {
            (name, port.parse().ok())
        }
        _ => (text, None),
    };
    if port.is_none() && name.len() != text.len() {
        return (text, None);
    }
    (unbracketed(name), port)
}

/// `[::1]` without its brackets; a range such as `[1:3]` keeps them.
fn unbracketed(name: &str) -> &str {
    match name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) if inner.parse::<std::net::Ipv6Addr>().is_ok() => inner,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::split_port;

    #[test]
    fn finds_the_port() {
        for (text, expected) in [
            ("nas1", ("nas1", None)),
            ("nas1:2222", ("nas1", Some(2222))),
            ("192.168.0.1:22", ("192.168.0.1", Some(22))),
            ("nas[01:20]", ("nas[01:20]", None)),
            ("nas[01:20]:22", ("nas[01:20]", Some(22))),
            ("fe80::1", ("fe80::1", None)),
            ("::1", ("::1", None)),
            ("[fe80::1]:22", ("fe80::1", Some(22))),
            ("[fe80::1]", ("fe80::1", None)),
            ("nas1:99999", ("nas1:99999", None)),
            ("nas1:", ("nas1:", None)),
        ] {
            assert_eq!(split_port(text), expected, "{text}");
        }
    }
}
