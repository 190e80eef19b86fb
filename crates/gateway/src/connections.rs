//! Connections: so many at a time, and none kept waiting for a request that does not come.

use std::io;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Connections served at a time; more wait to be accepted.
const MOST: usize = 4_096;
/// Files kept for everything but connections: the ledger, the repository, the system's own.
const OTHER_FILES: usize = 512;
/// How long the head of a request may take to come, the pause before it included.
const HEAD: Duration = Duration::from_secs(60);
/// The largest head of a request, in bytes. What is read of a body at a time is no more than that either.
const LARGEST_HEAD: usize = 128 << 10;
/// How long a connection that is given up is read on.
const LINGER: Duration = Duration::from_secs(10);

/// Serves until told to stop; then lets every connection end its answer.
pub(crate) async fn serve(
    mut listener: impl Listener,
    router: Router,
    stop: CancellationToken,
) -> io::Result<()> {
    let (mut connections, most) = (JoinSet::new(), most());
    loop {
        tokio::select! {
            (stream, _) = listener.accept(), if connections.len() < most => {
                connections.spawn(connection(stream, router.clone(), stop.clone()));
                if connections.len() == most {
                    tracing::warn!("{most} connections are open; more have to wait until some are closed");
                }
            }
            Some(_) = connections.join_next() => {}
            () = stop.cancelled() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
    Ok(())
}

/// Serves one connection to its end.
async fn connection<S>(stream: S, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LARGEST_HEAD);
    let mut served = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let ended = tokio::select! {
        ended = &mut served => ended,
        () = stop.cancelled() => {
            std::pin::Pin::new(&mut served).graceful_shutdown();
            (&mut served).await
        }
    };
    let timed_out = ended.is_err_and(|error| error.is_timeout());
    if !timed_out && !stop.is_cancelled() {
        linger(served.into_parts().io.into_inner(), &stop).await;
    }
}

/// Reads what a client still sends. A request may be refused before it has come whole, and a connection that is closed
/// on unread bytes is reset, which can take the answer from a client that is still sending.
async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin, stop: &CancellationToken) {
    let _ = stream.shutdown().await;
    let mut nowhere = tokio::io::sink();
    tokio::select! {
        _ = tokio::time::timeout(LINGER, tokio::io::copy(&mut stream, &mut nowhere)) => {}
        () = stop.cancelled() => {}
    }
}

/// How many connections there may be. Each may come with one to a provider, and a process that runs out of files can
/// write no ledger either, so fewer are taken where the system allows few files.
fn most() -> usize {
    let wanted = 2 * MOST + OTHER_FILES;
    (files(wanted).saturating_sub(OTHER_FILES) / 2).clamp(16, MOST)
}

/// How many files the process may have open, after asking for `wanted`: many systems start with 1,024.
#[cfg(unix)]
fn files(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Some(limit.maximum.map_or(wanted as u64, |most| most.min(wanted as u64)));
    if limit.current.is_some_and(|current| Some(current) < raised) {
        // Where this is refused, what holds is what held before.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: raised, ..limit });
    }
    getrlimit(Resource::Nofile).current.map_or(wanted, |current| usize::try_from(current).unwrap_or(wanted))
}

#[cfg(not(unix))]
fn files(wanted: usize) -> usize {
    wanted
}

#[cfg(test)]
mod tests {
    use axum::routing::post;
    use tokio::io::AsyncReadExt as _;
    use tokio::time::Instant;

    use super::*;

    const POST: &str = "POST / HTTP/1.1\r\nhost: here\r\n";

    /// What a client that sends `text` and nothing more is answered until the connection is closed.
    async fn told(text: &str) -> String {
        let router = Router::new().route("/", post(async || "answered"));
        let (mut client, server) = tokio::io::duplex(1 << 10);
        let client = async move {
            client.write_all(text.as_bytes()).await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            answer
        };
        tokio::join!(connection(server, router, CancellationToken::new()), client).1
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_is_not_waited_for_for_ever() {
        for (text, answer) in
            [("", ""), (POST, ""), (&format!("{POST}content-length: 0\r\n\r\n"), "answered")]
        {
            let began = Instant::now();
            assert!(told(text).await.ends_with(answer), "{text}");
            assert_eq!(began.elapsed(), HEAD, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_reaches_a_client_that_is_still_sending() {
        let body = format!("{POST}content-length: 1000000\r\n\r\n{}", " ".repeat(1_000_000));
        assert!(told(&body).await.ends_with("answered"));
        let head = format!("{POST}x-long: {}", "x".repeat(2 * LARGEST_HEAD));
        assert!(told(&head).await.starts_with("HTTP/1.1 431 "));
    }
}
