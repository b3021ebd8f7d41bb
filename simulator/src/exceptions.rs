//! The exceptions that each operation can send, from botocore's models of `bedrock-runtime` and
//! `bedrock`.

use crate::error::AwsError;
use crate::operation::Operation;
use crate::script::{Fault, Script};

/// The members of `ConverseStreamOutput`.
const CONVERSE_STREAM: &[&str] = &[
    "internalServerException",
    "modelStreamErrorException",
    "serviceUnavailableException",
    "throttlingException",
    "validationException",
];

/// The members of `ResponseStream`, which InvokeModelWithResponseStream sends.
const RESPONSE_STREAM: &[&str] = &[
    "internalServerException",
    "modelStreamErrorException",
    "modelTimeoutException",
    "serviceUnavailableException",
    "throttlingException",
    "validationException",
];

/// The errors of non-streaming operations and of the OpenAI-compatible ones.
const NON_STREAMING: &[&str] = &[
    "accessDeniedException",
    "conflictException",
    "internalServerException",
    "modelErrorException",
    "modelNotReadyException",
    "modelStreamErrorException",
    "modelTimeoutException",
    "resourceNotFoundException",
    "serviceQuotaExceededException",
    "serviceUnavailableException",
    "throttlingException",
    "validationException",
];

/// Rejects a script whose exception its operation cannot send, or, without an operation, that no
/// operation can send. The error lists the valid exceptions.
pub(crate) fn check(script: &Script) -> Result<(), String> {
    check_faults(&script.faults, script.operation)
}

/// The same check for a script without an operation, when it meets a call.
pub(crate) fn check_for_call(faults: &[Fault], operation: Operation) -> Result<(), AwsError> {
    check_faults(faults, Some(operation)).map_err(|reason| AwsError::script_misfit(&reason))
}

fn check_faults(faults: &[Fault], operation: Option<Operation>) -> Result<(), String> {
    let (sender, sendable) = match operation {
        Some(Operation::ConverseStream) => ("ConverseStream", CONVERSE_STREAM),
        Some(Operation::InvokeModelWithResponseStream) => {
            ("InvokeModelWithResponseStream", RESPONSE_STREAM)
        }
        _ => ("Bedrock", NON_STREAMING),
    };
    let mut codes = faults.iter().filter_map(|fault| match fault {
        Fault::Exception { code, .. } => Some(code.as_str()),
        _ => None,
    });
    match codes.find(|code| !sendable.contains(code)) {
        None => Ok(()),
        Some(code) => Err(format!(
            "{sender} cannot send the exception `{code}`; valid exceptions: {}",
            sendable.join(", ")
        )),
    }
}
