use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get, post};
use tower::util::MapRequestLayer;

use super::state::AppState;
use super::{App, middleware};
use crate::batches::handler as batches;
use crate::dialects::openai_chat::handler as chat_completions;
use crate::dialects::openai_completions::handler as completions;
use crate::dialects::openai_responses::handler as responses;
use crate::endpoints::embeddings::handler as embeddings;
use crate::endpoints::explain::handler as explain;
use crate::endpoints::files::handler as files;
use crate::endpoints::images::handler as images;
use crate::endpoints::models::handler as models;
use crate::endpoints::moderations::handler as moderations;
use crate::endpoints::rerank::handler as rerank;
use crate::endpoints::token_count::handler as input_tokens;
use crate::endpoints::usage::handler as usage;
use crate::endpoints::videos::handler as videos;
use crate::passthrough::handler as bedrock;
use crate::server::pages::{health, home, unknown};

/// All routes.
pub(super) fn routes(app: Arc<App>) -> Router {
    // Cohere's clients put `/v2` before the path.
    let cohere = Router::new().route("/v2/rerank", post(rerank::create));

    // For clients of Bedrock's own API. Model ids have colons and slashes, encoded or not, so the
    // handler parses the whole path.
    let runtime = Router::new()
        .route("/model/{*rest}", any(bedrock::passthrough))
        .route("/guardrail/{*rest}", any(bedrock::passthrough))
        .route("/guardrail-checks/invoke", any(bedrock::passthrough))
        .route("/async-invoke", any(bedrock::passthrough))
        .route("/async-invoke/{*arn}", any(bedrock::passthrough));

    // For browsers, load balancers and orchestrators, without a key.
    let operations = Router::new()
        .route("/", get(home::home))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready));

    Router::new()
        .merge(operations)
        .merge(cohere)
        .merge(runtime)
        // SDKs put `/v1` before the paths; some clients use `/api/v1`.
        .merge(openai("/v1"))
        .merge(openai("/api/v1"))
        .fallback(unknown::route)
        .method_not_allowed_fallback(unknown::method)
        // Inside the routing, which finds the route.
        .route_layer(MapRequestLayer::new(middleware::note_route))
        .with_state(AppState(app))
}

/// The routes for clients of OpenAI's API. No nested router, which would cost each request two
/// layers.
fn openai(prefix: &str) -> Router<AppState> {
    let at = |path: &str| format!("{prefix}{path}");
    Router::new()
        .route(prefix, get(home::home))
        .route(&at("/chat/completions"), post(chat_completions::create))
        .route(&at("/completions"), post(completions::create))
        .route(&at("/moderations"), post(moderations::create))
        .route(&at("/explain"), post(explain::create))
        .route(
            &at("/chat/completions/input_tokens"),
            post(input_tokens::of_chat),
        )
        .route(
            &at("/responses"),
            post(responses::create).get(responses::upgrade),
        )
        .route(&at("/responses/compact"), post(responses::compact))
        .route(
            &at("/responses/input_tokens"),
            post(input_tokens::of_response),
        )
        .route(
            &at("/responses/{id}"),
            get(responses::retrieve).delete(responses::delete),
        )
        .route(&at("/responses/{id}/cancel"), post(responses::cancel))
        .route(
            &at("/responses/{id}/input_items"),
            get(responses::input_items),
        )
        .route(&at("/embeddings"), post(embeddings::create))
        .route(&at("/rerank"), post(rerank::create))
        .route(&at("/images/generations"), post(images::generations))
        .route(&at("/images/edits"), post(images::edits))
        .route(&at("/images/variations"), post(images::variations))
        .route(&at("/files"), post(files::create).get(files::list))
        .route(
            &at("/files/{id}"),
            get(files::retrieve).delete(files::delete),
        )
        .route(&at("/files/{id}/content"), get(files::content))
        .route(&at("/batches"), post(batches::create).get(batches::list))
        .route(&at("/batches/{id}"), get(batches::retrieve))
        .route(&at("/batches/{id}/cancel"), post(batches::cancel))
        .route(&at("/models"), get(models::list))
        .route(&at("/models/{*id}"), get(models::retrieve))
        .route(&at("/usage"), get(usage::usage))
        .route(&at("/key"), get(usage::key))
        .route(&at("/videos"), post(videos::create).get(videos::list))
        .route(
            &at("/videos/{id}"),
            get(videos::retrieve).delete(videos::delete),
        )
        .route(&at("/videos/{id}/content"), get(videos::content))
}
