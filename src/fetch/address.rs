use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The network that an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// The public internet.
    Public,
    /// This machine or a private network.
    Private,
    /// Never fetched from: metadata services of clouds, link-local, mapped and reserved addresses.
    Blocked,
}

/// The network of `address`. IPv6 addresses that are not known to be public are blocked.
pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => reach_v6(address),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let bits = u32::from(address);
    let holds =
        |network: &Ipv4Addr, length: u32| (u32::from(*network) ^ bits) >> (32 - length) == 0;
    V4.iter()
        .find(|(network, length, _)| holds(network, *length))
        .map_or(Reach::Public, |(_, _, reach)| *reach)
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let bits = u128::from(address);
    let holds =
        |network: &Ipv6Addr, length: u32| (u128::from(*network) ^ bits) >> (128 - length) == 0;
    if holds(&NAT64, 96) {
        // DNS64 returns these in networks without IPv4, such as an IPv6-only subnet of a VPC.
        return reach_v4(Ipv4Addr::from(bits as u32));
    }
    V6.iter()
        .find(|(network, length, _)| holds(network, *length))
        .map_or(Reach::Blocked, |(_, _, reach)| *reach)
}

/// Networks that are not public, smaller ones first: IANA's special-purpose registry
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>, edition of 2025-10-09),
/// multicast (RFC 5771), and addresses of cloud services for instances.
const V4: &[(Ipv4Addr, u32, Reach)] = &[
    // Alibaba's metadata service, within the carrier-grade NAT range.
    (Ipv4Addr::new(100, 100, 100, 200), 32, Reach::Blocked),
    // Azure's wire server, at a public-looking address.
    (Ipv4Addr::new(168, 63, 129, 16), 32, Reach::Blocked),
    // "This network", with the unspecified address.
    (Ipv4Addr::new(0, 0, 0, 0), 8, Reach::Blocked),
    // Private.
    (Ipv4Addr::new(10, 0, 0, 0), 8, Reach::Private),
    // Carrier-grade NAT.
    (Ipv4Addr::new(100, 64, 0, 0), 10, Reach::Private),
    // Loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8, Reach::Private),
    // Link-local: metadata and credentials of EC2 (169.254.169.254), ECS and EKS.
    (Ipv4Addr::new(169, 254, 0, 0), 16, Reach::Blocked),
    // Private.
    (Ipv4Addr::new(172, 16, 0, 0), 12, Reach::Private),
    // Protocol assignments, and Oracle's metadata service (192.0.0.192).
    (Ipv4Addr::new(192, 0, 0, 0), 24, Reach::Blocked),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24, Reach::Blocked),
    // 6to4 relays, deprecated.
    (Ipv4Addr::new(192, 88, 99, 0), 24, Reach::Blocked),
    // Private.
    (Ipv4Addr::new(192, 168, 0, 0), 16, Reach::Private),
    // Benchmarks.
    (Ipv4Addr::new(198, 18, 0, 0), 15, Reach::Blocked),
    // Documentation.
    (Ipv4Addr::new(198, 51, 100, 0), 24, Reach::Blocked),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Reach::Blocked),
    // Multicast.
    (Ipv4Addr::new(224, 0, 0, 0), 4, Reach::Blocked),
    // Reserved, and broadcast.
    (Ipv4Addr::new(240, 0, 0, 0), 4, Reach::Blocked),
];

/// The NAT64 prefix (RFC 6052), which contains an IPv4 address.
const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// Public and private networks, after the smaller blocked ones within them: IANA's registries of
/// global unicast space (<https://www.iana.org/assignments/ipv6-unicast-address-assignments>:
/// 2000::/3) and of special-purpose addresses
/// (<https://www.iana.org/assignments/iana-ipv6-special-registry>, edition of 2025-10-09). All
/// others are blocked: the unspecified address, IPv4-compatible and IPv4-mapped addresses (::/96,
/// ::ffff:0:0/96), local NAT64 (64:ff9b:1::/48), discard-only (100::/64), segment routing
/// (5f00::/16), link-local (fe80::/10), site-local (fec0::/10), multicast (ff00::/8).
const V6: &[(Ipv6Addr, u32, Reach)] = &[
    // Loopback.
    (Ipv6Addr::LOCALHOST, 128, Reach::Private),
    // AWS's services for instances, with metadata (fd00:ec2::254) and credentials:
    //
    // https://docs.aws.amazon.com/whitepapers/latest/ipv6-on-aws/supporting-amazon-vpc-services.html
    (
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0),
        32,
        Reach::Blocked,
    ),
    // Google's metadata service: https://cloud.google.com/compute/docs/metadata/querying-metadata
    (
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0),
        32,
        Reach::Blocked,
    ),
    // Private.
    (
        Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0),
        7,
        Reach::Private,
    ),
    // Protocol assignments: Teredo, which contains IPv4 addresses, benchmarking, ORCHID.
    (
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),
        23,
        Reach::Blocked,
    ),
    // Documentation.
    (
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        32,
        Reach::Blocked,
    ),
    // 6to4, which contains IPv4 addresses; its relays are deprecated (RFC 7526).
    (
        Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0),
        16,
        Reach::Blocked,
    ),
    // Documentation.
    (
        Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0),
        20,
        Reach::Blocked,
    ),
    // The rest of the global unicast space.
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, Reach::Public),
];

#[cfg(test)]
mod tests {
    use super::Reach::{Blocked, Private, Public};
    use super::*;

