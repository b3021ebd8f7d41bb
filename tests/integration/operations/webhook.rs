//! The webhook of `[budgets]`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use outcrop::allowances::{
    Allowance, Budget, BudgetPeriod, KeyGrant, Team, UsageAllowance, parse_usd,
};
use outcrop::config::{KeyDigest, KeyEntry, WebhookKey};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{Harness, non_streaming};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A request with the names of its headers in lower case.
struct Received {
    head: String,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(header, _)| header.eq_ignore_ascii_case(name));
        values.next().expect("the header").1
    }
}

/// Reads a request and responds to it.
async fn receive(connection: &mut TcpStream, status: &str) -> Received {
    let mut text = String::new();
    loop {
        let mut buffer = [0; 4096];
        let read = connection.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the request ended: {text}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let received = Received {
            head: head.to_owned(),
            body: body.to_owned(),
        };
        if received.body.len().to_string() == received.header("content-length") {
            let response = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            connection.write_all(response.as_bytes()).await.unwrap();
            return received;
        }
    }
}

#[tokio::test]
async fn thresholds_are_sent_signed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/budgets", listener.local_addr().unwrap());
    let harness = Harness::with(|config| {
        config.keys = vec![KeyEntry {
            caller: "ann".to_owned(),
            digest: KeyDigest::of("sk-ann"),
            access_key: None,
            chat: Default::default(),
            grant: KeyGrant {
                team: Some("research".to_owned()),
                ..KeyGrant::default()
            },
        }];
        let budget = Budget {
            usd: parse_usd("0.00001").unwrap(),
            per: BudgetPeriod::Total,
            hard: false,
            increase: None,
        };
        let allowance = Allowance {
            usage: UsageAllowance {
                budgets: vec![budget],
                ..UsageAllowance::default()
            },
            ..Allowance::default()
        };
        let team = Team {
            allowance,
            ..Team::default()
        };
        config
            .organization
            .teams
            .insert("research".to_owned(), team);
        let key = WebhookKey::parse(SECRET).unwrap();
        config.budgets.webhook = Some((url.parse().unwrap(), key));
    })
    .await;
    let request = [("authorization", "Bearer sk-ann")];
    let reply = harness.chat_with(&request, &non_streaming("hi")).await;
    assert_eq!(reply.status, 200);
    let (mut connection, _) = listener.accept().await.unwrap();
    let mut thresholds = Vec::new();
    for _ in 0..4 {
        let received = receive(&mut connection, "204 No Content").await;
        assert!(received.head.starts_with("POST /budgets HTTP/1.1"));
        let (id, time) = (
            received.header("webhook-id"),
            received.header("webhook-timestamp"),
        );
        let key = BASE64_STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
        let mut hmac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        hmac.update(format!("{id}.{time}.{}", received.body).as_bytes());
        let signature = BASE64_STANDARD.encode(hmac.finalize().into_bytes());
        assert_eq!(
            received.header("webhook-signature"),
            format!("v1,{signature}")
        );
        let message: Value = serde_json::from_str(&received.body).unwrap();
        assert_eq!(message["type"], "budget.threshold");
        let data = &message["data"];
        assert_eq!(
            (&data["level"], &data["name"]),
            (&json!("team"), &json!("research"))
        );
        assert_eq!(
            (&data["period"], &data["hard"]),
            (&json!("total"), &json!(false))
        );
        thresholds.push(data["threshold_percent"].as_u64().unwrap());
    }
    assert_eq!(thresholds, [50, 80, 95, 100]);
}
