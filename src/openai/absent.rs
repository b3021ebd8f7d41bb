//! What OpenAI's API has and Bedrock has not: each path with the reason and what to use instead.
//!
//! The paths are those of the official SDK for Python 3.52, with the realtime API's addresses.

use std::fmt;

/// A part of OpenAI's API that is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Absent {
    /// The method, where others are served under the path.
    pub method: Option<&'static str>,
    /// The path behind `/v1`, and all below it; `{id}` stands for one segment.
    pub path: &'static str,
    /// Why it is not served.
    pub why: &'static str,
    /// What to use instead.
    pub instead: &'static str,
}

/// All that is not served.
pub const ABSENT: &[Absent] = &[
    all(
        "/audio/speech",
        "no model of Bedrock's turns a text into speech in one answer",
        "use Amazon Polly",
    ),
    all(
        "/audio/transcriptions",
        "no model of Bedrock's writes down speech and nothing else",
        "use Amazon Transcribe, or send the sound as `input_audio` in /v1/chat/completions to a \
         model that takes sound",
    ),
    all(
        "/audio/translations",
        "no model of Bedrock's translates speech and nothing else",
        "use Amazon Transcribe and Amazon Translate, or send the sound as `input_audio` in \
         /v1/chat/completions to a model that takes sound",
    ),
    all(
        "/audio",
        "Bedrock has no voices of a customer's own",
        "use Amazon Polly",
    ),
    all(
        "/realtime",
        "Bedrock's speech in both directions (Nova Sonic) has a protocol of its own on HTTP/2, \
         which is no form of OpenAI's realtime API",
        "use InvokeModelWithBidirectionalStream of the AWS SDK, or /v1/chat/completions for text",
    ),
    all(
        "/live",
        "Bedrock's speech in both directions (Nova Sonic) has a protocol of its own on HTTP/2, \
         which is no form of OpenAI's live sessions",
        "use InvokeModelWithBidirectionalStream of the AWS SDK, or /v1/chat/completions for text",
    ),
    all(
        "/fine_tuning",
        "Bedrock fits models to data by jobs of its own, with data and roles of the account",
        "use CreateModelCustomizationJob of the AWS SDK; the model that comes out is called here \
         by its ARN",
    ),
    all(
        "/evals",
        "Bedrock evaluates models by jobs of its own, with data and roles of the account",
        "use CreateEvaluationJob of the AWS SDK",
    ),
    all(
        "/assistants",
        "assistants run on a server of OpenAI's, and Bedrock's models remember nothing between \
         two requests",
        "send the conversation and the tools with each request to /v1/chat/completions",
    ),
    all(
        "/threads",
        "threads and their runs are kept on a server of OpenAI's, and Bedrock's models remember \
         nothing between two requests",
        "send the conversation with each request to /v1/chat/completions",
    ),
    all(
        "/agents",
        "agents run on a server of OpenAI's; those of Bedrock are the account's own, with another \
         API",
        "run the agent where the client is, on /v1/chat/completions, or use InvokeAgent of the AWS \
         SDK",
    ),
    all(
        "/vaults",
        "vaults keep secrets for OpenAI's agents, which are not here",
        "use AWS Secrets Manager",
    ),
    all(
        "/conversations",
        "the gateway keeps no conversations, and Bedrock's models remember nothing between two \
         requests",
        "send the conversation with each request to /v1/chat/completions",
    ),
    all(
        "/responses",
        "the Responses API is not served",
        "use /v1/chat/completions, which takes the same models, tools and schemas",
    ),
    all(
        "/chat/completions/{id}",
        "the gateway keeps no completions, with `store` or without",
        "keep the answer where the client is",
    ),
    one(
        "GET",
        "/chat/completions",
        "the gateway keeps no completions, with `store` or without",
        "keep the answer where the client is",
    ),
    one(
        "DELETE",
        "/models/{id}",
        "models of the account are none of the gateway's to delete",
        "use DeleteCustomModel or DeleteImportedModel of the AWS SDK",
    ),
    all(
        "/vector_stores",
        "Bedrock's runtime keeps no documents to search in",
        "use a knowledge base of Bedrock's by Retrieve of the AWS SDK, or keep vectors of \
         /v1/embeddings in a store of your own",
    ),
    all(
        "/containers",
        "Bedrock's runtime has no containers for code",
        "run the code where the client is, or use AgentCore's code interpreter",
    ),
    all(
        "/skills",
        "skills run in containers of OpenAI's, which are not here",
        "put the instructions into the system message of /v1/chat/completions",
    ),
    all(
        "/uploads",
        "files are not put together from parts here",
        "send the file whole to /v1/files",
    ),
    all(
        "/videos/characters",
        "no model of Bedrock's keeps characters between two films",
        "describe the character in the prompt of /v1/videos",
    ),
    all(
        "/videos/edits",
        "no model of Bedrock's changes a film that is there",
        "make a new one with /v1/videos",
    ),
    all(
        "/videos/extensions",
        "no model of Bedrock's carries a film on",
        "make a new one with /v1/videos, which takes the last frame as its first",
    ),
    all(
        "/videos/{id}/remix",
        "no model of Bedrock's changes a film that is there",
        "make a new one with /v1/videos",
    ),
    all(
        "/chatkit",
        "ChatKit's sessions run workflows on a server of OpenAI's",
        "run the workflow where the client is, on /v1/chat/completions",
    ),
    all(
        "/decisions",
        "no model of Bedrock's answers questions with scores of its own",
        "ask /v1/chat/completions with a `response_format` of type `json_schema`",
    ),
    all(
        "/content_provenance_checks",
        "they know what OpenAI's models have made, and nothing that Bedrock's have",
        "look for the watermark of Amazon's own models with Bedrock's watermark detection",
    ),
    all(
        "/safety",
        "these are cases of OpenAI's own safety team",
        "look into AWS's abuse notices, and check content with /v1/moderations",
    ),
    all(
        "/webhook_endpoints",
        "nothing here calls back",
        "ask for the state of a video or a batch again",
    ),
    all(
        "/webhook_event_types",
        "nothing here calls back",
        "ask for the state of a video or a batch again",
    ),
    all(
        "/organization",
        "organizations, their members and their bills are OpenAI's",
        "use AWS's IAM and Cost Explorer; the gateway's callers are keys of its configuration",
    ),
    all(
        "/projects",
        "projects and their roles are OpenAI's",
        "use AWS's IAM; the gateway's callers are keys of its configuration",
    ),
    all(
        "/engines",
        "OpenAI has given up engines for models",
        "name the model in the body of /v1/chat/completions, /v1/completions or /v1/embeddings",
    ),
    all(
        "/edits",
        "OpenAI has given up edits",
        "ask /v1/chat/completions for the edited text",
    ),
];

/// What is said of a request with this method and path, where it is part of OpenAI's API and not
/// served. The path is the whole one: `/v1/...`, `/api/v1/...`, `/openai/v1/...`, that of a
/// deployment in Azure's form, or without any of them.
pub fn absent(method: &str, path: &str) -> Option<&'static Absent> {
    if let Some(of_deployment) = path.strip_prefix("/openai/deployments/") {
        let (_, path) = of_deployment.split_once('/')?;
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
