//! STS's GetCallerIdentity, which responds with XML.

use bytes::Bytes;
use http::StatusCode;

use crate::error::AwsError;
use crate::ids;
use crate::reply::{Reply, ReplyBody};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The caller's identity; the same for all credentials.
pub(crate) fn response(body: &[u8]) -> Reply {
    let form_body = String::from_utf8_lossy(body);
    if !form_body
        .split('&')
        .any(|field| field == "Action=GetCallerIdentity")
    {
        let message = "Could not find operation in the request";
        return error_reply(StatusCode::BAD_REQUEST, "InvalidAction", message);
    }
    let request_id = ids::request_id();
    xml(
        StatusCode::OK,
        format!(
            r#"<GetCallerIdentityResponse xmlns="{NAMESPACE}">
  <GetCallerIdentityResult>
    <Arn>arn:aws:iam::123456789012:user/bedrock-simulator</Arn>
    <UserId>AIDACKCEVSQ6C2EXAMPLE</UserId>
    <Account>123456789012</Account>
  </GetCallerIdentityResult>
  <ResponseMetadata>
    <RequestId>{request_id}</RequestId>
  </ResponseMetadata>
</GetCallerIdentityResponse>
"#
        ),
    )
}

/// An authentication error with STS's error codes.
pub(crate) fn refusal(error: &AwsError) -> Reply {
    let code = match error.code.as_str() {
        "UnrecognizedClientException" => "InvalidClientTokenId",
        "InvalidSignatureException" => "SignatureDoesNotMatch",
        "ExpiredTokenException" => "ExpiredToken",
        "MissingAuthenticationTokenException" => "MissingAuthenticationToken",
        "IncompleteSignatureException" => "IncompleteSignature",
        _ => "AccessDenied",
    };
    error_reply(error.status, code, &error.message)
}

fn error_reply(status: StatusCode, code: &str, message: &str) -> Reply {
    let request_id = ids::request_id();
    let message = message.replace('&', "&amp;").replace('<', "&lt;");
    xml(
        status,
        format!(
            r#"<ErrorResponse xmlns="{NAMESPACE}">
  <Error>
    <Type>Sender</Type>
    <Code>{code}</Code>
    <Message>{message}</Message>
  </Error>
  <RequestId>{request_id}</RequestId>
</ErrorResponse>
"#
        ),
    )
}

fn xml(status: StatusCode, document: String) -> Reply {
    Reply::typed(
        status,
        "text/xml",
        ReplyBody::Complete(Bytes::from(document)),
    )
}