    #[test]
    fn each_network_is_recognized_from_first_to_last_address() {
        for (first, last, expected) in [
            ("0.0.0.0", "0.255.255.255", Blocked),
            ("1.0.0.0", "9.255.255.255", Public),
            ("10.0.0.0", "10.255.255.255", Private),
            ("11.0.0.0", "100.63.255.255", Public),
            ("100.64.0.0", "100.100.100.199", Private),
            ("100.100.100.200", "100.100.100.200", Blocked),
            ("100.100.100.201", "100.127.255.255", Private),
            ("100.128.0.0", "126.255.255.255", Public),
            ("127.0.0.0", "127.255.255.255", Private),
            ("128.0.0.0", "168.63.129.15", Public),
            ("168.63.129.16", "168.63.129.16", Blocked),
            ("168.63.129.17", "169.253.255.255", Public),
            ("169.254.0.0", "169.254.255.255", Blocked),
            ("169.255.0.0", "172.15.255.255", Public),
            ("172.16.0.0", "172.31.255.255", Private),
            ("172.32.0.0", "191.255.255.255", Public),
            ("192.0.0.0", "192.0.0.255", Blocked),
            ("192.0.1.0", "192.0.1.255", Public),
            ("192.0.2.0", "192.0.2.255", Blocked),
            ("192.0.3.0", "192.88.98.255", Public),
            ("192.88.99.0", "192.88.99.255", Blocked),
            ("192.88.100.0", "192.167.255.255", Public),
            ("192.168.0.0", "192.168.255.255", Private),
            ("192.169.0.0", "198.17.255.255", Public),
            ("198.18.0.0", "198.19.255.255", Blocked),
            ("198.20.0.0", "198.51.99.255", Public),
            ("198.51.100.0", "198.51.100.255", Blocked),
            ("198.51.101.0", "203.0.112.255", Public),
            ("203.0.113.0", "203.0.113.255", Blocked),
            ("203.0.114.0", "223.255.255.255", Public),
            ("224.0.0.0", "239.255.255.255", Blocked),
            ("240.0.0.0", "255.255.255.255", Blocked),
            ("::", "::", Blocked),
            ("::1", "::1", Private),
            // IPv4-compatible, and the rest up to NAT64; IPv4-mapped is within.
            ("::2", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", Blocked),
            ("::ffff:0.0.0.0", "::ffff:255.255.255.255", Blocked),
            ("64:ff9b::1.0.0.0", "64:ff9b::9.255.255.255", Public),
            ("64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255", Private),
            ("64:ff9b::0:1:0:0", "1fff:ffff::", Blocked),
            ("2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Public),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Blocked),
            (
                "2001:200::",
                "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
                Public,
            ),
            (
                "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                Blocked,
            ),
            (
                "2001:db9::",
                "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Public,
            ),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Blocked),
            ("2003::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Public),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Blocked),
            (
                "3fff:1000::",
                "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Public,
            ),
            ("4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Blocked),
            ("fc00::", "fd00:ec1:ffff:ffff:ffff:ffff:ffff:ffff", Private),
            (
                "fd00:ec2::",
                "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff",
                Blocked,
            ),
            (
                "fd00:ec3::",
                "fd20:cd:ffff:ffff:ffff:ffff:ffff:ffff",
                Private,
            ),
            (
                "fd20:ce::",
                "fd20:ce:ffff:ffff:ffff:ffff:ffff:ffff",
                Blocked,
            ),
            (
                "fd20:cf::",
                "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Private,
            ),
            ("fe00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Blocked),
        ] {
            for address in [first, last] {
                let actual = reach(address.parse().expect("an address"));
                assert_eq!(actual, expected, "{address}");
            }
        }
    }

    #[test]
    fn addresses_used_in_attacks_are_not_public() {
        for (address, expected) in [
            ("127.0.0.1", Private),
            ("169.254.169.254", Blocked),
            ("169.254.170.2", Blocked),
            ("169.254.170.23", Blocked),
            ("192.0.0.192", Blocked),
            ("255.255.255.255", Blocked),
            ("fd00:ec2::254", Blocked),
            ("fd00:ec2::23", Blocked),
            ("fd20:ce::254", Blocked),
            ("::ffff:127.0.0.1", Blocked),
            ("::ffff:169.254.169.254", Blocked),
            ("::ffff:8.8.8.8", Blocked),
            ("::127.0.0.1", Blocked),
            ("::8.8.8.8", Blocked),
            ("64:ff9b::169.254.169.254", Blocked),
            ("64:ff9b::127.0.0.1", Private),
            ("64:ff9b:1::8.8.8.8", Blocked),
            // 6to4 and Teredo around 169.254.169.254 and 127.0.0.1.
            ("2002:a9fe:a9fe::1", Blocked),
            ("2001:0:808:808:0:0:80ff:fffe", Blocked),
            ("100::1", Blocked),
            ("5f00::1", Blocked),
            ("fe80::1", Blocked),
            ("fec0::1", Blocked),
            ("ff02::1", Blocked),
        ] {
            let actual = reach(address.parse().expect("an address"));
            assert_eq!(actual, expected, "{address}");
        }
    }

    #[test]
    fn addresses_of_known_servers_are_public() {
        for address in [
            "8.8.8.8",
            "93.184.215.14",
            "2606:4700:4700::1111",
            "2a00:1450:4001:829::200e",
            "64:ff9b::8.8.8.8",
        ] {
            let actual = reach(address.parse().expect("an address"));
            assert_eq!(actual, Public, "{address}");
        }
    }
}
