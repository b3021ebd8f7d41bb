//! Which modules may depend on which, checked in the text of the source.

use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files of a folder and its subfolders.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The paths of the Rust files in `src/` that satisfy `condition`, relative to it.
fn files(condition: impl Fn(&str) -> bool) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let paths = sources(&root).into_iter().map(|file| {
        let path = file.strip_prefix(&root).unwrap();
        path.to_string_lossy().into_owned()
    });
    paths.filter(|path| condition(path)).collect()
}

/// Fails if a file in `folders` contains one of `words` outside comments.
fn assert_not_named(folders: &[&str], except: &[&str], words: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for file in sources(&root) {
        let name = file
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        let is_in = |folder: &&str| name.starts_with(*folder);
        if !folders.iter().any(is_in) || except.iter().any(is_in) {
            continue;
        }
        seen += 1;
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in words {
                assert!(
                    !code.contains(word),
                    "src/{name}:{} contains `{word}`",
                    number + 1
                );
            }
        }
    }
    assert!(seen > 0, "no files in {folders:?}");
}

#[test]
fn only_bedrock_uses_aws_crates() {
    // aws-lc-rs is cryptography: it has the random numbers of tokens, and the cipher of seals.
    let cryptography = ["admin/tokens.rs", "resources/seals.rs"];
    let allowed = [&["bedrock/"], cryptography.as_slice()].concat();
    assert_not_named(&[""], &allowed, &["aws_"]);
}

#[test]
fn only_the_store_uses_its_database() {
    assert_not_named(&[""], &["store/"], &["sqlx"]);
    assert_not_named(
        &["store/"],
        &[],
        &[
            "crate::gateway",
            "crate::dialects",
            "crate::endpoints",
            "crate::bedrock",
        ],
    );
}

#[test]
fn only_http_and_handlers_use_axum() {
    let handlers = files(|path| path.ends_with("/handler.rs"));
    let mut allowed: Vec<&str> = handlers.iter().map(String::as_str).collect();
    allowed.extend(["admin/", "http/", "server/"]);
    assert_not_named(&[""], &allowed, &["axum"]);
}

#[test]
fn translation_is_pure() {
    let pure = [
        "converse/",
        "dialects/",
        "endpoints/",
        "batches/wire/",
        "models/",
        "wire/",
    ];
    let impure = [
        "async ",
        ".await",
        "tokio",
        "hyper",
        "std::fs",
        "std::net",
        "std::env",
        "SystemTime",
        "Instant",
        "fastrand",
        "crate::bedrock",
        "crate::http",
        "crate::gateway",
    ];
    // In each endpoint and dialect, two files do I/O: `handler` and `service`.
    let does_io = ["/handler.rs", "/service.rs", "/service/"];
    let impure_files = files(|path| does_io.iter().any(|part| path.contains(part)));
    let impure_files: Vec<&str> = impure_files.iter().map(String::as_str).collect();
    assert_not_named(&pure, &impure_files, &impure);
}

#[test]
fn the_hub_does_not_depend_on_a_dialect() {
    assert_not_named(
        &["converse/", "models/", "bedrock/"],
        &[],
        &["crate::dialects", "crate::endpoints", "crate::wire"],
    );
}

#[test]
fn the_ledger_knows_no_path_that_reports_to_it() {
    let paths = [
        "crate::bedrock",
        "crate::converse",
        "crate::dialects",
        "crate::endpoints",
        "crate::gateway",
        "crate::http",
        "crate::reply",
        "crate::telemetry",
    ];
    assert_not_named(&["usage/"], &[], &paths);
    assert_not_named(&["telemetry/"], &[], &["crate::gateway", "Ledger"]);
}

#[test]
fn only_fetch_opens_connections_for_downloads() {
    let forbidden_calls = [
        "lookup_host",
        "to_socket_addrs",
        "TcpStream::connect",
        "TcpSocket",
        "HttpConnector",
    ];
    assert_not_named(&["fetch/"], &["fetch/network.rs"], &forbidden_calls);
    assert_not_named(&["fetch/network.rs"], &[], &["crate::"]);
}

#[test]
fn blocking_work_runs_only_in_designated_modules() {
    assert_not_named(&[""], &["resources/workers.rs"], &["block_in_place"]);
    // These wait for the system, not for the processor.
    let waits = [
        "fetch/network.rs",
        "server/reload.rs",
        "server/cores.rs",
        "store/spool.rs",
    ];
    assert_not_named(&[""], &waits, &["spawn_blocking"]);
}

#[test]
fn the_groups_of_bedrock_use_only_those_above_them() {
    let groups = [
        "settings",
        "errors",
        "auth",
        "transport",
        "retry",
        "client",
        "s3",
        "upstream",
        "control",
        "diagnosis",
    ];
    for (position, group) in groups.iter().enumerate() {
        let below = groups[position + 1..].iter();
        let below: Vec<String> = below
            .flat_map(|other| [format!("bedrock::{other}"), format!("use super::{other}")])
            .collect();
        let below: Vec<&str> = below.iter().map(String::as_str).collect();
        assert_not_named(&[&format!("bedrock/{group}")], &[], &below);
    }
}

#[test]
fn dependencies_point_downwards() {
    assert_not_named(
        &["gateway/", "limits", "bedrock/", "catalog", "fetch/"],
        &[],
        &["crate::http"],
    );
    assert_not_named(
        &["catalog/", "config/"],
        &[],
        &["crate::gateway", "crate::fetch"],
    );
    assert_not_named(&["config/"], &[], &["crate::catalog"]);
    assert_not_named(&["dialects/"], &[], &["crate::endpoints"]);
    assert_not_named(
        &["server/"],
        &["server/router.rs"],
        &["::handler", "crate::commands"],
    );
    // Extractors and responses are generic over the router's state.
    let above_http = [
        "crate::server",
        "crate::commands",
        "crate::batches",
        "crate::dialects",
        "crate::endpoints",
        "crate::passthrough",
    ];
    assert_not_named(&["http/"], &[], &above_http);
    let above_gateway = [
        "crate::server",
        "crate::batches",
        "crate::dialects",
        "crate::endpoints",
        "crate::passthrough",
    ];
    assert_not_named(&["gateway/"], &[], &above_gateway);
    assert_not_named(&[""], &["gateway/"], &["impl Gateway"]);
    // Handlers receive parts of the application.
    let handlers = ["batches/", "dialects/", "endpoints/", "passthrough/"];
    assert_not_named(&handlers, &[], &["crate::server"]);
    assert_not_named(
        &["endpoints/"],
        &[],
        &["crate::batches", "crate::passthrough"],
    );
}

#[test]
fn the_path_of_a_chat_request_is_short_and_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let path = text.split("A chat request reads in this order").nth(1);
    let block = path.unwrap().split("```").nth(1).unwrap();
    let files = block.trim_start_matches("text").split_whitespace();
    let files: Vec<PathBuf> = files.map(|file| root.join("src").join(file)).collect();
    assert!((20..=30).contains(&files.len()), "{}", files.len());
    for file in &files {
        assert!(file.is_file(), "{}", file.display());
    }
}
