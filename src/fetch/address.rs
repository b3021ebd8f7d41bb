use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Who can be reached at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Anybody's server on the public internet.
    Public,
    /// This machine, or a machine of its own network.
    Private,
    /// Nobody who serves pictures: metadata of a cloud, the link, other forms of addresses, and what
    /// is set aside.
    Nobody,
}

/// Who can be reached at `address`. IPv6 that is not known to be public is nobody's.
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
        // What DNS64 answers in a network without IPv4, such as a subnet of a VPC with IPv6 alone.
        return reach_v4(Ipv4Addr::from(bits as u32));
    }
    V6.iter()
        .find(|(network, length, _)| holds(network, *length))
        .map_or(Reach::Nobody, |(_, _, reach)| *reach)
}

/// Networks that are not public, the smaller ones first: IANA's registry of special-purpose
/// addresses (<https://www.iana.org/assignments/iana-ipv4-special-registry>, edition of 2025-10-09),
/// multicast (RFC 5771), and the addresses at which clouds serve their machines.
const V4: &[(Ipv4Addr, u32, Reach)] = &[
    // Alibaba's metadata, within the addresses of carriers.
    (Ipv4Addr::new(100, 100, 100, 200), 32, Reach::Nobody),
    // Azure's host, at an address that looks public.
    (Ipv4Addr::new(168, 63, 129, 16), 32, Reach::Nobody),
    // This network, and its unspecified address.
    (Ipv4Addr::new(0, 0, 0, 0), 8, Reach::Nobody),
    // Private.
    (Ipv4Addr::new(10, 0, 0, 0), 8, Reach::Private),
    // Between a carrier and its customers.
    (Ipv4Addr::new(100, 64, 0, 0), 10, Reach::Private),
    // Loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8, Reach::Private),
    // The link: metadata and credentials of EC2 (169.254.169.254), ECS and EKS.
    (Ipv4Addr::new(169, 254, 0, 0), 16, Reach::Nobody),
    // Private.
    (Ipv4Addr::new(172, 16, 0, 0), 12, Reach::Private),
    // Protocols, and Oracle's metadata (192.0.0.192).
    (Ipv4Addr::new(192, 0, 0, 0), 24, Reach::Nobody),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24, Reach::Nobody),
    // Relays of 6to4, given up.
    (Ipv4Addr::new(192, 88, 99, 0), 24, Reach::Nobody),
    // Private.
    (Ipv4Addr::new(192, 168, 0, 0), 16, Reach::Private),
    // Benchmarks.
    (Ipv4Addr::new(198, 18, 0, 0), 15, Reach::Nobody),
    // Documentation.
    (Ipv4Addr::new(198, 51, 100, 0), 24, Reach::Nobody),
    (Ipv4Addr::new(203, 0, 113, 0), 24, Reach::Nobody),
    // Multicast.
    (Ipv4Addr::new(224, 0, 0, 0), 4, Reach::Nobody),
    // Set aside, and broadcast.
    (Ipv4Addr::new(240, 0, 0, 0), 4, Reach::Nobody),
];

/// IPv4 behind a translator (RFC 6052), by the address within.
const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);

/// Networks that somebody can be reached in, and the smaller ones within them that are nobody's,
/// these first: IANA's registries of the space in use
/// (<https://www.iana.org/assignments/ipv6-unicast-address-assignments>: 2000::/3) and of
/// special-purpose addresses (<https://www.iana.org/assignments/iana-ipv6-special-registry>, edition
/// of 2025-10-09). What is not here is nobody's: the unspecified address, IPv4 in IPv6's clothes
/// (::/96, ::ffff:0:0/96), local NAT64 (64:ff9b:1::/48), the discarded (100::/64), segment routing
/// (5f00::/16), the link (fe80::/10), the site (fec0::/10), multicast (ff00::/8).
const V6: &[(Ipv6Addr, u32, Reach)] = &[
    // Loopback.
    (Ipv6Addr::LOCALHOST, 128, Reach::Private),
    // AWS's services for its machines, metadata (fd00:ec2::254) and credentials among them:
    // https://docs.aws.amazon.com/whitepapers/latest/ipv6-on-aws/supporting-amazon-vpc-services.html
    (
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0),
        32,
        Reach::Nobody,
    ),
    // Google's metadata: https://cloud.google.com/compute/docs/metadata/querying-metadata
    (
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0),
        32,
        Reach::Nobody,
    ),
    // Private.
    (
        Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0),
        7,
        Reach::Private,
    ),
    // Protocols: Teredo, which holds addresses of IPv4, benchmarks, ORCHID.
    (
        Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0),
        23,
        Reach::Nobody,
    ),
    // Documentation.
    (
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0),
        32,
        Reach::Nobody,
    ),
    // 6to4, which holds addresses of IPv4, and whose relays are given up (RFC 7526).
    (
        Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0),
        16,
        Reach::Nobody,
    ),
    // Documentation.
    (
        Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0),
        20,
        Reach::Nobody,
    ),
    // The rest of the space in use.
    (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3, Reach::Public),
];

