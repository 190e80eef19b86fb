//! The ledger's public face, as C2SP tlog-tiles has it: `/log/checkpoint`, `/log/vkey`, `/log/tile/…`. Everything here is
//! commitments, for anybody's tools to check.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use waymark_ledger::tiles::{Resource, WIDTH};
use waymark_store::StoreError;

use crate::relay::Head;
use crate::state::State;

const TEXT: &str = "text/plain; charset=utf-8";
/// What is whole never changes.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");

/// `GET /log/checkpoint`: the newest checkpoint; where witnesses are asked, the newest that one of them signed.
pub(crate) async fn checkpoint(Shared(state): Shared<Arc<State>>) -> Response {
    let store = state.recorder.store();
    let newest = async {
        let cosigned = if state.witnesses.is_empty() { None } else { store.newest_cosigned().await? };
        let newest = match cosigned {
            Some(cosigned) => Some(cosigned),
            None => store.newest_checkpoint().await?,
        };
        match newest {
            Some(newest) => store.cosigned(&newest).await.map(Some),
            None => Ok(None),
        }
    };
    match newest.await {
        Ok(Some(note)) => answer(note.into_bytes(), TEXT, NOT_KEPT),
        Ok(None) => absent("the ledger is empty"),
        Err(error) => failed(&error),
    }
}

/// `GET /log/vkey`: the key that checks the checkpoints, as a signed-note verifier key.
pub(crate) async fn vkey(Shared(state): Shared<Arc<State>>) -> Response {
    answer(format!("{}\n", state.recorder.verifier().to_text()).into_bytes(), TEXT, NOT_KEPT)
}

/// `GET /log/tile/…`: tiles and entry bundles.
pub(crate) async fn tile(Shared(state): Shared<Arc<State>>, Path(path): Path<String>) -> Response {
    let Some(resource) = Resource::parse(&format!("tile/{path}")) else {
        return absent("there is no such tile: see c2sp.org/tlog-tiles");
    };
    let width = match resource {
        Resource::Tile(tile) => tile.width,
        Resource::Bundle(bundle) => bundle.width,
    };
    match state.recorder.store().resource(&resource).await {
        Ok(Some(bytes)) => {
            let keep = if width == WIDTH { FOR_EVER } else { NOT_KEPT };
            answer(bytes, "application/octet-stream", keep)
        }
        Ok(None) => absent("the tree has not grown that far"),
        Err(error) => failed(&error),
    }
}

fn answer(bytes: Vec<u8>, content_type: &'static str, keep: HeaderValue) -> Response {
    let mut response = Head::new(200, content_type).with(Body::from(bytes));
    response.headers_mut().insert(header::CACHE_CONTROL, keep);
    response
}

fn absent(why: &'static str) -> Response {
    plain(StatusCode::NOT_FOUND, why.to_owned())
}

fn failed(error: &StoreError) -> Response {
    plain(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
}

fn plain(status: StatusCode, text: String) -> Response {
    Head::new(status.as_u16(), TEXT).with(Body::from(format!("{text}\n")))
}
