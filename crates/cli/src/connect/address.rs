//! The address clients are pointed at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use thiserror::Error;

/// A base URL without `/v1` and without a slash at its end. It has no character that a shell or a settings file
/// would read as anything but itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum AddressError {
    /// It is no URL of a server.
    #[error("`{0}` is no base URL: it starts with http:// or https://, then a host, then perhaps a port")]
    Form(String),
    /// The port is chosen at each start.
    #[error("the server is set to listen on any free port, which no client can be told in advance")]
    AnyPort,
}

impl Address {
    /// From what was typed.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let bare = text.trim_end_matches('/');
        let bare = bare.strip_suffix("/v1").unwrap_or(bare).trim_end_matches('/');
        let host = bare.strip_prefix("http://").or_else(|| bare.strip_prefix("https://"));
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]%".contains(c);
        match host {
            Some(host) if !host.is_empty() && !host.starts_with(['/', ':']) && host.chars().all(plain) => {
                Ok(Self(bare.to_owned()))
            }
            _ => Err(AddressError::Form(text.to_owned())),
        }
    }

    /// From where the server listens: a server on every address is asked on this machine's own.
    pub(crate) fn of_listener(listen: SocketAddr) -> Result<Self, AddressError> {
        if listen.port() == 0 {
            return Err(AddressError::AnyPort);
        }
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        Ok(Self(format!("http://{}", SocketAddr::new(ip, listen.port()))))
    }

    /// The URL without `/v1`.
    pub(crate) fn base(&self) -> &str {
        &self.0
    }

    /// The URL with `/v1`.
    pub(crate) fn v1(&self) -> String {
        self.path("/v1")
    }

    /// The URL of a path.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// Whether `url` is this server's, with any path.
    pub(crate) fn covers(&self, url: &str) -> bool {
        url.strip_prefix(&self.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The socket to ask, when the server is on this machine and speaks plain HTTP.
    pub(crate) fn loopback(&self) -> Option<SocketAddr> {
        let authority = self.0.strip_prefix("http://")?.split('/').next()?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
            _ => (authority, 80),
        };
        let ip = match host.trim_matches(['[', ']']) {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            host => host.parse::<IpAddr>().ok()?,
        };
        ip.is_loopback().then(|| SocketAddr::new(ip, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_what_clients_add() {
        for text in ["http://127.0.0.1:4114", "http://127.0.0.1:4114/", "http://127.0.0.1:4114/v1/"] {
            assert_eq!(Address::parse(text).unwrap().v1(), "http://127.0.0.1:4114/v1");
        }
        for text in
            ["127.0.0.1:4114", "http://", "http:///v1", "ftp://x", "http://a b", "http://x\"y", "http://$x"]
        {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        let everywhere = Address::of_listener("0.0.0.0:9".parse().unwrap()).unwrap();
        assert_eq!(everywhere.base(), "http://127.0.0.1:9");
        assert_eq!(Address::of_listener("127.0.0.1:0".parse().unwrap()), Err(AddressError::AnyPort));
    }

    #[test]
    fn only_this_machine_is_asked() {
        let socket = |text: &str| Address::parse(text).unwrap().loopback().map(|socket| socket.to_string());
        assert_eq!(socket("http://127.0.0.1:4114"), Some("127.0.0.1:4114".into()));
        assert_eq!(socket("http://localhost"), Some("127.0.0.1:80".into()));
        assert_eq!(socket("http://[::1]:4114/x"), Some("[::1]:4114".into()));
        assert_eq!(socket("http://gateway.example:4114"), None);
        assert_eq!(socket("https://127.0.0.1:4114"), None);
        assert!(!Address::parse("http://127.0.0.1:411").unwrap().covers("http://127.0.0.1:4114/v1"));
    }
}
