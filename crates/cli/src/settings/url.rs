//! Base URLs, as far as they must be understood to catch what people get wrong in them.

use std::fmt;
use std::net::IpAddr;

use super::problem::Fault;

/// A base URL in its final form: without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    scheme: &'static str,
    authority: String,
    path: String,
}

impl Url {
    /// Reads a base URL. No fault repeats it: it may carry credentials.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let scheme = ["https://", "http://"]
            .into_iter()
            .find(|scheme| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme)));
        let Some(scheme) = scheme else {
            return Err(Fault::new("must begin with http:// or https://"));
        };
        let rest = text.get(scheme.len()..).unwrap_or_default();
        if rest.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(Fault::new("must not contain spaces"));
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if authority.contains('@') {
            let fault = Fault::new("carries credentials, which would end up in logs");
            return Err(fault.hint("leave them out and name the variable that holds the key in api_key_env"));
        }
        if path.contains(['?', '#']) {
            return Err(Fault::new("must end with its path, without `?` or `#`"));
        }
        let url =
            Self { scheme, authority: authority.to_owned(), path: path.trim_end_matches('/').to_owned() };
        if url.host().is_empty() || !url.port_is_valid() {
            return Err(Fault::new("has no valid host and port"));
        }
        Ok(url)
    }

    /// The path, without a slash at its end.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The same with another path.
    pub(super) fn with_path(&self, path: &str) -> Self {
        Self { path: path.trim_end_matches('/').to_owned(), ..self.clone() }
    }

    /// Whether the path has a segment like `v1` or `v1beta`.
    pub(super) fn has_version(&self) -> bool {
        self.path.split('/').any(|segment| {
            let mut letters = segment.chars();
            letters.next() == Some('v') && letters.next().is_some_and(|c| c.is_ascii_digit())
        })
    }

    /// Whether what is sent there can be read on the way.
    pub(super) fn is_open(&self) -> bool {
        let host = self.host().trim_matches(['[', ']']);
        let local = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        self.scheme == "http://" && !local
    }

    fn host(&self) -> &str {
        match self.authority.rfind([':', ']']) {
            Some(end) if self.authority[end..].starts_with(':') => &self.authority[..end],
            _ => &self.authority,
        }
    }

    fn port_is_valid(&self) -> bool {
        match self.authority[self.host().len()..].strip_prefix(':') {
            Some(port) => port.parse::<u16>().is_ok(),
            None => true,
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.scheme, self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_the_slash_at_their_end_and_nothing_else() {
        for (text, url) in [
            ("https://api.example.com/v1/", "https://api.example.com/v1"),
            ("HTTP://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:9/", "http://[::1]:9"),
        ] {
            assert_eq!(Url::parse(text).map(|url| url.to_string()), Ok(url.to_owned()), "{text}");
        }
    }

    #[test]
    fn faults_never_repeat_the_url() {
        for (text, message) in [
            ("ftp://example.com", "must begin with http:// or https://"),
            ("example.com/v1", "must begin with http:// or https://"),
            ("https://", "has no valid host and port"),
            ("https://:80/v1", "has no valid host and port"),
            ("https://h:99999", "has no valid host and port"),
            ("https://a b", "must not contain spaces"),
            ("https://u:hunter2@h/v1", "carries credentials, which would end up in logs"),
            ("https://h/v1?key=hunter2", "must end with its path, without `?` or `#`"),
            ("https://h?key=hunter2", "must end with its path, without `?` or `#`"),
        ] {
            assert_eq!(Url::parse(text).err().map(|fault| fault.message), Some(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn versions_and_open_ways_are_seen() {
        let url = |text| Url::parse(text).ok();
        assert_eq!(url("https://h/openai/v1beta").map(|url| url.has_version()), Some(true));
        assert_eq!(url("https://h/vault").map(|url| url.has_version()), Some(false));
        assert_eq!(url("http://h/v1").map(|url| url.is_open()), Some(true));
        for local in ["https://h", "http://localhost:1", "http://127.0.0.2", "http://[::1]:1"] {
            assert_eq!(url(local).map(|url| url.is_open()), Some(false), "{local}");
        }
    }
}
