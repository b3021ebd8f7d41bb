//! Downloads from a server on a free port, in a simulated network.

pub mod site;

use std::time::Duration;

use http::StatusCode;
use outcrop::config::{FetchSettings, HostPattern};
use outcrop::fetch::FetchErrorKind::{
    Disabled, Malformed, NotAllowed, Redirects, Status, Timeout, TooLarge, TooMany, Unreachable,
};
use outcrop::fetch::{FetchError, FetchErrorKind, Fetcher};

use site::{Reply, Site};

const PUBLIC: &str = "93.184.215.14";

/// A chunk of an endless response.
const CHUNK: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// A site at `example.com` that responds with the requested path.
async fn echo() -> Site {
    Site::start(Reply::file).await
}

fn addresses(list: &[&str]) -> Vec<String> {
    list.iter().map(|&address| address.to_owned()).collect()
}

async fn fetch(
    site: &Site,
    settings: &FetchSettings,
    list: &[&str],
) -> Result<Vec<String>, FetchError> {
    let files = site
        .fetcher(settings)
        .fetch_all("caller", &addresses(list), None)
        .await?;
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Ok(files.iter().map(|file| text(&file.bytes)).collect())
}

async fn fetch_error(site: &Site, settings: &FetchSettings, address: &str) -> FetchError {
    let result = fetch(site, settings, &[address]).await;
    let error = result.expect_err(address);
    assert_eq!(error.position, 0);
    error
}

fn patterns(list: &[&str]) -> Vec<HostPattern> {
    list.iter()
        .map(|text| HostPattern::parse(text).unwrap())
        .collect()
}

