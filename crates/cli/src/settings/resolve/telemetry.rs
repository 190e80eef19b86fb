//! Telemetry: where it goes, what is sent along, and that texts are told only where they are kept.

use percent_encoding::percent_decode_str;
use waymark_gateway::TelemetryConfig;
use waymark_types::Secret;

use super::Resolver;
use crate::settings::key::KeyPath;
use crate::settings::layers::Entry;
use crate::settings::problem::Fault;
use crate::settings::url::Url;
use crate::settings::value::Value;

/// What is added to a collector's address.
const SIGNALS: [&str; 3] = ["/v1/traces", "/v1/metrics", "/v1/logs"];

impl Resolver<'_> {
    pub(super) fn telemetry(&mut self) -> TelemetryConfig {
        let otlp_endpoint = self.endpoint();
        let otlp_headers = self.headers(otlp_endpoint.is_some());
        let content = self.content();
        if content || !otlp_headers.is_empty() {
            self.warn_of_eavesdroppers();
        }
        TelemetryConfig { otlp_endpoint, otlp_headers, content }
    }

    fn endpoint(&mut self) -> Option<String> {
        let key = KeyPath::fixed("telemetry.otlp_endpoint");
        let (text, origin) = self.layers.text(&key)?;
        if let Ok(url) = Url::parse(text)
            && let Some((end, begin)) =
                SIGNALS.iter().find_map(|end| Some((end, url.path().strip_suffix(end)?)))
        {
            let fault = Fault::new(format!("ends in {end}, which is added to it"));
            let right = url.with_path(begin);
            self.refuse(&key, fault.hint(format!("write otlp_endpoint = \"{right}\"")), origin);
        }
        Some(text.to_owned())
    }

    fn warn_of_eavesdroppers(&mut self) {
        let key = KeyPath::fixed("telemetry.otlp_endpoint");
        let Some((text, origin)) = self.layers.text(&key) else { return };
        if Url::parse(text).is_ok_and(|url| url.is_open()) {
            self.warn(origin, &format!("`{key}` is http: headers and texts can be read on the way"));
        }
    }

    fn headers(&mut self, used: bool) -> Vec<(String, Secret)> {
        let key = KeyPath::fixed("telemetry.otlp_headers_env");
        let Some((variable, origin)) = self.layers.text(&key) else { return Vec::new() };
        if !used {
            self.warn(origin, &format!("`{key}` has no use without `telemetry.otlp_endpoint`"));
        }
        let text = (self.environment)(variable).filter(|text| !text.trim().is_empty());
        let Some(text) = text.map(Secret::new) else {
            let fault = Fault::new(format!("names {variable}, which is not set or empty"));
            self.refuse(
                &key,
                fault.hint(format!("set {variable} to the headers, or leave this out")),
                origin,
            );
            return Vec::new();
        };
        match pairs(text.expose()) {
            Some(pairs) => pairs,
            None => {
                let fault = Fault::new(format!("names {variable}, which has another form"));
                let hint = format!("write {variable} like authorization=Bearer%20KEY,tenant=one");
                self.refuse(&key, fault.hint(hint), origin);
                Vec::new()
            }
        }
    }

    fn content(&mut self) -> bool {
        let key = KeyPath::fixed("telemetry.content");
        let Some(Entry { value: Value::Switch(true), origin }) = self.layers.get(&key) else { return false };
        if self.fixed("ledger.payloads") != Some("keep") {
            let fault = Fault::new("tells texts that are not kept");
            let hint = "set ledger.payloads = \"keep\", or leave the texts out of telemetry";
            self.refuse(&key, fault.hint(hint), origin);
        }
        true
    }
}

/// Headers as OpenTelemetry's own variables write them: `name=value`, separated by commas, values percent-encoded.
fn pairs(text: &str) -> Option<Vec<(String, Secret)>> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        let name = name.trim();
        (!name.is_empty()).then(|| (name.to_owned(), Secret::new(value.into_owned())))
    };
    text.split(',').filter(|part| !part.trim().is_empty()).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_opentelemetry_writes_them() {
        let read = |text| {
            let shown = |(name, value): (String, Secret)| format!("{name}: {}", value.expose());
            pairs(text).map(|pairs| pairs.into_iter().map(shown).collect::<Vec<_>>())
        };
        let expected = ["authorization: Bearer a=b".to_owned(), "tenant: one".to_owned()];
        assert_eq!(read("authorization=Bearer%20a=b, tenant=one,"), Some(expected.to_vec()));
        assert_eq!(read("authorization"), None);
        assert_eq!(read("=value"), None);
    }
}
