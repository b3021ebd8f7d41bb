use std::sync::Arc;

use axum::Router;
use axum::routing::{any, get, post};
use tower::util::MapRequestLayer;

use super::state::AppState;
use super::{App, middleware};
use crate::batches::handler as batches;
use crate::dialects::openai_chat::handler as chat_completions;
use crate::dialects::openai_completions::handler as completions;
use crate::endpoints::embeddings::handler as embeddings;
use crate::endpoints::explain::handler as explain;
use crate::endpoints::files::handler as files;
use crate::endpoints::images::handler as images;
use crate::endpoints::models::handler as models;
use crate::endpoints::moderations::handler as moderations;
use crate::endpoints::rerank::handler as rerank;
use crate::endpoints::token_count::handler as input_tokens;
use crate::endpoints::videos::handler as videos;
use crate::passthrough::handler as bedrock;
use crate::server::pages::{health, home, unknown};

/// All routes.
pub(super) fn routes(app: Arc<App>) -> Router {
    // For clients of OpenAI's API. SDKs put `/v1` before the paths; some clients use `/api/v1`.
    let openai = Router::new()
        .route("/", get(home::home))
        .route("/chat/completions", post(chat_completions::create))
        .route("/completions", post(completions::create))
        .route("/moderations", post(moderations::create))
        .route("/explain", post(explain::create))
        .route(
            "/chat/completions/input_tokens",
            post(input_tokens::of_chat),
        )
        .route("/responses/input_tokens", post(input_tokens::of_response))
        .route("/embeddings", post(embeddings::create))
        .route("/rerank", post(rerank::create))
        .route("/images/generations", post(images::generations))
        .route("/images/edits", post(images::edits))
        .route("/images/variations", post(images::variations))
        .route("/files", post(files::create).get(files::list))
        .route("/files/{id}", get(files::retrieve).delete(files::delete))
        .route("/files/{id}/content", get(files::content))
        .route("/batches", post(batches::create).get(batches::list))
        .route("/batches/{id}", get(batches::retrieve))
        .route("/batches/{id}/cancel", post(batches::cancel))
        .route("/models", get(models::list))
        .route("/models/{*id}", get(models::retrieve))
        .route("/videos", post(videos::create).get(videos::list))
        .route("/videos/{id}", get(videos::retrieve).delete(videos::delete))
        .route("/videos/{id}/content", get(videos::content));

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
        .nest("/v1", openai.clone())
        .nest("/api/v1", openai)
        .fallback(unknown::route)
        .method_not_allowed_fallback(unknown::method)
        // Inside the routing, which finds the route.
        .route_layer(MapRequestLayer::new(middleware::note_route))
        .with_state(AppState(app))
}
