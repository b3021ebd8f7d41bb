//! Parts of OpenAI's API that Bedrock cannot serve: each path with the reason and an alternative.
//!
//! The paths are those of OpenAI's Python SDK 3.52 and of the realtime API.

use std::fmt;

/// A part of OpenAI's API that is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absent {
    /// The method; `None` for all methods.
    pub method: Option<&'static str>,
    /// The path after `/v1`, including all paths below it; `{id}` matches one segment.
    pub path: &'static str,
    /// The reason.
    pub why: &'static str,
    /// The alternative.
    pub instead: &'static str,
}

/// All parts of the API that are not served.
pub const ABSENT: &[Absent] = &[
    all(
        "/audio/speech",
        "Bedrock has no text-to-speech models",
        "use Amazon Polly",
    ),
    all(
        "/audio/transcriptions",
        "Bedrock has no transcription models",
        "use Amazon Transcribe, or send the audio as `input_audio` in /v1/chat/completions to a \
         model that accepts audio",
    ),
    all(
        "/audio/translations",
        "Bedrock has no speech translation models",
        "use Amazon Transcribe and Amazon Translate, or send the audio as `input_audio` in \
         /v1/chat/completions to a model that accepts audio",
    ),
    all("/audio", "Bedrock has no custom voices", "use Amazon Polly"),
    all(
        "/realtime",
        "Bedrock's bidirectional speech (Nova Sonic) uses its own HTTP/2 protocol, which is not \
         compatible with OpenAI's realtime API",
        "use InvokeModelWithBidirectionalStream of the AWS SDK, or /v1/chat/completions for text",
    ),
    all(
        "/live",
        "Bedrock's bidirectional speech (Nova Sonic) uses its own HTTP/2 protocol, which is not \
         compatible with OpenAI's live sessions",
        "use InvokeModelWithBidirectionalStream of the AWS SDK, or /v1/chat/completions for text",
    ),
    all(
        "/fine_tuning",
        "Bedrock customizes models with its own jobs, using data and roles of the AWS account",
        "use CreateModelCustomizationJob of the AWS SDK; the gateway serves the customized model \
         by its ARN",
    ),
    all(
        "/evals",
        "Bedrock evaluates models with its own jobs, using data and roles of the AWS account",
        "use CreateEvaluationJob of the AWS SDK",
    ),
    all(
        "/assistants",
        "assistants run on OpenAI's servers, and Bedrock stores no state between \
         requests",
        "send the conversation and the tools with each request to /v1/chat/completions",
    ),
    all(
        "/threads",
        "threads and runs are stored on OpenAI's servers, and Bedrock stores no state \
         between requests",
        "send the conversation with each request to /v1/chat/completions",
    ),
    all(
        "/agents",
        "agents run on OpenAI's servers; Bedrock's agents belong to the AWS account and have another \
         API",
        "run the agent in the client, with /v1/chat/completions, or use InvokeAgent of the AWS \
         SDK",
    ),
    all(
        "/vaults",
        "vaults store secrets for OpenAI's agents, which are not served",
        "use AWS Secrets Manager",
    ),
    all(
        "/conversations",
        "the gateway stores responses, but no conversations",
        "continue a response with `previous_response_id`, or send the conversation with each request",
    ),
    all(
        "/chat/completions/{id}",
        "the gateway stores no completions, even with `store`",
        "store the response in the client",
    ),
    one(
        "GET",
        "/chat/completions",
        "the gateway stores no completions, even with `store`",
        "store the response in the client",
    ),
    one(
        "DELETE",
        "/models/{id}",
        "the gateway does not delete models of the AWS account",
        "use DeleteCustomModel or DeleteImportedModel of the AWS SDK",
    ),
    all(
        "/vector_stores",
        "Bedrock's runtime stores no documents to search",
        "use a Bedrock knowledge base with Retrieve of the AWS SDK, or store embeddings of \
         /v1/embeddings in your own vector store",
    ),
    all(
        "/containers",
        "Bedrock's runtime has no containers for code",
        "run the code in the client, or use AgentCore's code interpreter",
    ),
    all(
        "/skills",
        "skills run in OpenAI's containers, which are not served",
        "put the instructions into the system message of /v1/chat/completions",
    ),
    all(
        "/uploads",
        "multipart uploads are not served",
        "upload the complete file to /v1/files",
    ),
    all(
        "/videos/characters",
        "Bedrock's models do not keep characters between videos",
        "describe the character in the prompt of /v1/videos",
    ),
    all(
        "/videos/edits",
        "Bedrock's models do not edit videos",
        "generate a new video with /v1/videos",
    ),
    all(
        "/videos/extensions",
        "Bedrock's models do not extend videos",
        "generate a new video with /v1/videos, using the last frame as the first",
    ),
    all(
        "/videos/{id}/remix",
        "Bedrock's models do not edit videos",
        "generate a new video with /v1/videos",
    ),
    all(
        "/chatkit",
        "ChatKit sessions run workflows on OpenAI's servers",
        "run the workflow in the client, with /v1/chat/completions",
    ),
    all(
        "/decisions",
        "Bedrock's models do not return decision scores",
        "use /v1/chat/completions with a `response_format` of type `json_schema`",
    ),
    all(
        "/content_provenance_checks",
        "provenance checks only recognize content of OpenAI's models",
        "use Bedrock's watermark detection for content of Amazon's models",
    ),
    all(
        "/safety",
        "these are cases of OpenAI's safety team",
        "see AWS's abuse notices, and check content with /v1/moderations",
    ),
    all(
        "/webhook_endpoints",
        "the gateway sends no webhooks",
        "poll the state of a video or a batch",
    ),
    all(
        "/webhook_event_types",
        "the gateway sends no webhooks",
        "poll the state of a video or a batch",
    ),
    all(
        "/organization",
        "organizations, members and billing are OpenAI's",
        "use AWS IAM and Cost Explorer; the gateway's keys are in its configuration",
    ),
    all(
        "/projects",
        "projects and roles are OpenAI's",
        "use AWS IAM; the gateway's keys are in its configuration",
    ),
    all(
        "/engines",
        "OpenAI replaced engines with models",
        "name the model in the body of /v1/chat/completions, /v1/completions or /v1/embeddings",
    ),
    all(
        "/edits",
        "OpenAI retired edits",
        "request the edited text from /v1/chat/completions",
    ),
];

