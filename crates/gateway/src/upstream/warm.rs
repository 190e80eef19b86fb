//! A connection opened before anybody needs it: name, handshake and encryption are then no part of the first request.
//!
//! An HTTP client opens connections only for requests. So one is begun, its connection is taken from it before a byte of
//! it is sent, and lies ready for the first request that would have to open one.

use std::any::Any;
use std::future::ready;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::future::BoxFuture;
use hyper::rt::{Read, ReadBuf};
use tower_layer::Layer;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

tokio::task_local! {
    /// Set in the task that only wants a connection opened.
    static WARMING: ();
}

/// Where a client's first connection lies until a request needs it.
#[derive(Clone, Default)]
pub(super) struct Shelf(Arc<Mutex<Option<Box<dyn Any + Send>>>>);

impl Shelf {
    /// Opens a connection to `url` with the client that this shelf belongs to; an error where none came about.
    pub(super) async fn fill(&self, client: &reqwest::Client, url: &str) -> Result<(), reqwest::Error> {
        let opened = WARMING.scope((), client.get(url).send()).await;
        match opened {
            Err(error) if !self.is_filled() => Err(error),
            _ => Ok(()),
        }
    }

    fn is_filled(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn put(&self, connection: Box<dyn Any + Send>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }

    /// The connection, if it lies there and the other end has not closed it.
    fn take<C: Read + Unpin + 'static>(&self) -> Option<C> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let mut connection = *kept.downcast::<C>().ok()?;
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        let mut context = Context::from_waker(Waker::noop());
        // Nobody has anything to say on it yet: what can be read is its end.
        let read = Pin::new(&mut connection).poll_read(&mut context, buffer.unfilled());
        read.is_pending().then_some(connection)
    }
}

impl<S> Layer<S> for Shelf {
    type Service = Connector<S>;

    fn layer(&self, inner: S) -> Connector<S> {
        Connector { inner, shelf: self.clone() }
    }
}

/// Opens connections, but for the one that lies ready.
#[derive(Clone)]
pub(super) struct Connector<S> {
    inner: S,
    shelf: Shelf,
}

impl<S, R> Service<R> for Connector<S>
where
    S: Service<R, Error = BoxError>,
    S::Response: Read + Unpin + Send + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let warming = WARMING.try_with(|()| ()).is_ok();
        if !warming && let Some(connection) = self.shelf.take() {
            return Box::pin(ready(Ok(connection)));
        }
        let (connecting, shelf) = (self.inner.call(request), self.shelf.clone());
        Box::pin(async move {
            let connection = connecting.await?;
            if !warming {
                return Ok(connection);
            }
            shelf.put(Box::new(connection));
            Err("the connection is kept for a request".into())
        })
    }
}