#[cfg(test)]
mod tests {
    use super::Reach::{Nobody, Private, Public};
    use super::*;

    #[test]
    fn each_network_is_recognized_from_first_to_last_address() {
        for (first, last, expected) in [
            ("0.0.0.0", "0.255.255.255", Nobody),
            ("1.0.0.0", "9.255.255.255", Public),
            ("10.0.0.0", "10.255.255.255", Private),
            ("11.0.0.0", "100.63.255.255", Public),
            ("100.64.0.0", "100.100.100.199", Private),
            ("100.100.100.200", "100.100.100.200", Nobody),
            ("100.100.100.201", "100.127.255.255", Private),
            ("100.128.0.0", "126.255.255.255", Public),
            ("127.0.0.0", "127.255.255.255", Private),
            ("128.0.0.0", "168.63.129.15", Public),
            ("168.63.129.16", "168.63.129.16", Nobody),
            ("168.63.129.17", "169.253.255.255", Public),
            ("169.254.0.0", "169.254.255.255", Nobody),
            ("169.255.0.0", "172.15.255.255", Public),
            ("172.16.0.0", "172.31.255.255", Private),
            ("172.32.0.0", "191.255.255.255", Public),
            ("192.0.0.0", "192.0.0.255", Nobody),
            ("192.0.1.0", "192.0.1.255", Public),
            ("192.0.2.0", "192.0.2.255", Nobody),
            ("192.0.3.0", "192.88.98.255", Public),
            ("192.88.99.0", "192.88.99.255", Nobody),
            ("192.88.100.0", "192.167.255.255", Public),
            ("192.168.0.0", "192.168.255.255", Private),
            ("192.169.0.0", "198.17.255.255", Public),
            ("198.18.0.0", "198.19.255.255", Nobody),
            ("198.20.0.0", "198.51.99.255", Public),
            ("198.51.100.0", "198.51.100.255", Nobody),
            ("198.51.101.0", "203.0.112.255", Public),
            ("203.0.113.0", "203.0.113.255", Nobody),
            ("203.0.114.0", "223.255.255.255", Public),
            ("224.0.0.0", "239.255.255.255", Nobody),
            ("240.0.0.0", "255.255.255.255", Nobody),
            ("::", "::", Nobody),
            ("::1", "::1", Private),
            // IPv4-compatible, and the rest up to NAT64; IPv4-mapped is within.
            ("::2", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", Nobody),
            ("::ffff:0.0.0.0", "::ffff:255.255.255.255", Nobody),
            ("64:ff9b::1.0.0.0", "64:ff9b::9.255.255.255", Public),
            ("64:ff9b::10.0.0.0", "64:ff9b::10.255.255.255", Private),
            ("64:ff9b::0:1:0:0", "1fff:ffff::", Nobody),
            ("2000::", "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Public),
            ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Nobody),
            (
                "2001:200::",
                "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
                Public,
            ),
            (
                "2001:db8::",
                "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                Nobody,
            ),
            (
                "2001:db9::",
                "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Public,
            ),
            ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Nobody),
            ("2003::", "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Public),
            ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Nobody),
            (
                "3fff:1000::",
                "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Public,
            ),
            ("4000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Nobody),
            ("fc00::", "fd00:ec1:ffff:ffff:ffff:ffff:ffff:ffff", Private),
            (
                "fd00:ec2::",
                "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff",
                Nobody,
            ),
            (
                "fd00:ec3::",
                "fd20:cd:ffff:ffff:ffff:ffff:ffff:ffff",
                Private,
            ),
            ("fd20:ce::", "fd20:ce:ffff:ffff:ffff:ffff:ffff:ffff", Nobody),
            (
                "fd20:cf::",
                "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
                Private,
            ),
            ("fe00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Nobody),
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
            ("169.254.169.254", Nobody),
            ("169.254.170.2", Nobody),
            ("169.254.170.23", Nobody),
            ("192.0.0.192", Nobody),
            ("255.255.255.255", Nobody),
            ("fd00:ec2::254", Nobody),
            ("fd00:ec2::23", Nobody),
            ("fd20:ce::254", Nobody),
            ("::ffff:127.0.0.1", Nobody),
            ("::ffff:169.254.169.254", Nobody),
            ("::ffff:8.8.8.8", Nobody),
            ("::127.0.0.1", Nobody),
            ("::8.8.8.8", Nobody),
            ("64:ff9b::169.254.169.254", Nobody),
            ("64:ff9b::127.0.0.1", Private),
            ("64:ff9b:1::8.8.8.8", Nobody),
            // 6to4 and Teredo around 169.254.169.254 and 127.0.0.1.
            ("2002:a9fe:a9fe::1", Nobody),
            ("2001:0:808:808:0:0:80ff:fffe", Nobody),
            ("100::1", Nobody),
            ("5f00::1", Nobody),
            ("fe80::1", Nobody),
            ("fec0::1", Nobody),
            ("ff02::1", Nobody),
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
