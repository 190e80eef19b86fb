//! One upstream call: the client's bytes with our credentials out, the provider's bytes back.

mod address;
mod headers;

use std::time::Duration;

use axum::http::HeaderMap;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use thiserror::Error;
use waymark_types::ProviderKind;

use crate::config::ProviderConfig;

pub(crate) use address::Target;
pub(crate) use headers::{across, to_client, to_upstream};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a provider may think before the first byte; reasoning models take minutes.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(600);
/// How long a provider may pause within an answer.
pub(crate) const STALL_TIMEOUT: Duration = Duration::from_secs(300);

/// A call that brought no response.
#[derive(Debug, Error)]
pub(crate) enum CallError {
    /// The address cannot be reached.
    #[error("could not connect to {0}")]
    Connect(String),
    /// Nothing came in time.
    #[error("{0} sent nothing in time")]
    TimedOut(String),
    /// The connection broke off.
    #[error("the connection to {0} broke off")]
    BrokeOff(String),
    /// What came is no answer.
    #[error("{provider} sent no answer: {problem}")]
    NoAnswer {
        /// The provider's name.
        provider: String,
        /// What came instead.
        problem: &'static str,
    },
    /// The call cannot be made as configured.
    #[error("provider {provider} cannot be called: {problem}")]
    Misconfigured {
        /// The provider's name.
        provider: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl CallError {
    /// The stable code of this error.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect_failed",
            Self::TimedOut(_) => "timed_out",
            Self::BrokeOff(_) => "broke_off",
            Self::NoAnswer { .. } => "no_answer",
            Self::Misconfigured { .. } => "misconfigured",
        }
    }

    /// What a failed transfer with `provider` means.
    pub(crate) fn from_transfer(provider: &str, error: &reqwest::Error) -> Self {
        let provider = provider.to_owned();
        if error.is_timeout() {
            Self::TimedOut(provider)
        } else if error.is_connect() {
            Self::Connect(provider)
        } else {
            Self::BrokeOff(provider)
        }
    }
}

/// The HTTP clients that reach providers.
pub(crate) struct Upstreams {
    /// Follows the system's proxy settings.
    remote: reqwest::Client,
    /// Never goes through a proxy.
    loopback: reqwest::Client,
}

impl Upstreams {
    pub(crate) fn new() -> Result<Self, reqwest::Error> {
        let client = || {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(CONNECT_TIMEOUT)
                .tcp_nodelay(true)
        };
        Ok(Self { remote: client().build()?, loopback: client().no_proxy().build()? })
    }

    /// Sends a request and waits for the response's head. `name` is the provider's.
    pub(crate) async fn call(
        &self,
        name: &str,
        provider: &ProviderConfig,
        target: Target<'_>,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<reqwest::Response, CallError> {
        let misconfigured = |problem| CallError::Misconfigured { provider: name.to_owned(), problem };
        let url = reqwest::Url::parse(&target.address(provider));
        let url = url.map_err(|_| misconfigured("its base_url is no URL"))?;
        let mut request = self.client(&url).post(url).headers(headers).body(body);
        if let Some((header, value)) = credentials(provider).map_err(misconfigured)? {
            request = request.header(header, value);
        }
        match tokio::time::timeout(FIRST_BYTE_TIMEOUT, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(CallError::from_transfer(name, &error)),
            Err(_) => Err(CallError::TimedOut(name.to_owned())),
        }
    }

    /// A request to an address that is no provider's.
    pub(crate) fn post(&self, url: &str) -> reqwest::RequestBuilder {
        match reqwest::Url::parse(url) {
            Ok(url) => self.client(&url).post(url),
            // Sending it says what is wrong.
            Err(_) => self.remote.post(url),
        }
    }

    fn client(&self, url: &reqwest::Url) -> &reqwest::Client {
        if is_loopback(url) { &self.loopback } else { &self.remote }
    }
}

/// Whether an address is this machine's own, which no proxy should stand before.
pub(crate) fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The header that carries the provider's key. The value is marked so that no log shows it.
fn credentials(provider: &ProviderConfig) -> Result<Option<(HeaderName, HeaderValue)>, &'static str> {
    let Some(key) = &provider.api_key else { return Ok(None) };
    let bare = |name| (HeaderName::from_static(name), key.expose().to_owned());
    let (name, text) = match provider.kind {
        ProviderKind::Anthropic => bare("x-api-key"),
        ProviderKind::AzureOpenAi => bare("api-key"),
        ProviderKind::Gemini => bare("x-goog-api-key"),
        _ => (AUTHORIZATION, format!("Bearer {}", key.expose())),
    };
    let mut value = HeaderValue::try_from(text).map_err(|_| "its key has characters no header may have")?;
    value.set_sensitive(true);
    Ok(Some((name, value)))
}