#[tokio::test]
async fn files_are_returned_in_url_order_and_no_client_headers_are_sent() {
    let site = echo().await;
    let fetcher = site.fetcher(&FetchSettings::default());
    let list = [
        "https://example.com/a?b=c d#e",
        "https://example.com:443/b",
        "https://example.com/",
    ];
    let files = fetcher
        .fetch_all("caller", &addresses(&list), None)
        .await
        .unwrap();
    let bodies: Vec<&[u8]> = files.iter().map(|file| file.bytes.as_ref()).collect();
    assert_eq!(bodies, [&b"/a?b=c%20d"[..], b"/b", b"/"]);
    assert_eq!(files[0].content_type.as_deref(), Some("image/png"));
    for request in site.requests() {
        let mut fields: Vec<&str> = request
            .lines()
            .skip(1)
            .filter(|line| !line.is_empty())
            .collect();
        fields.sort_unstable();
        let agent = concat!("user-agent: outcrop/", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            fields,
            [
                "accept-encoding: identity",
                "accept: image/*, application/pdf, */*;q=0.5",
                "host: example.com",
                agent
            ]
        );
    }
    assert_eq!(fetcher.fetch_all("caller", &[], None).await.unwrap(), []);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_not_trusted() {
    let site = echo().await.named("other.org", &[&[PUBLIC]]);
    for address in ["https://other.org/", "https://93.184.215.14/"] {
        let error = fetch_error(&site, &FetchSettings::default(), address).await;
        assert_eq!(error.kind, Unreachable, "{address}");
        assert!(error.to_string().contains("TLS"), "{error}");
    }
    assert_eq!(site.requests().len(), 0);
}

#[tokio::test]
async fn the_checked_address_is_connected_to_even_if_dns_changes() {
    let site = Site::start(|path| match path {
        "/again" => Reply::redirect("https://rebound.example.com/"),
        path => Reply::file(path),
    })
    .await
    .named("rebound.example.com", &[&[PUBLIC], &["127.0.0.1"]]);
    let settings = FetchSettings::default();
    let address = "https://rebound.example.com/";
    assert_eq!(fetch(&site, &settings, &[address]).await.unwrap(), ["/"]);
    assert_eq!(site.queries(), ["rebound.example.com"]);
    assert_eq!(site.connections(), ["93.184.215.14:443"]);
    // The second query has another answer, which is checked as well.
    for address in [address, "https://example.com/again"] {
        let error = fetch_error(&site, &settings, address).await;
        assert_eq!(error.kind, NotAllowed, "{address}");
    }
    assert_eq!(
        site.connections(),
        ["93.184.215.14:443", "93.184.215.14:443"]
    );
    assert_eq!(site.queries().len(), 4);
}

#[tokio::test]
async fn one_private_address_blocks_a_host_and_errors_do_not_reveal_which_hosts_exist() {
    let site = echo()
        .await
        .named("private.example.com", &[&["10.0.0.1"]])
        .named("mixed.example.com", &[&[PUBLIC, "10.0.0.1"]])
        .named("mapped.example.com", &[&["::ffff:93.184.215.14"]])
        .named("metadata.example.com", &[&["169.254.169.254"]])
        .named("nothing.example.com", &[&[]]);
    let mut messages = Vec::new();
    for name in [
        "private", "mixed", "mapped", "metadata", "nothing", "unknown",
    ] {
        let address = format!("https://{name}.example.com/");
        let error = fetch_error(&site, &FetchSettings::default(), &address).await;
        assert_eq!(error.kind, NotAllowed, "{name}");
        messages.push(error.message.replace(name, "NAME"));
    }
    messages.dedup();
    assert_eq!(messages.len(), 1, "{messages:?}");
    for host in [
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "10.1.2.3",
    ] {
        let address = format!("https://{host}/");
        let error = fetch_error(&site, &FetchSettings::default(), &address).await;
        assert_eq!(error.kind, NotAllowed, "{host}");
    }
    assert_eq!(site.connections().len(), 0);
}

#[tokio::test]
async fn another_address_of_the_host_is_tried_if_one_refuses_connections() {
    let site = echo()
        .await
        .named("two.example.com", &[&["1.1.1.1", PUBLIC]])
        .without("1.1.1.1");
    let settings = FetchSettings::default();
    let bodies = fetch(&site, &settings, &["https://two.example.com/a"]).await;
    assert_eq!(bodies.unwrap(), ["/a"]);
    assert_eq!(site.connections(), ["1.1.1.1:443", "93.184.215.14:443"]);
    let site = site.without(PUBLIC);
    let error = fetch_error(&site, &settings, "https://two.example.com/a").await;
    assert_eq!(error.kind, Unreachable);
}

#[tokio::test]
async fn redirects_are_followed_up_to_the_maximum() {
    let site = Site::start(|path| match path {
        "/4" => Reply::status(307, "location: /3\r\n"),
        "/3" => Reply::status(302, "location: https://www.example.com/x/2#here\r\n"),
        "/x/2" => Reply::status(308, "location: 1?a=b\r\n"),
        "/x/1?a=b" => Reply::status(301, "location: //example.com/0\r\n"),
        "/loop" => Reply::redirect("/loop"),
        path => Reply::file(path),
    })
    .await
    .named("www.example.com", &[&[PUBLIC]]);
    let settings = FetchSettings::default();
    let bodies = fetch(&site, &settings, &["https://example.com/3"]).await;
    assert_eq!(bodies.unwrap(), ["/0"]);
    assert_eq!(
        site.queries(),
        [
            "example.com",
            "www.example.com",
            "www.example.com",
            "example.com"
        ]
    );
    for address in ["https://example.com/4", "https://example.com/loop"] {
        let error = fetch_error(&site, &settings, address).await;
        assert_eq!(error.kind, Redirects, "{address}");
        assert!(error.to_string().contains("more than 3 times"), "{error}");
    }
    let none = FetchSettings {
        max_redirects: 0,
        ..settings
    };
    assert_eq!(
        fetch_error(&site, &none, "https://example.com/3")
            .await
            .kind,
        Redirects
    );
}

#[tokio::test]
async fn redirects_to_disallowed_targets_are_not_followed() {
    for location in [
        "https://127.0.0.1/secret",
        "https://[::1]/secret",
        "https://169.254.169.254/secret",
        "https://[fd00:ec2::254]/secret",
        "https://private.example.com/secret",
        "https://unknown.example.com/secret",
        "https://denied.example.com/secret",
        "https://example.com:22/secret",
        "https://me:you@example.com/secret",
        "http://example.com/secret",
        "file:///secret",
        "ftp://example.com/secret",
        "data:image/png;base64,secret",
        "https:///secret:",
        "",
    ] {
        let site = Site::start(move |path| match path {
            "/" if location.is_empty() => Reply::status(302, ""),
            "/" => Reply::redirect(location),
            path => Reply::file(path),
        })
        .await
        .named("private.example.com", &[&["10.0.0.1"]])
        .named("denied.example.com", &[&[PUBLIC]]);
        let settings = FetchSettings {
            // Even with `allow_http`, redirects from https to http are not followed.
            allow_http: true,
            deny: patterns(&["denied.example.com"]),
            ..FetchSettings::default()
        };
        let error = fetch_error(&site, &settings, "https://example.com/").await;
        assert_eq!(error.kind, NotAllowed, "{location}");
        assert!(
            error
                .to_string()
                .contains("`example.com` redirects to a URL"),
            "{location}: {error}"
        );
        assert!(!error.to_string().contains("secret"), "{location}: {error}");
        assert_eq!(site.connections().len(), 1, "{location}");
    }
}

#[tokio::test]
async fn http_and_other_ports_must_be_allowed_by_configuration() {
    let site = Site::start(|path| match path {
        "/up" => Reply::redirect("https://example.com/secure"),
        path => Reply::file(path),
    })
    .await;
    let closed = FetchSettings::default();
    let open = FetchSettings {
        allow_http: true,
        allowed_ports: vec![8443],
        ..FetchSettings::default()
    };
    for (address, body, connections) in [
        ("http://example.com/a", "/a", &["93.184.215.14:80"][..]),
        ("https://example.com:8443/b", "/b", &["93.184.215.14:8443"]),
        (
            "http://example.com/up",
            "/secure",
            &["93.184.215.14:80", "93.184.215.14:443"],
        ),
    ] {
        assert_eq!(
            fetch_error(&site, &closed, address).await.kind,
            NotAllowed,
            "{address}"
        );
        let before = site.connections().len();
        assert_eq!(
            fetch(&site, &open, &[address]).await.unwrap(),
            [body],
            "{address}"
        );
        assert_eq!(site.connections()[before..], *connections, "{address}");
    }
    assert!(
        site.requests()
            .iter()
            .any(|request| request.contains("host: example.com:8443\r\n"))
    );
}

#[tokio::test]
async fn invalid_urls_are_rejected_without_network_access() {
    let site = echo().await;
    for (address, kind) in [
        ("http://example.com/", NotAllowed),
        ("file:///etc/passwd", NotAllowed),
        ("ftp://example.com/", NotAllowed),
        ("https://user@example.com/", NotAllowed),
        ("https://user:secret@example.com/", NotAllowed),
        ("https://example.com:80/", NotAllowed),
        ("https://example.com:6379/", NotAllowed),
        ("picture.png", Malformed),
        ("", Malformed),
    ] {
        let list = ["https://example.com/", address];
        let error = fetch(&site, &FetchSettings::default(), &list)
            .await
            .expect_err(address);
        assert_eq!((error.position, error.kind), (1, kind), "{address}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    assert_eq!(site.queries().len(), 0);
}

#[tokio::test]
async fn host_lists_decide_which_hosts_are_contacted() {
    let site = echo()
        .await
        .named("www.example.com", &[&[PUBLIC]])
        .named("elsewhere.example.com", &[&["8.8.8.8"]]);
    for (allow, deny, host, allowed) in [
        (&[][..], &[][..], "example.com", true),
        (&["example.com"], &[], "example.com", true),
        (&["example.com"], &[], "www.example.com", false),
        (&["*.example.com"], &[], "www.example.com", true),
        (&["*.example.com"], &[], "example.com", false),
        (&[], &["example.com"], "example.com", false),
        (&[], &["example.com"], "EXAMPLE.com.", false),
        (
            &["*.example.com"],
            &["www.example.com"],
            "www.example.com",
            false,
        ),
        // A denied address is denied under every name.
        (&[], &["8.8.8.8"], "elsewhere.example.com", false),
        (&[], &["8.8.8.8"], "www.example.com", true),
    ] {
        let settings = FetchSettings {
            allow: patterns(allow),
            deny: patterns(deny),
            ..FetchSettings::default()
        };
        let address = format!("https://{host}/");
        let result = fetch(&site, &settings, &[&address]).await;
        let kind = result.map(|_| ()).map_err(|error| error.kind);
        let expected = if allowed { Ok(()) } else { Err(NotAllowed) };
        assert_eq!(kind, expected, "{allow:?} {deny:?} {host}");
    }
}

#[tokio::test]
async fn an_oversized_file_is_rejected_by_declared_and_actual_size() {
    let site = Site::start(|path| match path {
        "/declared" => Reply::Stall("HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n".to_owned()),
        "/chunked" => Reply::Endless(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            "1\r\nx\r\n",
        ),
        "/until_the_end" => Reply::Endless("HTTP/1.1 200 OK\r\n\r\n", CHUNK),
        "/head" => Reply::Endless("HTTP/1.1 200 OK\r\nx-long: ", CHUNK),
        _ => Reply::file(&"x".repeat(100)),
    })
    .await;
    let settings = FetchSettings {
        max_size: 100,
        max_total_size: 250,
        ..FetchSettings::default()
    };
    let size = "exceeds the maximum of 100 bytes";
    for (path, kind, message) in [
        ("declared", TooLarge, size),
        ("chunked", TooLarge, size),
        ("until_the_end", TooLarge, size),
        ("head", Unreachable, "is incomplete"),
    ] {
        let error = fetch_error(&site, &settings, &format!("https://example.com/{path}")).await;
        assert_eq!(error.kind, kind, "{path}");
        assert!(error.to_string().contains(message), "{path}: {error}");
    }
    let list = [
        "https://example.com/1",
        "https://example.com/2",
        "https://example.com/3",
    ];
    assert_eq!(fetch(&site, &settings, &list[..2]).await.unwrap().len(), 2);
    let error = fetch(&site, &settings, &list).await.unwrap_err();
    assert_eq!(error.kind, TooLarge);
    assert!(
        error
            .message
            .contains("together exceed the maximum of 250 bytes"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_takes_too_long_is_abandoned() {
    let site = Site::start(|path| match path {
        "/never" => Reply::Stall(String::new()),
        "/stops" => Reply::Stall("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_owned()),
        path => Reply::redirect(&format!("{path}never")),
    })
    .await
    .stalled("slow.example.com");
    let settings = FetchSettings {
        timeout: Duration::from_millis(100),
        ..FetchSettings::default()
    };
    for address in [
        "https://example.com/never",
        "https://example.com/stops",
        "https://example.com/",
        "https://slow.example.com/",
    ] {
        let error = fetch_error(&site, &settings, address).await;
        assert_eq!(error.kind, Timeout, "{address}");
        assert!(error.to_string().contains("after 100ms"), "{error}");
    }
    // Connecting has its own timeout, which includes TLS.
    let settings = FetchSettings {
        connect_timeout: Duration::from_millis(50),
        ..FetchSettings::default()
    };
    let site = site.unresponsive();
    let error = fetch_error(&site, &settings, "https://example.com/never").await;
    assert_eq!(error.kind, Unreachable);
}

#[tokio::test]
async fn only_a_complete_uncompressed_200_response_is_accepted() {
    let site = Site::start(|path| match path {
        "/gzip" => {
            Reply::bytes("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\nx")
        }
        "/short" => Reply::bytes("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"),
        "/nothing" => Reply::bytes(""),
        "/garbage" => Reply::bytes("SSH-2.0-OpenSSH_9.6\r\n"),
        path => Reply::status(path[1..].parse().unwrap(), ""),
    })
    .await;
    for (path, kind) in [
        ("204", Status(StatusCode::NO_CONTENT)),
        ("206", Status(StatusCode::PARTIAL_CONTENT)),
        ("300", Status(StatusCode::MULTIPLE_CHOICES)),
        ("304", Status(StatusCode::NOT_MODIFIED)),
        ("401", Status(StatusCode::UNAUTHORIZED)),
        ("404", Status(StatusCode::NOT_FOUND)),
        ("500", Status(StatusCode::INTERNAL_SERVER_ERROR)),
        ("gzip", Unreachable),
        ("short", Unreachable),
        ("nothing", Unreachable),
        ("garbage", Unreachable),
    ] {
        let address = format!("https://example.com/{path}");
        let error = fetch_error(&site, &FetchSettings::default(), &address).await;
        assert_eq!(error.kind, kind, "{path}");
        if let FetchErrorKind::Status(status) = kind {
            assert!(error.to_string().contains(status.as_str()), "{error}");
        }
    }
}

#[tokio::test]
async fn a_duplicate_url_is_fetched_and_counted_once() {
    let site = echo().await;
    let settings = FetchSettings {
        max_count: 2,
        ..FetchSettings::default()
    };
    let mut list = vec![
        "https://example.com/a",
        "https://example.com/b",
        "https://example.com/a#page=2",
        "https://EXAMPLE.com:443/a",
    ];
    let bodies = fetch(&site, &settings, &list).await.unwrap();
    assert_eq!(bodies, ["/a", "/b", "/a", "/a"]);
    assert_eq!(site.requests().len(), 2);
    list.push("https://example.com/c");
    let error = fetch(&site, &settings, &list).await.unwrap_err();
    assert_eq!((error.position, error.kind), (4, TooMany));
    assert!(
        error.to_string().contains("more than 2 file URLs"),
        "{error}"
    );
    assert_eq!(site.requests().len(), 2);
}

#[tokio::test]
async fn the_first_failed_url_is_reported() {
    let site = Site::start(|path| match path {
        "/slow" => Reply::Stall("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_owned()),
        _ => Reply::status(404, ""),
    })
    .await;
    let settings = FetchSettings {
        timeout: Duration::from_millis(100),
        ..FetchSettings::default()
    };
    let list = ["https://example.com/slow", "https://example.com/fast"];
    let error = fetch(&site, &settings, &list).await.unwrap_err();
    assert_eq!((error.position, error.kind), (0, Timeout));
}

#[tokio::test]
async fn the_files_of_a_request_are_fetched_concurrently() {
    let list = ["1", "2", "3", "4"].map(|name| format!("https://example.com/{name}"));
    // It responds only when all four requests have arrived.
    let site = Site::meeting(4).await;
    let fetcher = site.fetcher(&FetchSettings::default());
    let files = fetcher.fetch_all("caller", &list, None).await.unwrap();
    let bodies: Vec<&[u8]> = files.iter().map(|file| file.bytes.as_ref()).collect();
    assert_eq!(bodies, [b"/1", b"/2", b"/3", b"/4"]);
}

#[tokio::test]
async fn concurrent_downloads_are_limited_per_request_and_globally() {
    let first = addresses(&["https://example.com/first"]);
    let second = addresses(&["https://example.com/second"]);
    let both = [first.clone(), second.clone()].concat();
    for (concurrency, max_concurrent_downloads, requests) in
        [(1, 64, [both, Vec::new()]), (4, 1, [first, second])]
    {
        let site = Site::start(|_| Reply::Stall(String::new())).await;
        let settings = FetchSettings {
            concurrency,
            max_concurrent_downloads,
            ..FetchSettings::default()
        };
        let fetcher = site.fetcher(&settings);
        let fetching = tokio::spawn(async move {
            let [first, second] = &requests;
            tokio::join!(
                fetcher.fetch_all("caller", first, None),
                fetcher.fetch_all("caller", second, None)
            )
        });
        // When the first has connected, the second would have resolved the name as well.
        site.wait_for_stalled_connections(1).await;
        assert_eq!(site.queries(), ["example.com"], "{concurrency}");
        fetching.abort();
    }
}

#[tokio::test]
async fn callers_have_separate_download_limits() {
    let site = Site::start(|path| match path {
        "/slow" => Reply::Stall(String::new()),
        path => Reply::file(path),
    })
    .await;
    let settings = FetchSettings {
        max_concurrent_downloads_per_caller: 1,
        timeout: Duration::from_millis(300),
        ..FetchSettings::default()
    };
    let fetcher = site.fetcher(&settings);
    let slow = addresses(&["https://example.com/slow", "https://example.com/slow?2"]);
    let fast = addresses(&["https://example.com/fast"]);
    let (one, other) = tokio::join!(fetcher.fetch_all("one", &slow, None), async {
        site.wait_for_stalled_connections(1).await;
        fetcher.fetch_all("other", &fast, None).await
    });
    assert!(other.is_ok(), "{other:?}");
    assert_eq!(one.unwrap_err().kind, Timeout);
    assert_eq!(site.requests().len(), 2, "one download for each caller");
}

#[tokio::test]
async fn connections_are_closed_with_their_request() {
    for written in ["", "HTTP/1.1 200 OK\r\n\r\nhalf"] {
        let site = Site::start(|_| Reply::Stall(written.to_owned())).await;
        let fetcher = site.fetcher(&FetchSettings::default());
        let list = addresses(&["https://example.com/1", "https://example.com/2"]);
        let fetching = tokio::spawn(async move { fetcher.fetch_all("caller", &list, None).await });
        site.wait_for_stalled_connections(2).await;
        fetching.abort();
        site.wait_for_ended_connections(2).await;
    }
}

#[tokio::test]
async fn nothing_is_fetched_when_fetching_is_disabled() {
    let site = echo().await;
    let settings = FetchSettings {
        enabled: false,
        ..FetchSettings::default()
    };
    let error = fetch_error(&site, &settings, "https://example.com/").await;
    assert_eq!(error.kind, Disabled);
    assert!(error.to_string().contains("data URL"), "{error}");
    assert_eq!(site.queries().len(), 0);
    assert_eq!(fetch(&site, &settings, &[]).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn private_networks_are_fetched_from_when_configuration_allows_it() {
    let site = echo().await;
    let port = site.address.port();
    let closed = FetchSettings {
        allow_http: true,
        allowed_ports: vec![port],
        ..FetchSettings::default()
    };
    let open = FetchSettings {
        private_networks: true,
        ..closed.clone()
    };
    for host in ["127.0.0.1", "localhost"] {
        let list = [format!("http://{host}:{port}/a")];
        let error = Fetcher::new(&closed)
            .unwrap()
            .fetch_all("caller", &list, None)
            .await
            .unwrap_err();
        assert_eq!(error.kind, NotAllowed, "{host}");
        let files = Fetcher::new(&open)
            .unwrap()
            .fetch_all("caller", &list, None)
            .await
            .unwrap();
        assert_eq!(files[0].bytes, "/a", "{host}");
    }
    assert_eq!(site.requests().len(), 2);
}
