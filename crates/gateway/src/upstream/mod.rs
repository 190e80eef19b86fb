//! One upstream call: the client's bytes with our credentials out, the provider's bytes back.

mod address;
mod error;
mod headers;
mod warm;

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::HeaderMap;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderName, HeaderValue};
use waymark_types::{Cause, ProviderKind};

use crate::config::{Patience, ProviderConfig};

pub(crate) use address::Target;
pub(crate) use error::CallError;
pub(crate) use headers::{across, to_client, to_upstream};
use warm::Shelf;

/// How long a connection without a request is kept, and how often the other end is asked whether it is still there.
const IDLE: Duration = Duration::from_secs(90);
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Connections kept without a request, for each host.
const KEPT: usize = 256;

/// The HTTP clients that reach providers.
pub(crate) struct Upstreams {
    /// One for each provider, since how long a connection is waited for is the client's.
    providers: BTreeMap<String, Own>,
    /// For addresses that are no provider's: it follows the system's proxy settings.
    remote: reqwest::Client,
    /// Never goes through a proxy.
    loopback: reqwest::Client,
}

/// A provider's own client.
struct Own {
    client: reqwest::Client,
    shelf: Shelf,
}

impl Upstreams {
    /// Clients for these providers, and for whoever else is asked.
    pub(crate) fn new(providers: &BTreeMap<String, ProviderConfig>) -> Result<Self, reqwest::Error> {
        let own = |(name, provider): (&String, &ProviderConfig)| {
            let url = reqwest::Url::parse(&provider.base_url);
            let loopback = url.is_ok_and(|url| is_loopback(&url));
            let shelf = Shelf::default();
            let builder = client(provider.patience.connect, loopback).connector_layer(shelf.clone());
            Ok((name.clone(), Own { client: builder.build()?, shelf }))
        };
        let called = providers.iter().filter(|(_, provider)| !provider.is_embedded());
        let usual = Patience::default().connect;
        Ok(Self {
            providers: called.map(own).collect::<Result<_, reqwest::Error>>()?,
            remote: client(usual, false).build()?,
            loopback: client(usual, true).build()?,
        })
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
        let misconfigured = |problem| CallError::misconfigured(name, problem);
        let own = self.providers.get(name).ok_or_else(|| misconfigured("it is not configured"))?;
        let url = reqwest::Url::parse(&target.address(provider));
        let url = url.map_err(|_| misconfigured("its base_url is no URL"))?;
        let mut request = own.client.post(url).headers(headers).body(body);
        if let Some((header, value)) = credentials(provider).map_err(misconfigured)? {
            request = request.header(header, value);
        }
        match tokio::time::timeout(provider.patience.first_byte, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(CallError::from_transfer(name, &error)),
            Err(_) => Err(CallError::new(name, Cause::FirstByteTimeout)),
        }
    }

    /// Opens a connection to every provider that is to have one ready. What cannot be reached is found out by the first
    /// request.
    pub(crate) async fn warm(&self, providers: &BTreeMap<String, ProviderConfig>) {
        let warmed = providers.iter().filter(|(_, provider)| provider.warm).filter_map(|(name, provider)| {
            let own = self.providers.get(name)?;
            Some(async move {
                if let Err(error) = own.shelf.fill(&own.client, &provider.base_url).await {
                    tracing::debug!(provider = name, %error, "could not open a connection ahead of requests");
                }
            })
        });
        futures_util::future::join_all(warmed).await;
    }

    /// A request to an address that is no provider's.
    pub(crate) fn post(&self, url: &str) -> reqwest::RequestBuilder {
        match reqwest::Url::parse(url) {
            Ok(url) if is_loopback(&url) => self.loopback.post(url),
            Ok(url) => self.remote.post(url),
            // Sending it says what is wrong.
            Err(_) => self.remote.post(url),
        }
    }
}

/// A client that keeps its connections.
fn client(connect: Duration, loopback: bool) -> reqwest::ClientBuilder {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connect)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(KEPT)
        .tcp_keepalive(KEEP_ALIVE)
        .tcp_nodelay(true);
    if loopback { client.no_proxy() } else { client }
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
