//! Where webhooks may go. Whoever may set an address could otherwise have this service ask machines that only
//! it can reach. The address that is connected to is checked, not the name: names change their mind.

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Characters of an address.
const LONGEST: usize = 2000;

/// IPv4 networks that are no public hosts, by the IANA registry of special-purpose addresses.
const REFUSED_V4: &[(Ipv4Addr, u32)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The one part of IPv6 that is public hosts. Loopback, link-local, unique local, multicast, IPv4-mapped and
/// NAT64 addresses are all outside.
const PUBLIC_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What of it is none nevertheless.
const REFUSED_V6: &[(Ipv6Addr, u32)] = &[
    // Protocols: Teredo, benchmarks, ORCHID.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // 6to4: an IPv4 address inside.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
];

fn in_v4(address: Ipv4Addr, (network, bits): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (32 - bits) == 0
}

fn in_v6(address: Ipv6Addr, (network, bits): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()) >> (128 - bits) == 0
}

/// Whether an address is that of a host in the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !REFUSED_V4.iter().any(|network| in_v4(v4, *network)),
        IpAddr::V6(v6) => in_v6(v6, PUBLIC_V6) && !REFUSED_V6.iter().any(|network| in_v6(v6, *network)),
    }
}

/// A name has no address that may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name leads to no public address")]
pub struct NotPublic;

/// Which addresses are reached. As a resolver it answers only those: what it answers is what is connected to.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// Also those of this machine, and those also by http.
    pub allow_loopback: bool,
}

impl Addresses {
    fn allow(self, address: IpAddr) -> bool {
        is_public(address) || (self.allow_loopback && address.is_loopback())
    }

    /// Reads an address that may be sent to.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn url(self, text: &str) -> Result<Url, &'static str> {
        if text.len() > LONGEST {
            return Err("must have at most 2000 characters");
        }
        let url: Url =
            text.parse().map_err(|_| "must be an address such as https://hooks.example.com/leakage")?;
        let host = url.host_str().unwrap_or_default();
        let literal: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let here = self.allow_loopback && literal.is_some_and(|address| address.is_loopback());
        if url.scheme() != "https" && !(url.scheme() == "http" && here) {
            return Err("must begin with https://");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must hold no user name or password; check the signature of what arrives instead");
        }
        if url.fragment().is_some() {
            return Err("must have no fragment (`#`): it would not be sent");
        }
        if literal.is_some_and(|address| !self.allow(address)) {
            return Err("must lead to a public address, not into a private or reserved network");
        }
        Ok(url)
    }
}

impl Resolve for Addresses {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = *self;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|found| addresses.allow(found.ip())).collect();
            if allowed.is_empty() {
                return Err(NotPublic.into());
            }
            let allowed: Addrs = Box::new(allowed.into_iter());
            Ok(allowed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRODUCTION: Addresses = Addresses { allow_loopback: false };
    const DEVELOPMENT: Addresses = Addresses { allow_loopback: true };

    #[test]
    fn only_public_addresses_are_public() {
        for (address, public) in [
            ("1.1.1.1", true),
            ("93.184.215.14", true),
            ("172.15.255.255", true),
            ("172.32.0.1", true),
            ("100.63.255.255", true),
            ("100.128.0.1", true),
            ("198.17.255.255", true),
            ("198.20.0.1", true),
            ("223.255.255.255", true),
            ("2606:4700::1111", true),
            ("2a00:1450:4001:80b::200e", true),
            ("2003::1", true),
            // Unspecified, this network.
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("::", false),
            // Loopback.
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("::1", false),
            // Private, unique local, site-local.
            ("10.0.0.1", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.168.1.1", false),
            ("fc00::1", false),
            ("fd12:3456::1", false),
            ("fec0::1", false),
            // Link-local, where clouds answer about their machines.
            ("169.254.169.254", false),
            ("fe80::1", false),
            ("fd00:ec2::254", false),
            // Carrier-grade NAT.
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            // Protocols, benchmarks, relays, AS112.
            ("192.0.0.1", false),
            ("192.31.196.1", false),
            ("192.52.193.1", false),
            ("192.88.99.1", false),
            ("192.175.48.1", false),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("2001::1", false),
            ("2001:2::1", false),
            ("2001:20::1", false),
            ("2620:4f:8000::1", false),
            // Documentation.
            ("192.0.2.1", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("2001:db8::1", false),
            ("3fff::1", false),
            // Multicast, reserved, broadcast, discard.
            ("224.0.0.1", false),
            ("239.255.255.255", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("ff02::1", false),
            ("100::1", false),
            // IPv4 in IPv6: mapped, compatible, NAT64 (both), 6to4, Teredo.
            ("::ffff:1.1.1.1", false),
            ("::ffff:127.0.0.1", false),
            ("::127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b:1::a00:1", false),
            ("2002:7f00:1::1", false),
            ("2001:0:4136:e378::1", false),
        ] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(is_public(parsed), public, "{address}");
            let here = parsed.is_loopback();
            assert_eq!(DEVELOPMENT.allow(parsed), public || here, "{address}");
        }
    }

    #[test]
    fn an_address_is_https_and_public_however_it_is_written() {
        for good in ["https://hooks.example.com/a?b=c", "https://1.1.1.1:8443/", "https://[2606:4700::1111]/"]
        {
            assert!(PRODUCTION.url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "hooks.example.com",
            "/hooks",
            "http://hooks.example.com/",
            "ftp://hooks.example.com/",
            "file:///etc/passwd",
            "https://",
            "https://user@hooks.example.com/",
            "https://user:secret@hooks.example.com/",
            "https://hooks.example.com/#here",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://169.254.169.254/latest",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://[64:ff9b::a00:1]/",
        ] {
            assert!(PRODUCTION.url(bad).is_err(), "{bad}");
        }
        assert!(PRODUCTION.url(&format!("https://hooks.example.com/{}", "a".repeat(LONGEST))).is_err());
    }

    #[test]
    fn development_reaches_this_machine_and_nothing_else_by_http() {
        for good in ["http://127.0.0.1:9000/", "http://[::1]:9000/", "https://127.0.0.1/"] {
            assert!(DEVELOPMENT.url(good).is_ok(), "{good}");
        }
        for bad in ["http://hooks.example.com/", "http://1.1.1.1/", "https://10.0.0.1/", "http://localhost/"]
        {
            assert!(DEVELOPMENT.url(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_resolved_to_nothing() {
        let name = || "localhost".parse::<Name>().unwrap();
        let refused = PRODUCTION.resolve(name()).await.err().unwrap();
        assert!(refused.is::<NotPublic>(), "{refused}");
        assert!(DEVELOPMENT.resolve(name()).await.unwrap().all(|found| found.ip().is_loopback()));
    }
}
