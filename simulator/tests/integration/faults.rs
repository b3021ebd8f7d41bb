//! Each fault reaches the AWS SDK as the error that it simulates.

use std::time::{Duration, Instant};

use crate::common::{NOVA, client, open_simulator, post, simulator, user};
use aws_sdk_bedrockruntime::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_bedrockruntime::types::ConverseStreamOutput;
use aws_sdk_bedrockruntime::types::error::ConverseStreamOutputError;
use bedrock_simulator::{Fault, Script, Simulator};

#[derive(Debug, PartialEq)]
enum End {
    Complete,
    /// A proper end of the body without messageStop.
    Early,
    Exception(&'static str),
    /// The body is not an event stream.
    Garbled,
    Lost,
}

/// Reads the stream of a call; returns the number of events and how it ended.
async fn read(simulator: &Simulator) -> (usize, End) {
    let call = client(simulator)
        .converse_stream()
        .model_id(NOVA)
        .messages(user("hi"))
        .send()
        .await;
    let mut stream = call.unwrap().stream;
    let (mut events, mut complete) = (0, false);
    loop {
        match stream.recv().await {
            Ok(Some(event)) => {
                complete |= matches!(event, ConverseStreamOutput::MessageStop(_));
                events += 1;
            }
            Ok(None) if complete => return (events, End::Complete),
            Ok(None) => return (events, End::Early),
            Err(error) => return (events, end_of(&error)),
        }
    }
}

fn end_of<R>(error: &SdkError<ConverseStreamOutputError, R>) -> End {
    match error {
        SdkError::ServiceError(error) => match error.err() {
            ConverseStreamOutputError::ThrottlingException(_) => End::Exception("throttling"),
            ConverseStreamOutputError::ModelStreamErrorException(error) => {
                assert_eq!(error.original_status_code(), Some(500));
                End::Exception("model stream error")
            }
            other => panic!("{other:?}"),
        },
        SdkError::ResponseError(_) => End::Garbled,
        SdkError::DispatchFailure(_) => End::Lost,
        _ => panic!("another kind of error"),
    }
}

fn throttled(after_events: usize) -> Fault {
    Fault::Exception {
        after_events,
        code: "throttlingException".to_owned(),
        message: "Too many".to_owned(),
        original_status_code: None,
    }
}

#[tokio::test]
async fn each_fault_ends_the_stream_as_specified() {
    let simulator = simulator().await;
    let model_error = Fault::Exception {
        after_events: 2,
        code: "modelStreamErrorException".to_owned(),
        message: "The model broke".to_owned(),
        original_status_code: Some(500),
    };
    for (fault, events, end) in [
        (throttled(0), 0, End::Exception("throttling")),
        (throttled(3), 3, End::Exception("throttling")),
        (model_error, 2, End::Exception("model stream error")),
        (Fault::Cut { after_events: 0 }, 0, End::Lost),
        (Fault::Cut { after_events: 4 }, 4, End::Lost),
        (Fault::End { after_events: 2 }, 2, End::Early),
        (Fault::TruncatedFrame { after_events: 2 }, 2, End::Garbled),
        (Fault::BadCrc { after_events: 1 }, 1, End::Garbled),
    ] {
        simulator.push(Script::fault(fault.clone()));
        assert_eq!(read(&simulator).await, (events, end), "{fault:?}");
    }
    assert_eq!(read(&simulator).await.1, End::Complete);
}

#[tokio::test]
async fn slow_streams_complete() {
    let simulator = simulator().await;
    for fault in [
        Fault::SlowResponse { delay_ms: 30 },
        Fault::SlowFirstEvent { delay_ms: 30 },
        Fault::Drip { delay_ms: 1 },
    ] {
        let started = Instant::now();
        simulator.push(Script::text("one two three four").with(fault.clone()));
        assert_eq!(read(&simulator).await, (8, End::Complete), "{fault:?}");
        let minimum = if matches!(fault, Fault::Drip { .. }) {
            8
        } else {
            30
        };
        assert!(
            started.elapsed() >= Duration::from_millis(minimum),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_client_disconnect_during_a_stalled_stream_is_counted() {
    let simulator = simulator().await;
    simulator.push(Script::fault(Fault::Stall { after_events: 1 }));
    let client = client(&simulator);
    let call = client
        .converse_stream()
        .model_id(NOVA)
        .messages(user("hi"))
        .send()
        .await
        .unwrap();
    let mut stream = call.stream;
    assert!(stream.recv().await.unwrap().is_some());
    simulator.wait_for_received(1).await;
    assert_eq!((simulator.open_calls(), simulator.abandoned()), (1, 0));

    drop(stream);
    simulator.wait_for_abandoned(1).await;
    assert_eq!((simulator.open_calls(), simulator.abandoned()), (0, 1));
}

#[tokio::test]
async fn faults_apply_to_non_streaming_responses() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let call = async |fault: Fault| {
        simulator.push(Script::fault(fault));
        client
            .converse()
            .model_id(NOVA)
            .messages(user("hi"))
            .send()
            .await
    };
    let error = call(throttled(0)).await.unwrap_err();
    assert!(error.as_service_error().unwrap().is_throttling_exception());
    let error = call(Fault::Cut { after_events: 0 }).await.unwrap_err();
    assert!(!matches!(error, SdkError::ServiceError(_)), "{error:?}");
    let error = call(Fault::End { after_events: 0 }).await.unwrap_err();
    assert!(
        !matches!(error, SdkError::ConstructionFailure(_)),
        "{error:?}"
    );
    call(Fault::SlowFirstEvent { delay_ms: 5 }).await.unwrap();
}

#[tokio::test]
async fn a_scripted_error_has_status_code_and_retry_after() {
    let simulator = simulator().await;
    let script_json = r#"{"response": {"kind": "error", "status": 503, "code": "ServiceUnavailableException",
                    "message": "Model is getting throttled. Try your request again.", "retry_after": 7}}"#;
    assert_eq!(
        post(&simulator, "/_simulator/scripts", script_json)
            .await
            .status,
        201
    );
    let call = client(&simulator)
        .converse_stream()
        .model_id(NOVA)
        .messages(user("hi"))
        .send()
        .await;
    let error = call.unwrap_err();
    assert_eq!(error.code(), Some("ServiceUnavailableException"));
    let raw = error.raw_response().unwrap();
    assert_eq!(
        (raw.status().as_u16(), raw.headers().get("retry-after")),
        (503, Some("7"))
    );
}

#[tokio::test]
async fn a_truncated_body_ends_without_a_terminator() {
    let simulator = open_simulator().await;
    simulator.push(Script::fault(Fault::Cut { after_events: 1 }));
    let response = post(
        &simulator,
        "/model/amazon.nova-lite-v1:0/converse-stream",
        "{}",
    )
    .await;
    assert_eq!(response.status, 200);
    assert!(response.body.is_err());
}
