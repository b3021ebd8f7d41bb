//! `/v1/files`: kept, listed, read and deleted.

use http::{HeaderValue, Method, StatusCode};
use outcrop::config::{Config, KeyDigest, KeyEntry};
use outcrop::store::{FilePage, Store, StoredFile};
use serde_json::{Value, json};

use crate::batch_world::{form, post_form, scratch, upload, world};
use crate::world::{Reply, World};

fn ids(reply: &Reply) -> Vec<String> {
    let files = reply.json()["data"].as_array().unwrap().clone();
    files
        .iter()
        .map(|file| file["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn delete(world: &World, path: &str) -> Reply {
    world.send(world.request(Method::DELETE, path, "")).await
}

#[tokio::test]
async fn a_file_is_kept_told_of_read_and_deleted() {
    let world = world(|_| {}).await;
    let texts = [
        ("purpose", "batch"),
        ("expires_after[anchor]", "created_at"),
        ("expires_after[seconds]", "3600"),
        ("colour", "red"),
    ];
    let reply = post_form(&world, form(&texts, Some(("in.jsonl", b"{}\n")))).await;
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
    assert_eq!(world.get(&format!("/v1/files/{id}")).await.json(), file);
    let content = world.get(&format!("/v1/files/{id}/content")).await;
    assert_eq!(content.text, "{}\n");
    assert_eq!(content.header("content-length"), Some("3"));
    let deleted = delete(&world, &format!("/v1/files/{id}")).await;
    assert_eq!(
        deleted.json(),
        json!({"id": id, "object": "file", "deleted": true})
    );
    for path in [format!("/v1/files/{id}"), format!("/v1/files/{id}/content")] {
        let gone = world.get(&path).await;
        assert_eq!(
            (gone.status, &gone.error()["code"]),
            (StatusCode::NOT_FOUND, &json!("not_found"))
        );
    }
}

#[tokio::test]
async fn files_are_listed_in_pages_by_purpose_and_in_both_orders() {
    let world = world(|_| {}).await;
    let mut kept = Vec::new();
    for content in ["1", "2", "3"] {
        kept.push(upload(&world, content).await);
    }
    let oldest = world.get("/v1/files?order=asc").await;
    assert_eq!(ids(&oldest), kept);
    let first = world.get("/v1/files?limit=2&purpose=batch").await;
    assert_eq!(ids(&first), [&*kept[2], &*kept[1]]);
    let page = first.json();
    assert_eq!(
        (&page["has_more"], &page["object"]),
        (&json!(true), &json!("list"))
    );
    assert_eq!(
        (&page["first_id"], &page["last_id"]),
        (&json!(kept[2]), &json!(kept[1]))
    );
    let rest = world
        .get(&format!("/v1/files?limit=2&after={}", kept[1]))
        .await;
    assert_eq!(ids(&rest), [&*kept[0]]);
    assert_eq!(rest.json()["has_more"], json!(false));
    let others = world.get("/v1/files?purpose=batch_output").await;
    assert_eq!(others.json()["data"], json!([]));
    let refused = world.get("/v1/files?limit=0").await;
    assert_eq!(refused.error()["param"], json!("limit"));
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused_and_nothing_is_left_of_it() {
    let world = world(|config| config.batches.max_file_size = 100).await;
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
        let reply = post_form(&world, form(texts, file)).await;
        assert_eq!(reply.status.as_u16(), status, "{}", reply.text);
        if status == 400 {
            assert_eq!(reply.error()["param"], parameter, "{}", reply.text);
        }
    }
    let json = world.post("/v1/files", &json!({"purpose": "batch"})).await;
    assert_eq!(json.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(world.get("/v1/files").await.json()["data"], json!([]));
    let written = world.simulator.requests();
    let written = written.iter().filter(|request| request.method == "PUT");
    assert_eq!(written.count(), 0, "nothing was written to S3");
}

#[tokio::test]
async fn a_long_file_goes_to_s3_in_parts_and_comes_back_whole() {
    let world = world(|_| {}).await;
    let content: String = (0..900_000)
        .map(|number| format!("{number:011}\n"))
        .collect();
    assert!(content.len() > 8 << 20);
    let id = upload(&world, &content).await;
    let back = world.get(&format!("/v1/files/{id}/content")).await;
    assert!(back.text == content, "the content is not the same");
    let parts = world.simulator.requests();
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
    }
}

async fn as_caller(world: &World, caller: &str, method: Method, path: &str) -> Reply {
    let mut request = world.request(method, path, "");
    let bearer = HeaderValue::from_str(&format!("Bearer sk-{caller}-key")).unwrap();
    request.headers_mut().insert("authorization", bearer);
    world.send(request).await
}

#[tokio::test]
async fn a_caller_sees_its_own_files_and_batches_alone() {
    let world = world(|config: &mut Config| config.keys = vec![key("one"), key("two")]).await;
    let form = form(&[("purpose", "batch")], Some(("in.jsonl", b"{}\n")));
    let mut request = world.request(Method::POST, "/v1/files", form);
    let headers = request.headers_mut();
    headers.insert(
        "authorization",
        HeaderValue::from_static("Bearer sk-one-key"),
    );
    let declared = HeaderValue::from_static("multipart/form-data; boundary=b");
    headers.insert("content-type", declared);
    let file = world.send(request).await.json()["id"].clone();
    let body = json!({
        "input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h",
    });
    let create = async |caller: &str| {
        let mut request = world.request(Method::POST, "/v1/batches", body.to_string());
        let bearer = HeaderValue::from_str(&format!("Bearer sk-{caller}-key")).unwrap();
        request.headers_mut().insert("authorization", bearer);
        world.send(request).await
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
        let reply = as_caller(&world, "two", method.clone(), &path).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        let nobody = world.send(world.request(method, &path, "")).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/v1/files", "/v1/batches"] {
        let none = as_caller(&world, "two", Method::GET, path).await;
        assert_eq!(none.json()["data"], json!([]), "{path}");
        let own = as_caller(&world, "one", Method::GET, path).await;
        assert_eq!(
            own.json()["data"].as_array().map(Vec::len),
            Some(1),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_over_is_not_there_and_is_removed() {
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
    let world = world(|config: &mut Config| config.store.path = path.clone()).await;
    let gone = world.get("/v1/files/file-over").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let removed = tokio::time::timeout(std::time::Duration::from_secs(60), async {
        while !store.expired_files(3, 1).await.unwrap().is_empty() {}
    });
    removed.await.unwrap();
    let deleted = world.simulator.requests();
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
async fn where_they_are_off_the_answer_says_how_they_are_switched_on() {
    let world = World::start().await;
    for path in ["/v1/files", "/v1/batches", "/v1/files/a", "/v1/batches/a"] {
        let reply = world.get(path).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
        let message: Value = reply.error()["message"].clone();
        assert!(
            message.as_str().unwrap().contains("[batches] enabled"),
            "{message}"
        );
    }
    let reply = world.post("/v1/batches", &json!({})).await;
    assert_eq!(reply.error()["code"], json!("not_enabled"));
}
