//! A model server that answers by script and keeps every byte it was sent.

mod anthropic;
mod azure;
mod connection;
mod dialect;
mod embeddings;
mod endpoint;
mod gemini;
mod llama;
mod media;
mod mistral;
mod ollama;
mod openai;
mod reply;
mod responses;
mod rules;
mod shapes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use dialect::Wants;
use serde_json::Value;

pub use dialect::{SERVED_MODEL, ToolCall};
pub(crate) use dialect::{SIGNATURE, THOUGHT};
use endpoint::Address;
pub use endpoint::Endpoint;
pub(crate) use mistral::id as mistral_id;
pub(crate) use responses::REASONING;

pub use reply::{Framing, Reply, Split};

use crate::{Headers, Tally};

/// A scripted model server on a loopback port of its own; it stops when dropped.
///
/// Each request takes the next queued [`Reply`], or else what the responder says.
#[derive(Debug)]
pub struct Upstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Captured {
    /// Which connection it came on, from 0.
    pub connection: usize,
    /// `POST`, `GET`, ...
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Request line and headers, byte for byte.
    pub head: Vec<u8>,
    /// The headers, read.
    pub headers: Headers,
    /// The body, transfer framing removed.
    pub body: Vec<u8>,
    /// How its answer ended.
    pub fate: Fate,
}

/// How the upstream's answer to a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is still being sent, held or thought about.
    Pending,
    /// Everything scripted was sent.
    Answered,
    /// The peer closed the connection first.
    PeerClosed,
}

type Responder = Box<dyn Fn(&Captured) -> Reply + Send + Sync>;

struct Shared {
    responder: Responder,
    queue: Mutex<VecDeque<Reply>>,
    requests: Mutex<Vec<Captured>>,
    connected: Tally,
    received: Tally,
    answered: Tally,
    closed: Tally,
    stopping: AtomicBool,
    /// Whether requests are kept.
    keeps: bool,
    /// Open connections by their numbers.
    streams: Mutex<BTreeMap<usize, TcpStream>>,
}

impl Upstream {
    /// Starts a server that answers with a short text unless told otherwise.
    pub fn start() -> Self {
        Self::with(|_| Reply::text("Hello from the scripted upstream."))
    }

    /// Starts a server that answers as `responder` says wherever no reply is queued.
    pub fn with(responder: impl Fn(&Captured) -> Reply + Send + Sync + 'static) -> Self {
        Self::serving(anywhere(), Box::new(responder), true)
    }

    /// The same, but it keeps nothing of what it was asked: for requests without number.
    pub fn forgetting(responder: impl Fn(&Captured) -> Reply + Send + Sync + 'static) -> Self {
        Self::serving(anywhere(), Box::new(responder), false)
    }

    /// Starts a server in the place of one that is gone, with a short text as its answer.
    pub fn at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).expect("the port of the one before");
        let responder = |_: &Captured| Reply::text("Hello from the next scripted upstream.");
        Self::serving(listener, Box::new(responder), true)
    }

    fn serving(listener: TcpListener, responder: Responder, keeps: bool) -> Self {
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            responder,
            queue: Mutex::default(),
            requests: Mutex::default(),
            connected: Tally::new(),
            received: Tally::new(),
            answered: Tally::new(),
            closed: Tally::new(),
            stopping: AtomicBool::new(false),
            keeps,
            streams: Mutex::default(),
        });
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Self { address, shared, listener: Some(thread) }
    }

    /// Queues the reply to the next request.
    pub fn push(&self, reply: Reply) {
        self.shared.queue.lock().expect("queue lock").push_back(reply);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL an `openai` provider is configured with.
    pub fn openai_base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The base URL an `anthropic` provider is configured with.
    pub fn anthropic_base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything received so far, in order of arrival.
    pub fn requests(&self) -> Vec<Captured> {
        self.shared.requests.lock().expect("requests lock").clone()
    }

    /// The newest request; none fails the test.
    pub fn last(&self) -> Captured {
        self.requests().pop().expect("the upstream was asked")
    }

    /// Counts connections as they are opened, whether a request comes on them or not.
    pub fn connected(&self) -> &Tally {
        &self.shared.connected
    }

    /// Counts requests as they arrive.
    pub fn received(&self) -> &Tally {
        &self.shared.received
    }

    /// Counts answers sent as scripted, cuts included.
    pub fn answered(&self) -> &Tally {
        &self.shared.answered
    }

    /// Counts answers given up because the peer closed the connection.
    pub fn closed_by_peer(&self) -> &Tally {
        &self.shared.closed
    }

    /// Waits until the peer has closed `count` connections in the middle of an answer; says whether it did.
    pub fn wait_for_peer_close(&self, count: usize, at_most: Duration) -> bool {
        self.shared.closed.wait(count, at_most)
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for stream in self.shared.streams.lock().expect("streams lock").values() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.listener.take() {
            let _ = thread.join();
        }
    }
}

impl Captured {
    /// The body as JSON; anything else fails the test.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// Which of the endpoints it knows was asked.
    pub fn endpoint(&self) -> Endpoint {
        Address::of(&self.target).endpoint
    }

    /// The model asked for, when the path or the body names one.
    pub fn model(&self) -> Option<String> {
        let wants = self.wants();
        wants.address.model.or_else(|| wants.body["model"].as_str().map(str::to_owned))
    }

    /// What a provider has against the request before it reads what it says.
    pub(crate) fn refusal(&self) -> Option<String> {
        rules::refusal(&self.wants()).map(|refusal| refusal.told())
    }

    fn wants(&self) -> Wants {
        Wants::of(&self.target, &self.headers, &self.body)
    }
}

impl Shared {
    fn capture(&self, captured: Captured) -> (usize, Reply) {
        let queued = self.queue.lock().expect("queue lock").pop_front();
        let reply = queued.unwrap_or_else(|| (self.responder)(&captured));
        let mut requests = self.requests.lock().expect("requests lock");
        let number = requests.len();
        if self.keeps {
            requests.push(captured);
        }
        drop(requests);
        self.received.bump();
        (number, reply)
    }

    fn settle(&self, number: usize, fate: Fate) {
        if let Some(captured) = self.requests.lock().expect("requests lock").get_mut(number) {
            captured.fate = fate;
        }
        match fate {
            Fate::Answered => self.answered.bump(),
            Fate::PeerClosed => self.closed.bump(),
            Fate::Pending => {}
        }
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("received", &self.received.count()).finish_non_exhaustive()
    }
}

/// A loopback port of its own.
fn anywhere() -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port")
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for (number, stream) in listener.incoming().enumerate() {
        if shared.is_stopping() {
            return;
        }
        let Ok(stream) = stream else { continue };
        if let Ok(clone) = stream.try_clone() {
            shared.streams.lock().expect("streams lock").insert(number, clone);
        }
        shared.connected.bump();
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            connection::serve(stream, number, &shared);
            shared.streams.lock().expect("streams lock").remove(&number);
        });
    }
}
