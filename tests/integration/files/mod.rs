//! `/v1/files`

mod s3;

use bedrock_simulator::{Fault, Operation, Script};
use http::{HeaderValue, Method, StatusCode};
use outcrop::config::{Config, KeyDigest, KeyEntry};
use outcrop::store::{FilePage, Store, StoredFile};
use serde_json::{Value, json};

use crate::harness::batches::{form, harness, post_form, scratch, upload};
use crate::harness::{Harness, Reply, logs};

fn ids(reply: &Reply) -> Vec<String> {
    let files = reply.json()["data"].as_array().unwrap().clone();
    files
        .iter()
        .map(|file| file["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn delete(harness: &Harness, path: &str) -> Reply {
    harness
        .send(harness.request(Method::DELETE, path, ""))
        .await
}

#[tokio::test]
async fn a_file_is_stored_described_read_and_deleted() {
    let harness = harness(|_| {}).await;
    let texts = [
        ("purpose", "batch"),
        ("expires_after[anchor]", "created_at"),
        ("expires_after[seconds]", "3600"),
        ("colour", "red"),
    ];
    let reply = post_form(&harness, form(&texts, Some(("in.jsonl", b"{}\n")))).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    assert!(reply.adjustments().contains("colour"));
    let file = reply.json();
    let id = file["id"].as_str().unwrap();
    assert!(id.starts_with("file-"), "{id}");
    let created = file["created_at"].as_i64().unwrap();
    assert_eq!(
        file,
        json!({
            "id": id, "object": "file", "bytes": 3, "created_at": created,
            "expires_at": created + 3600, "filename": "in.jsonl", "purpose": "batch",
            "status": "processed", "status_details": null,
        })
    );
    assert_eq!(harness.get(&format!("/v1/files/{id}")).await.json(), file);
    let content = harness.get(&format!("/v1/files/{id}/content")).await;
    assert_eq!(content.text, "{}\n");
    assert_eq!(content.header("content-length"), Some("3"));
    let deleted = delete(&harness, &format!("/v1/files/{id}")).await;
    assert_eq!(
        deleted.json(),
        json!({"id": id, "object": "file", "deleted": true})
    );
    for path in [format!("/v1/files/{id}"), format!("/v1/files/{id}/content")] {
        let missing = harness.get(&path).await;
        assert_eq!(
            (missing.status, &missing.error()["code"]),
            (StatusCode::NOT_FOUND, &json!("not_found"))
        );
    }
}

/// The outcome is recorded when the last byte has been sent, not before the first.
#[tokio::test]
async fn an_interrupted_download_is_logged_as_broken() {
    logs::begin();
    let harness = harness(|_| {}).await;
    let id = upload(&harness, "{}\n").await;
    let path = format!("/v1/files/{id}/content");
    let download = || harness.bytes(harness.request(Method::GET, &path, ""));
    for (fault, outcome) in [
        (None, "completed"),
        (Some(Fault::Cut { after_events: 0 }), "broken"),
    ] {
        if let Some(fault) = fault {
            let cut = Script::fault(fault).for_operation(Operation::GetObject);
            harness.simulator.push(cut);
        }
        logs::begin();
        assert_eq!(download().await.is_ok(), outcome == "completed");
        let line = logs::request_line().await;
        assert!(line.contains(&format!("outcome=\"{outcome}\"")), "{line}");
    }
}

#[tokio::test]
async fn files_are_listed_in_pages_by_purpose_and_in_both_orders() {
    let harness = harness(|_| {}).await;
    let mut uploaded = Vec::new();
    for content in ["1", "2", "3"] {
        uploaded.push(upload(&harness, content).await);
    }
    let oldest = harness.get("/v1/files?order=asc").await;
    assert_eq!(ids(&oldest), uploaded);
    let first = harness.get("/v1/files?limit=2&purpose=batch").await;
    assert_eq!(ids(&first), [&*uploaded[2], &*uploaded[1]]);
    let page = first.json();
    assert_eq!(
        (&page["has_more"], &page["object"]),
        (&json!(true), &json!("list"))
    );
    assert_eq!(
        (&page["first_id"], &page["last_id"]),
        (&json!(uploaded[2]), &json!(uploaded[1]))
    );
    let rest = harness
        .get(&format!("/v1/files?limit=2&after={}", uploaded[1]))
        .await;
    assert_eq!(ids(&rest), [&*uploaded[0]]);
    assert_eq!(rest.json()["has_more"], json!(false));
    let batch_outputs = harness.get("/v1/files?purpose=batch_output").await;
    assert_eq!(batch_outputs.json()["data"], json!([]));
    let refused = harness.get("/v1/files?limit=0").await;
    assert_eq!(refused.error()["param"], json!("limit"));
}

#[tokio::test]
async fn rejected_uploads_leave_nothing_behind() {
    let harness = harness(|config| config.batches.max_file_size = 100).await;
    let file: Option<(&str, &[u8])> = Some(("in.jsonl", b"{}"));
    let long = vec![b'a'; 1 << 20];
    for (texts, file, status, parameter) in [
        (&[][..], file, 400, json!("purpose")),
        (&[("purpose", "fine-tune")], file, 400, json!("purpose")),
        (&[("purpose", "batch")], None, 400, json!("file")),
        (
            &[("purpose", "batch")],
            Some(("a", &long[..])),
            413,
            json!("file"),
        ),
    ] {
        let reply = post_form(&harness, form(texts, file)).await;
        assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
        if status == 400 {
            assert_eq!(reply.error()["param"], parameter, "{}", reply.text);
        }
    }
    let json = harness
        .post("/v1/files", &json!({"purpose": "batch"}))
        .await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(harness.get("/v1/files").await.json()["data"], json!([]));
    let s3_writes = harness.simulator.requests();
    let s3_writes = s3_writes.iter().filter(|request| request.method == "PUT");
    assert_eq!(s3_writes.count(), 0, "nothing was written to S3");
}

#[tokio::test]
async fn a_large_file_is_uploaded_to_s3_in_parts_and_read_back() {
    let harness = harness(|_| {}).await;
    let content: String = (0..900_000)
        .map(|number| format!("{number:011}\n"))
        .collect();
    assert!(content.len() > 8 << 20);
    let id = upload(&harness, &content).await;
    let back = harness.get(&format!("/v1/files/{id}/content")).await;
    assert!(back.text == content, "the content differs");
    let parts = harness.simulator.requests();
    let parts = parts
        .iter()
        .filter(|request| request.path.contains("partNumber"));
    assert_eq!(parts.count(), 2);
}

fn key(caller: &str) -> KeyEntry {
    KeyEntry {
        caller: caller.to_owned(),
        digest: KeyDigest::of(&format!("sk-{caller}-key")),
        chat: Default::default(),
        access_key: None,
        grant: outcrop::allowances::KeyGrant::default(),
    }
}

async fn as_caller(harness: &Harness, caller: &str, method: Method, path: &str) -> Reply {
    let mut request = harness.request(method, path, "");
    let bearer = HeaderValue::from_str(&format!("Bearer sk-{caller}-key")).unwrap();
    request.headers_mut().insert("authorization", bearer);
    harness.send(request).await
}

#[tokio::test]
async fn a_caller_sees_only_its_own_files_and_batches() {
    let harness = harness(|config: &mut Config| config.keys = vec![key("one"), key("two")]).await;
    let form = form(&[("purpose", "batch")], Some(("in.jsonl", b"{}\n")));
    let mut request = harness.request(Method::POST, "/v1/files", form);
    let headers = request.headers_mut();
    headers.insert(
        "authorization",
        HeaderValue::from_static("Bearer sk-one-key"),
    );
    let declared = HeaderValue::from_static("multipart/form-data; boundary=b");
    headers.insert("content-type", declared);
    let file = harness.send(request).await.json()["id"].clone();
    let body = json!({
        "input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h",
    });
    let create = async |caller: &str| {
        let mut request = harness.request(Method::POST, "/v1/batches", body.to_string());
        let bearer = HeaderValue::from_str(&format!("Bearer sk-{caller}-key")).unwrap();
        request.headers_mut().insert("authorization", bearer);
        harness.send(request).await
    };
    let refused = create("two").await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert_eq!(refused.error()["param"], json!("input_file_id"));
    let batch = create("one").await.json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let file = file.as_str().unwrap();
    for (method, path) in [
        (Method::GET, format!("/v1/files/{file}")),
        (Method::GET, format!("/v1/files/{file}/content")),
        (Method::DELETE, format!("/v1/files/{file}")),
        (Method::GET, format!("/v1/batches/{batch}")),
        (Method::POST, format!("/v1/batches/{batch}/cancel")),
    ] {
        let reply = as_caller(&harness, "two", method.clone(), &path).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        let without_key = harness.send(harness.request(method, &path, "")).await;
        assert_eq!(without_key.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/v1/files", "/v1/batches"] {
        let none = as_caller(&harness, "two", Method::GET, path).await;
        assert_eq!(none.json()["data"], json!([]), "{path}");
        let own_files = as_caller(&harness, "one", Method::GET, path).await;
        assert_eq!(
            own_files.json()["data"].as_array().map(Vec::len),
            Some(1),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_expired_file_is_not_found_and_is_removed() {
    let path = scratch();
    let store = Store::at(&path);
    let over = StoredFile {
        id: "file-over".to_owned(),
        caller: "local".to_owned(),
        purpose: "batch".to_owned(),
        filename: "a.jsonl".to_owned(),
        bytes: 1,
        created_at: 1,
        expires_at: Some(2),
    };
    store.add_file(&over).await.unwrap();
    let harness = harness(|config: &mut Config| config.store.path = path.clone()).await;
    let missing = harness.get("/v1/files/file-over").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let removed = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while !store.expired_files(3, 1).await.unwrap().is_empty() {}
    });
    removed.await.unwrap();
    let deleted = harness.simulator.requests();
    assert!(deleted.iter().any(|request| request.method == "DELETE"));
    let all = FilePage {
        purpose: None,
        after: None,
        newest_first: true,
        limit: 1,
    };
    assert_eq!(store.files("local", all, 1).await.unwrap(), []);
}

#[tokio::test]
async fn when_disabled_the_error_explains_how_to_enable_them() {
    let harness = Harness::start().await;
    for path in ["/v1/files", "/v1/batches", "/v1/files/a", "/v1/batches/a"] {
        let reply = harness.get(path).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
        let message: Value = reply.error()["message"].clone();
        assert!(
            message.as_str().unwrap().contains("[batches] enabled"),
            "{message}"
        );
    }
    let reply = harness.post("/v1/batches", &json!({})).await;
    assert_eq!(reply.error()["code"], json!("not_enabled"));
}