/// The entry for a request with this method and path; `None` if the path is served or unknown.
/// Accepts complete paths: `/v1/...`, `/api/v1/...`, `/openai/v1/...`, Azure deployment paths, or
/// paths without a prefix.
pub fn absent(method: &str, path: &str) -> Option<&'static Absent> {
    if let Some(deployment_path) = path.strip_prefix("/openai/deployments/") {
        let (_, path) = deployment_path.split_once('/')?;
        return absent(method, &format!("/v1/{path}"));
    }
    let path = path.strip_prefix("/openai").unwrap_or(path);
    let path = path.strip_prefix("/api").unwrap_or(path);
    let path = path.strip_prefix("/v1").unwrap_or(path);
    ABSENT.iter().find(|absent| absent.is(method, path))
}

const fn all(path: &'static str, why: &'static str, instead: &'static str) -> Absent {
    Absent {
        method: None,
        path,
        why,
        instead,
    }
}

const fn one(
    method: &'static str,
    path: &'static str,
    why: &'static str,
    instead: &'static str,
) -> Absent {
    Absent {
        method: Some(method),
        ..all(path, why, instead)
    }
}

impl Absent {
    fn is(&self, method: &str, path: &str) -> bool {
        let mut actual = path.split('/');
        self.method.is_none_or(|only| only == method)
            && self
                .path
                .split('/')
                .all(|segment| actual.next().is_some_and(|value| fits(segment, value)))
    }
}

fn fits(segment: &str, value: &str) -> bool {
    match segment {
        "{id}" => !value.is_empty(),
        segment => segment == value,
    }
}

impl fmt::Display for Absent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}; {}", self.why, self.instead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_of(method: &str, path: &str) -> Option<&'static str> {
        absent(method, path).map(|absent| absent.path)
    }

    #[test]
    fn a_path_matches_under_every_prefix_including_subpaths() {
        for path in [
            "/v1/audio/speech",
            "/audio/speech",
            "/api/v1/audio/speech",
            "/v1/audio/speech/more",
            "/openai/v1/audio/speech",
            "/openai/deployments/tts/audio/speech",
        ] {
            assert_eq!(path_of("POST", path), Some("/audio/speech"), "{path}");
        }
        assert_eq!(path_of("GET", "/v1/audio/voices"), Some("/audio"));
        assert_eq!(path_of("POST", "/v1/audiobooks"), None);
        assert_eq!(path_of("POST", "/v1"), None);
        assert_eq!(path_of("POST", "/v1/completions"), None);
    }

    #[test]
    fn static_paths_path_parameters_and_methods_are_distinguished() {
        let remix = Some("/videos/{id}/remix");
        assert_eq!(path_of("POST", "/v1/videos/video_1/remix"), remix);
        assert_eq!(path_of("GET", "/v1/videos/video_1"), None);
        assert_eq!(
            path_of("GET", "/v1/chat/completions"),
            Some("/chat/completions")
        );
        assert_eq!(path_of("POST", "/v1/chat/completions"), None);
        assert_eq!(path_of("DELETE", "/v1/models/a.b:0"), Some("/models/{id}"));
    }

    #[test]
    fn no_row_shadows_a_later_one() {
        for (index, row) in ABSENT.iter().enumerate() {
            let hidden = ABSENT.iter().skip(index + 1);
            let mut hidden =
                hidden.filter(|later| row.is(later.method.unwrap_or("GET"), later.path));
            assert_eq!(hidden.next(), None, "{row:?}");
        }
    }
}
