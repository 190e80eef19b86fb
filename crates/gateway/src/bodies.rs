//! Bodies in memory: none larger than one limit, all together no larger than another, and none waited for for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use futures_util::StreamExt as _;
use thiserror::Error;
use tokio::time::{Instant, timeout_at};
use waymark_protocol::{ErrorKind, Fault};

/// The largest body taken, of a request or of a whole answer, in bytes.
const LARGEST: usize = 64 << 20;
/// What all bodies together may take, in bytes.
const ROOM: usize = 512 << 20;
/// How long a client may pause within a body.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a whole body may take to come.
const WHOLE: Duration = Duration::from_secs(600);

/// The room that bodies share: the bytes of it that are left.
pub(crate) struct Bodies(Arc<AtomicUsize>);

/// Why a request's body was not read.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum Unread {
    #[error(transparent)]
    Excess(#[from] Excess),
    #[error("the request body did not come in time")]
    Slow,
    #[error("the request body broke off")]
    BrokeOff,
    #[error(
        "the request body is encoded as `{0}`; send it as it is, which in Codex is `features.enable_request_compression = false`"
    )]
    Encoded(String),
}

/// Why a body cannot be held.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum Excess {
    #[error("the body is larger than {} MiB", LARGEST >> 20)]
    Alone,
    #[error("too many large bodies are under way at once; ask again in a moment")]
    Together,
}

/// A body as far as it has come. Its room is given back once it, and every view of it, is dropped.
pub(crate) struct Gathered {
    bytes: Vec<u8>,
    left: Arc<AtomicUsize>,
}

impl Bodies {
    pub(crate) fn new() -> Self {
        Self::of(ROOM)
    }

    /// Room for so many bytes.
    pub(crate) fn of(room: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(room)))
    }

    /// Begins a body.
    pub(crate) fn begin(&self) -> Gathered {
        Gathered { bytes: Vec::new(), left: Arc::clone(&self.0) }
    }

    /// Reads a request's body. What is refused by its head alone is never asked for: a client that waits for
    /// `100 Continue` has then sent nothing of it.
    pub(crate) async fn read(&self, headers: &HeaderMap, body: Body) -> Result<Bytes, Unread> {
        if let Some(coding) = headers.get(header::CONTENT_ENCODING).filter(|coding| *coding != "identity") {
            return Err(Unread::Encoded(
                String::from_utf8_lossy(coding.as_bytes()).chars().take(40).collect(),
            ));
        }
        if body.size_hint().lower() > LARGEST as u64 {
            return Err(Excess::Alone.into());
        }
        let whole = Instant::now() + WHOLE;
        let (mut gathered, mut chunks) = (self.begin(), body.into_data_stream());
        loop {
            let pause = Instant::now() + PAUSE;
            match timeout_at(whole.min(pause), chunks.next()).await {
                Ok(Some(Ok(chunk))) => gathered.add(&chunk)?,
                Ok(Some(Err(_))) => return Err(Unread::BrokeOff),
                Ok(None) => return Ok(gathered.finish()),
                Err(_) => return Err(Unread::Slow),
            }
        }
    }
}

impl Gathered {
    /// Adds the next piece.
    pub(crate) fn add(&mut self, piece: &[u8]) -> Result<(), Excess> {
        if piece.len() > LARGEST - self.bytes.len() {
            return Err(Excess::Alone);
        }
        let take = |left: usize| left.checked_sub(piece.len());
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).map_err(|_| Excess::Together)?;
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// The whole body.
    pub(crate) fn finish(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        self.left.fetch_add(self.bytes.len(), Ordering::Relaxed);
    }
}

impl AsRef<[u8]> for Gathered {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Unread {
    /// What the client is told.
    pub(crate) fn fault(&self) -> Fault {
        let (kind, code) = match self {
            Self::Excess(Excess::Alone) => (ErrorKind::TooLarge, "too_large"),
            Self::Excess(Excess::Together) => (ErrorKind::Unavailable, "overloaded"),
            Self::Slow => (ErrorKind::RequestTimeout, "request_timeout"),
            Self::BrokeOff => (ErrorKind::InvalidRequest, "bad_request"),
            Self::Encoded(_) => (ErrorKind::UnsupportedEncoding, "unsupported_encoding"),
        };
        Fault { kind, code, message: self.to_string() }
    }

    /// The header that says what would help.
    pub(crate) fn advice(&self) -> Option<(header::HeaderName, HeaderValue)> {
        match self {
            Self::Excess(Excess::Together) => Some((header::RETRY_AFTER, HeaderValue::from_static("1"))),
            // RFC 9110, section 15.5.16.
            Self::Encoded(_) => Some((header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))),
            Self::Excess(Excess::Alone) | Self::Slow | Self::BrokeOff => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures_util::stream;

    use super::*;

    async fn read(bodies: &Bodies, body: Body) -> Result<Bytes, Unread> {
        bodies.read(&HeaderMap::new(), body).await
    }

    /// A body of pieces that come `every` so often and never end.
    fn trickle(every: Duration) -> Body {
        Body::from_stream(stream::unfold((), move |()| async move {
            tokio::time::sleep(every).await;
            Some((Ok::<_, io::Error>("x"), ()))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_is_given_up() {
        let (bodies, began) = (Bodies::new(), Instant::now());
        let silent = Body::from_stream(stream::pending::<io::Result<Bytes>>());
        assert_eq!(read(&bodies, silent).await, Err(Unread::Slow));
        assert_eq!(began.elapsed(), PAUSE);
        assert_eq!(read(&bodies, trickle(PAUSE / 2)).await, Err(Unread::Slow));
        assert_eq!(began.elapsed(), PAUSE + WHOLE);
        assert_eq!(bodies.0.load(Ordering::Relaxed), ROOM, "a body given up takes no room");
    }

    #[tokio::test]
    async fn all_bodies_share_one_room_until_their_last_view_is_gone() {
        let bodies = Bodies::of(10);
        let six = read(&bodies, Body::from("sixsix")).await.unwrap();
        let part = six.slice(..1);
        drop(six);
        assert_eq!(read(&bodies, Body::from("fives")).await, Err(Excess::Together.into()));
        assert_eq!(read(&bodies, Body::from("four")).await.unwrap(), "four");
        drop(part);
        assert_eq!(read(&bodies, Body::from("tententen!")).await.unwrap(), "tententen!");
        assert_eq!(bodies.0.load(Ordering::Relaxed), 10);
    }

    #[tokio::test]
    async fn what_a_head_rules_out_is_never_read() {
        let never = || {
            Body::from_stream(stream::poll_fn(|_| -> std::task::Poll<Option<io::Result<Bytes>>> {
                panic!("the body was asked for")
            }))
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        let refused = Bodies::new().read(&headers, never()).await.unwrap_err();
        assert_eq!(
            (refused.fault().code, refused.advice().unwrap().1),
            ("unsupported_encoding", HeaderValue::from_static("identity"))
        );
    }

    #[tokio::test]
    async fn one_body_has_its_own_limit() {
        let (bodies, piece) = (Bodies::new(), Bytes::from(vec![b' '; 1 << 20]));
        let pieces = |count: usize| {
            Body::from_stream(stream::iter(vec![piece.clone(); count]).map(Ok::<_, io::Error>))
        };
        assert_eq!(read(&bodies, pieces(64)).await.unwrap().len(), LARGEST);
        assert_eq!(read(&bodies, pieces(65)).await, Err(Excess::Alone.into()));
        assert_eq!(read(&bodies, Body::from(vec![b' '; LARGEST + 1])).await, Err(Excess::Alone.into()));
    }
}
