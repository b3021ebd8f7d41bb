//! The gateway's S3 client against the simulator's minimal S3.

use std::time::Duration;

use bedrock_simulator::{Fault, Operation, Script, ScriptedResponse, Simulator};
use bytes::Bytes;
use outcrop::bedrock::{Bedrock, BedrockSettings, ObjectLocation, S3, SimulatedBedrock};
use outcrop::error::ErrorKind;

const BUCKET: &str = "outcrop-example";

async fn store() -> (Simulator, S3) {
    let simulator = Simulator::start(bedrock_simulator::Options::default())
        .await
        .unwrap();
    let settings = BedrockSettings {
        simulated: Some(SimulatedBedrock::at(simulator.url())),
        ..BedrockSettings::default()
    };
    let bedrock = Bedrock::connect(&settings).await.unwrap();
    (simulator, S3::new(&bedrock, true))
}

fn at(key: &str) -> ObjectLocation {
    ObjectLocation {
        bucket: BUCKET.to_owned(),
        key: key.to_owned(),
    }
}

#[tokio::test]
async fn an_object_is_written_read_in_parts_listed_and_deleted() {
    let (simulator, s3) = store().await;
    let file = at("folder/a file+ä.txt");
    let content = Bytes::from_static(b"0123456789");
    s3.put(&file, "text/plain", content.clone()).await.unwrap();
    assert_eq!(simulator.object(BUCKET, &file.key), Some(content));
    assert!(s3.exists(&file).await.unwrap());
    let part = s3.get(&file, Some("bytes=2-4")).await.unwrap();
    assert_eq!(part.range.as_deref(), Some("bytes 2-4/10"));
    assert_eq!(
        (part.length, part.content_type.as_deref()),
        (3, Some("text/plain"))
    );
    assert_eq!(part.read_all(3).await.unwrap(), "234");
    let full_object = s3.get(&file, None).await.unwrap();
    assert!(
        full_object.read_all(9).await.is_err(),
        "the object exceeds the limit"
    );
    let listed = s3.list(&at("folder/")).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&file));
    s3.delete(&file).await.unwrap();
    s3.delete(&file).await.unwrap();
    assert!(!s3.exists(&file).await.unwrap());
    assert!(s3.list(&at("")).await.unwrap().is_empty());
}

#[tokio::test]
async fn s3_errors_do_not_reveal_operator_details() {
    let (simulator, s3) = store().await;
    simulator.put_object(BUCKET, "file", "text/plain", "0123456789");
    let no_bucket = ObjectLocation {
        bucket: "no-such-bucket".to_owned(),
        key: "file".to_owned(),
    };
    for (file, range, kind) in [
        (at("nothing"), None, ErrorKind::NotFound),
        (
            at("file"),
            Some("bytes=10-"),
            ErrorKind::RangeNotSatisfiable,
        ),
        (no_bucket, None, ErrorKind::Internal),
    ] {
        let upstream_error = s3.get(&file, range).await.unwrap_err();
        assert_eq!(upstream_error.api_error.kind, kind, "{upstream_error:?}");
        assert!(
            !upstream_error.api_error.to_string().contains("bucket"),
            "{upstream_error:?}"
        );
    }
    let mut denied = Script::new(ScriptedResponse::Error {
        status: 403,
        code: "AccessDenied".to_owned(),
        message: "Access Denied".to_owned(),
        retry_after: None,
    });
    denied.operation = Some(Operation::HeadObject);
    simulator.push(denied);
    let upstream_error = s3.exists(&at("file")).await.unwrap_err();
    assert_eq!(upstream_error.api_error.kind, ErrorKind::Internal);
}

#[tokio::test]
async fn an_interrupted_object_is_an_error() {
    let (simulator, s3) = store().await;
    simulator.put_object(BUCKET, "file", "text/plain", "0123456789");
    let mut cut = Script::fault(Fault::Cut { after_events: 0 });
    cut.operation = Some(Operation::GetObject);
    simulator.push(cut);
    let object = s3.get(&at("file"), None).await.unwrap();
    assert!(object.read_all(100).await.is_err());
}

#[tokio::test]
async fn a_presigned_url_is_accepted_by_the_store() {
    let (simulator, s3) = store().await;
    let address = s3
        .presigned(&at("an image.png"), Duration::from_secs(60))
        .await;
    let address = address.unwrap();
    assert!(address.starts_with(&simulator.url()), "{address}");
    assert!(address.contains("X-Amz-Expires=60"), "{address}");
}
