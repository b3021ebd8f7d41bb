//! Golden folders of `/v1/rerank`.

use outcrop::catalog::Tables;
use outcrop::config::ModelFiles;
use outcrop::endpoints::rerank::bodies::RerankResponse;
use outcrop::endpoints::rerank::{RankedDocuments, RerankHead, RerankRequest, response_json};
use outcrop::error::ApiError;
use outcrop::models::ModelId;

use crate::harness::golden::{Case, Outputs, RESPONSE, UPSTREAM_REQUEST, UPSTREAM_RESPONSE, run};

#[test]
fn every_rerank_case_matches_its_golden_folder() {
    run("rerank", translate);
}

fn translate(case: &Case, outputs: &mut Outputs) -> Result<(), ApiError> {
    let request: RerankRequest = case.request();
    let model = request.model.clone().unwrap();
    let tables = Tables::load(&ModelFiles::default()).unwrap();
    let capabilities = tables
        .capabilities
        .capabilities(&ModelId::parse(&model).unwrap());
    let capabilities = capabilities.rerank.as_ref().unwrap();
    let translated = outcrop::endpoints::rerank::translate(request, capabilities)?;
    outputs.reformatted(UPSTREAM_REQUEST, &translated.body);
    outputs.adjustments(translated.adjustments.iter());

    let response: RerankResponse = case.json(UPSTREAM_RESPONSE);
    let ranked = RankedDocuments {
        results: &response.results,
        documents: &translated.documents,
        return_documents: translated.return_documents,
    };
    let head = RerankHead {
        id: "rerank-golden",
        model: &model,
        tokens: None,
    };
    let response = response_json(&ranked, head).unwrap_or_else(|| b"unreadable".to_vec());
    outputs.bytes(RESPONSE, &response);
    Ok(())
}
