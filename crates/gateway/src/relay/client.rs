//! The client's end of an answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http_body::{Frame, SizeHint};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::Head;

/// Chunks that may wait for a slow client before its upstream is made to wait too.
const QUEUE: usize = 32;

/// A body that counts as an answer under way until its last byte is written, or its client gone.
struct Tracked {
    body: Body,
    _token: TaskTrackerToken,
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Lets a drain wait until the answer is written.
pub(crate) fn tracked(response: Response, token: TaskTrackerToken) -> Response {
    response.map(|body| Body::new(Tracked { body, _token: token }))
}

/// A piece of a stream on its way out. A stream whose sender vanishes without `End` is reset, never ended cleanly.
pub(crate) enum Piece {
    Bytes(Bytes),
    End,
}

/// The client's end of an answer.
pub(crate) enum Client {
    /// Nothing has left yet.
    Waiting(oneshot::Sender<Response>),
    /// The head has left.
    Streaming(mpsc::Sender<Piece>),
}

impl Client {
    /// Sends a whole answer.
    pub(crate) fn answer(self, response: Response) {
        if let Self::Waiting(reply) = self {
            // An error means that the client is gone, which nobody need be told.
            let _ = reply.send(response);
        }
    }

    /// Sends the head of a stream.
    pub(crate) fn begin(self, head: Head) -> Self {
        let Self::Waiting(reply) = self else { return self };
        let (pieces, body) = mpsc::channel(QUEUE);
        let body = stream::try_unfold(body, |mut body| async move {
            match body.recv().await {
                Some(Piece::Bytes(bytes)) => Ok(Some((bytes, body))),
                Some(Piece::End) => Ok(None),
                None => Err(io::Error::other("the answer was given up")),
            }
        });
        let _ = reply.send(head.with(Body::from_stream(body)));
        Self::Streaming(pieces)
    }

    /// Sends a piece of a stream; `false` when the client is gone.
    pub(crate) async fn send(&self, chunk: Bytes) -> bool {
        match self {
            Self::Streaming(pieces) => pieces.send(Piece::Bytes(chunk)).await.is_ok(),
            Self::Waiting(_) => false,
        }
    }

    /// Sends the last piece of a stream and ends it. Without one the stream is reset.
    pub(crate) async fn finish(self, last: Option<Bytes>) {
        if let (Self::Streaming(pieces), Some(last)) = (self, last) {
            let _ = pieces.send(Piece::Bytes(last)).await;
            let _ = pieces.send(Piece::End).await;
        }
    }

    /// Waits until the client goes away.
    pub(crate) async fn gone(&mut self) {
        match self {
            Self::Waiting(reply) => reply.closed().await,
            Self::Streaming(pieces) => pieces.closed().await,
        }
    }
}
