//! A webhook, signed as Standard Webhooks has it: the receiver can check with its key who has sent
//! a message, and when.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request};
use http_body_util::Full;
use jiff::Timestamp;
use sha2::Sha256;
use url::Url;

use crate::config::WebhookKey;
use crate::resources::https::{HttpsClient, https_client};
use crate::resources::ids::stored_id;

/// How long the receiver may take to respond.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The waits before the second attempt and the following ones.
const DELAYS: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
];

/// A receiver of messages.
pub(super) struct Webhook {
    url: Url,
    key: WebhookKey,
    client: HttpsClient,
}

impl Webhook {
    /// The receiver at `url`; the error is for the operator.
    pub(super) fn new(url: Url, key: WebhookKey) -> Result<Self, String> {
        let client = https_client();
        let client = client.map_err(|error| format!("the system's certificates: {error}"))?;
        Ok(Self { url, key, client })
    }

    /// Delivers a message, with retries. What cannot be delivered is logged.
    pub(super) async fn deliver(&self, body: Vec<u8>) {
        // Retries have the same id, by which the receiver recognizes them.
        let (id, body) = (stored_id("msg_"), Bytes::from(body));
        for delay in DELAYS.map(Some).into_iter().chain([None]) {
            let Err(error) = self.send(&id, body.clone()).await else {
                return;
            };
            match delay {
                Some(delay) => tokio::time::sleep(delay).await,
                None => tracing::error!(id, error, "a message to the webhook is lost"),
            }
        }
    }

    async fn send(&self, id: &str, body: Bytes) -> Result<(), String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default().as_secs();
        let signature = signature(&self.key, id, now, &body);
        let request = Request::post(self.url.as_str())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(USER_AGENT, HeaderValue::from_static("outcrop"))
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", signature)
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        let response = tokio::time::timeout(TIMEOUT, self.client.request(request)).await;
        match response {
            Err(_) => Err("no response in time".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(response)) if response.status().is_success() => Ok(()),
            Ok(Ok(response)) => Err(format!("status {}", response.status().as_u16())),
        }
    }
}

/// `v1,` and the base64 of the HMAC-SHA256 of id, time in Unix seconds and body.
fn signature(key: &WebhookKey, id: &str, seconds: u64, body: &[u8]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else {
        return String::new();
    };
    hmac.update(format!("{id}.{seconds}.").as_bytes());
    hmac.update(body);
    let digest = hmac.finalize().into_bytes();
    format!("v1,{}", BASE64_STANDARD.encode(digest))
}

/// A time in Unix milliseconds as RFC 3339 has it.
pub(super) fn rfc3339(unix_ms: i64) -> String {
    let time = Timestamp::from_millisecond(unix_ms);
    time.map(|time| time.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification (standard-webhooks, "Signature scheme"; the same in the
    /// tests of the reference libraries).
    #[test]
    fn signatures_are_those_of_the_specification() {
        let key = WebhookKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a key");
        let body = br#"{"test": 2432232314}"#;
        let signature = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
