//! What spans and metrics are sent in: who tells them.

use serde_json::{Value, json};

use super::attributes::Attributes;
use super::semconv as name;

/// Who tells: this process.
pub(super) struct Resource {
    instance: String,
}

impl Resource {
    pub(super) fn new(instance: String) -> Self {
        Self { instance }
    }

    /// The body of `POST /v1/traces`.
    pub(super) fn traces(&self, spans: &[Value]) -> Value {
        let scope = json!({"scope": scope(), "spans": spans});
        json!({"resourceSpans": [{"resource": self.told(), "scopeSpans": [scope]}]})
    }

    /// The body of `POST /v1/metrics`.
    pub(super) fn metrics(&self, metrics: &[Value]) -> Value {
        let scope = json!({"scope": scope(), "metrics": metrics});
        json!({"resourceMetrics": [{"resource": self.told(), "scopeMetrics": [scope]}]})
    }

    fn told(&self) -> Value {
        let attributes = Attributes::default()
            .text(name::SERVICE, "waymark")
            .text(name::SERVICE_VERSION, env!("CARGO_PKG_VERSION"))
            .text(name::SERVICE_INSTANCE, self.instance.as_str());
        json!({"attributes": attributes.into_value()})
    }
}

fn scope() -> Value {
    json!({"name": "waymark", "version": env!("CARGO_PKG_VERSION")})
}

/// How many of the items sent a collector says it did not take, by the body of its answer.
pub(super) fn rejected(body: &[u8], field: &str) -> u64 {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    // 64-bit integers are text in this form; some write them as numbers.
    match &said["partialSuccess"][field] {
        Value::String(count) => count.parse().unwrap_or_default(),
        count => count.as_u64().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_taken_is_read_in_either_form() {
        let rejected = |body: &str| rejected(body.as_bytes(), "rejectedSpans");
        assert_eq!(rejected(r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"no"}}"#), 3);
        assert_eq!(rejected(r#"{"partialSuccess":{"rejectedSpans":2}}"#), 2);
        assert_eq!((rejected("{}"), rejected("")), (0, 0));
    }
}
