use serde_json::{Value, json};

use super::*;

/// 2026-11-27T12:00:00Z.
const NOW: Timestamp = Timestamp::from_micros(1_795_780_800_000_000);

fn read(status: u16, headers: &[(&str, &'static str)], body: &str) -> Failure {
    let header = |name: &str| headers.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
    Failure::read(status, header, body.as_bytes(), NOW)
}

fn cause(status: u16, body: &Value) -> Cause {
    read(status, &[], &body.to_string()).cause
}

/// Error answers as the providers give them.
fn answers() -> Vec<(&'static str, u16, Value, Cause)> {
    let openai = |kind: &str, code: &str, message: &str| json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    let anthropic = |kind: &str, message: &str| json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
    let azure = |code: &str, message: &str| json!({"error": {"code": code, "message": message}});
    let gemini = |code: u16, status: &str, message: &str, details: Value| json!({"error": {"code": code, "message": message, "status": status, "details": details}});
    let quota = |id: &str| json!([{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests", "quotaId": id}]}]);
    let mistral = |kind: &str, code: Value, message: &str| json!({"object": "error", "message": message, "type": kind, "param": null, "code": code});
    let llama = |code: u16, kind: &str, message: &str| json!({"error": {"code": code, "message": message, "type": kind}});
    let exceeded = "You exceeded your current quota, please check your plan and billing details.";
    vec![
        (
            "openai",
            429,
            openai(
                "tokens",
                "rate_limit_exceeded",
                "Rate limit reached for gpt-4.1 in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.",
            ),
            Cause::RateLimited,
        ),
        ("openai", 429, openai("insufficient_quota", "insufficient_quota", exceeded), Cause::QuotaExhausted),
        (
            "openai",
            400,
            openai(
                "invalid_request_error",
                "billing_hard_limit_reached",
                "Billing hard limit has been reached",
            ),
            Cause::QuotaExhausted,
        ),
        (
            "openai",
            400,
            openai(
                "invalid_request_error",
                "context_length_exceeded",
                "This model's maximum context length is 128000 tokens. However, your messages resulted in 204308 tokens.",
            ),
            Cause::ContextOverflow,
        ),
        (
            "openai",
            400,
            openai("invalid_request_error", "unknown_parameter", "Unknown parameter: 'x'."),
            Cause::BadRequest,
        ),
        (
            "openai",
            400,
            openai(
                "image_generation_user_error",
                "moderation_blocked",
                "Your request was rejected by the safety system.",
            ),
            Cause::ContentRefused,
        ),
        (
            "openai",
            400,
            openai(
                "invalid_request_error",
                "invalid_prompt",
                "Invalid prompt: your prompt was flagged as potentially violating our usage policy.",
            ),
            Cause::ContentRefused,
        ),
        (
            "openai",
            401,
            openai("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
            Cause::Auth,
        ),
        (
            "openai",
            404,
            openai("invalid_request_error", "model_not_found", "The model `gpt-9` does not exist."),
            Cause::NotFound,
        ),
        (
            "openai",
            500,
            openai("server_error", "", "The server had an error while processing your request."),
            Cause::ServerError,
        ),
        (
            "openai",
            503,
            openai("server_error", "", "The engine is currently overloaded, please try again later."),
            Cause::Overloaded,
        ),
        ("openai", 503, openai("server_error", "slow_down", "Slow down."), Cause::Overloaded),
        (
            "azure",
            429,
            azure(
                "429",
                "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded token rate limit of your current OpenAI S0 pricing tier. Please retry after 23 seconds.",
            ),
            Cause::RateLimited,
        ),
        ("azure", 429, azure("insufficient_quota", exceeded), Cause::QuotaExhausted),
        (
            "azure",
            400,
            json!({"error": {"message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", "type": null, "param": "prompt", "code": "content_filter", "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": true}}}}}),
            Cause::ContentRefused,
        ),
        (
            "azure",
            401,
            azure("401", "Access denied due to invalid subscription key or wrong API endpoint."),
            Cause::Auth,
        ),
        (
            "azure",
            404,
            azure("DeploymentNotFound", "The API deployment for this resource does not exist."),
            Cause::NotFound,
        ),
        ("azure", 408, azure("Timeout", "The operation was timeout."), Cause::Timeout),
        (
            "anthropic",
            429,
            anthropic(
                "rate_limit_error",
                "This request would exceed your organization's rate limit of 50 requests per minute.",
            ),
            Cause::RateLimited,
        ),
        (
            "anthropic",
            400,
            anthropic(
                "invalid_request_error",
                "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
            ),
            Cause::QuotaExhausted,
        ),
        (
            "anthropic",
            400,
            anthropic(
                "invalid_request_error",
                "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
            ),
            Cause::QuotaExhausted,
        ),
        (
            "anthropic",
            402,
            anthropic("billing_error", "There is a problem with your billing."),
            Cause::QuotaExhausted,
        ),
        ("anthropic", 529, anthropic("overloaded_error", "Overloaded"), Cause::Overloaded),
        (
            "anthropic",
            400,
            anthropic("invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"),
            Cause::ContextOverflow,
        ),
        (
            "anthropic",
            400,
            anthropic(
                "invalid_request_error",
                "input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000, decrease input length or `max_tokens` and try again",
            ),
            Cause::ContextOverflow,
        ),
        (
            "anthropic",
            413,
            anthropic("request_too_large", "Request exceeds the maximum size"),
            Cause::BadRequest,
        ),
        (
            "anthropic",
            400,
            anthropic("invalid_request_error", "Output blocked by content filtering policy"),
            Cause::ContentRefused,
        ),
        (
            "anthropic",
            400,
            anthropic("invalid_request_error", "messages: at least one message is required"),
            Cause::BadRequest,
        ),
        ("anthropic", 401, anthropic("authentication_error", "invalid x-api-key"), Cause::Auth),
        (
            "anthropic",
            403,
            anthropic(
                "permission_error",
                "Your API key does not have permission to use the specified resource.",
            ),
            Cause::Auth,
        ),
        ("anthropic", 500, anthropic("api_error", "Internal server error"), Cause::ServerError),
        ("anthropic", 504, anthropic("timeout_error", "Request timed out."), Cause::Timeout),
        (
            "gemini",
            429,
            gemini(
                429,
                "RESOURCE_EXHAUSTED",
                exceeded,
                quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"),
            ),
            Cause::RateLimited,
        ),
        (
            "gemini",
            429,
            gemini(
                429,
                "RESOURCE_EXHAUSTED",
                exceeded,
                quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
            ),
            Cause::QuotaExhausted,
        ),
        ("gemini", 429, gemini(429, "RESOURCE_EXHAUSTED", exceeded, json!([])), Cause::QuotaExhausted),
        (
            "gemini",
            429,
            gemini(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted (e.g. check quota).", json!([])),
            Cause::RateLimited,
        ),
        (
            "gemini",
            503,
            json!([{"error": {"code": 503, "message": "The model is overloaded. Please try again later.", "status": "UNAVAILABLE"}}]),
            Cause::Overloaded,
        ),
        (
            "gemini",
            400,
            gemini(
                400,
                "INVALID_ARGUMENT",
                "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                json!([]),
            ),
            Cause::ContextOverflow,
        ),
        (
            "gemini",
            400,
            gemini(400, "INVALID_ARGUMENT", "Invalid JSON payload received. Unknown name \"x\"", json!([])),
            Cause::BadRequest,
        ),
        (
            "gemini",
            403,
            gemini(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.", json!([])),
            Cause::Auth,
        ),
        (
            "gemini",
            504,
            gemini(
                504,
                "DEADLINE_EXCEEDED",
                "The service is unable to finish processing within the deadline.",
                json!([]),
            ),
            Cause::Timeout,
        ),
        ("mistral", 429, mistral("rate_limited", json!("1300"), "Rate limit exceeded"), Cause::RateLimited),
        (
            "mistral",
            429,
            mistral("invalid_request_error", json!(null), "Service tier capacity exceeded for this model."),
            Cause::Overloaded,
        ),
        (
            "mistral",
            400,
            mistral(
                "invalid_request_error",
                json!("3051"),
                "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            ),
            Cause::ContextOverflow,
        ),
        ("mistral", 401, json!({"detail": "Unauthorized"}), Cause::Auth),
        (
            "mistral",
            422,
            json!({"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "x"], "msg": "Extra inputs are not permitted"}]}, "type": "invalid_request_error"}),
            Cause::BadRequest,
        ),
        ("ollama", 404, json!({"error": "model 'llama9' not found"}), Cause::NotFound),
        (
            "ollama",
            503,
            json!({"error": "server busy, please try again.  maximum pending requests exceeded"}),
            Cause::Overloaded,
        ),
        (
            "ollama",
            400,
            json!({"error": "the input length exceeds the context length"}),
            Cause::ContextOverflow,
        ),
        (
            "ollama",
            400,
            json!({"error": "prompt too long; exceeded max context length by 4 tokens"}),
            Cause::ContextOverflow,
        ),
        (
            "ollama",
            429,
            json!({"error": "you've reached your weekly usage limit, please upgrade to continue"}),
            Cause::QuotaExhausted,
        ),
        (
            "ollama",
            500,
            json!({"error": "llama runner process has terminated: exit status 2"}),
            Cause::ServerError,
        ),
        (
            "llama.cpp",
            400,
            llama(
                400,
                "exceed_context_size_error",
                "the request exceeds the available context size, try increasing it",
            ),
            Cause::ContextOverflow,
        ),
        (
            "llama.cpp",
            500,
            llama(
                500,
                "server_error",
                "the request exceeds the available context size. try increasing the context size or enable context shift",
            ),
            Cause::ContextOverflow,
        ),
        ("llama.cpp", 503, llama(503, "unavailable_error", "Loading model"), Cause::Overloaded),
        ("llama.cpp", 401, llama(401, "authentication_error", "Invalid API Key"), Cause::Auth),
        (
            "llama.cpp",
            501,
            llama(501, "not_supported_error", "This server does not support embeddings."),
            Cause::NotFound,
        ),
        (
            "openrouter",
            402,
            json!({"error": {"message": "This request requires more credits, or fewer max_tokens.", "code": 402, "metadata": {"provider_name": null}}}),
            Cause::QuotaExhausted,
        ),
        (
            "openrouter",
            429,
            json!({"error": {"message": "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day", "code": 429}}),
            Cause::QuotaExhausted,
        ),
        (
            "openrouter",
            429,
            json!({"error": {"message": "Provider returned error", "code": 429, "metadata": {"raw": "some/model is temporarily rate-limited upstream. Please retry shortly.", "provider_name": "X"}}}),
            Cause::RateLimited,
        ),
        (
            "openrouter",
            400,
            json!({"error": {"message": "Provider returned error", "code": 400, "metadata": {"raw": "{\"error\":{\"message\":\"This model's maximum context length is 262144 tokens.\",\"code\":400}}"}}}),
            Cause::ContextOverflow,
        ),
        (
            "openrouter",
            403,
            json!({"error": {"message": "This model requires moderation. Your input was flagged for \"violence\".", "code": 403, "metadata": {"reasons": ["violence"], "flagged_input": "overloaded insufficient_quota"}}}),
            Cause::ContentRefused,
        ),
        (
            "openrouter",
            502,
            json!({"error": {"message": "Provider returned error", "code": 502}}),
            Cause::ServerError,
        ),
        ("openrouter", 200, json!({"error": {"message": "quota", "code": 402}}), Cause::QuotaExhausted),
    ]
}

#[test]
fn every_providers_words_are_told_apart() {
    for (provider, status, body, expected) in answers() {
        assert_eq!(cause(status, &body), expected, "{provider} {status}: {body}");
    }
}

#[test]
fn what_is_no_json_is_told_by_its_status() {
    for (status, expected) in [
        (400, Cause::BadRequest),
        (403, Cause::Auth),
        (429, Cause::RateLimited),
        (500, Cause::ServerError),
        (502, Cause::ServerError),
        (503, Cause::Overloaded),
        (529, Cause::Overloaded),
        (504, Cause::Timeout),
        (200, Cause::ServerError),
    ] {
        assert_eq!(read(status, &[], "<html>bad gateway</html>").cause, expected, "{status}");
        assert_eq!(read(status, &[], "").cause, expected, "{status}");
    }
}

#[test]
fn a_requests_own_words_mean_nothing() {
    let wrong = json!({"error": {"type": "invalid_request_error", "message": "`role` cannot be: overloaded, rate limit"}});
    assert_eq!(cause(400, &wrong), Cause::BadRequest);
    let failed = json!({"type": "response.failed", "response": {"instructions": "insufficient_quota",
        "output": [{"type": "message", "message": "exceeded your current quota"}],
        "error": {"code": "server_error", "message": "An error occurred"}}});
    assert_eq!(Failure::of_event(failed.to_string().as_bytes()).cause, Cause::ServerError);
}

#[test]
fn events_that_fail_are_told_apart() {
    for (event, expected) in [
        (
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
            Cause::Overloaded,
        ),
        (
            json!({"type": "error", "error": {"type": "rate_limit_error", "message": "slow"}}),
            Cause::RateLimited,
        ),
        (
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 2 tokens > 1 maximum"}}),
            Cause::ContextOverflow,
        ),
        (
            json!({"error": {"code": 502, "message": "Provider disconnected"}, "choices": [{"finish_reason": "error"}]}),
            Cause::ServerError,
        ),
        (json!({"error": {"code": "insufficient_quota", "message": "exceeded"}}), Cause::QuotaExhausted),
        (
            json!({"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "x"}}}),
            Cause::RateLimited,
        ),
        (
            json!({"error": {"code": 503, "status": "UNAVAILABLE", "message": "The model is overloaded."}}),
            Cause::Overloaded,
        ),
        (json!({"error": "an error was encountered while running the model"}), Cause::ServerError),
        (json!({}), Cause::ServerError),
    ] {
        assert_eq!(Failure::of_event(event.to_string().as_bytes()).cause, expected, "{event}");
    }
}

#[test]
fn how_long_to_wait_is_read_in_every_form() {
    let wait = |headers: &[(&str, &'static str)]| read(429, headers, "").wait.map(|wait| wait.as_millis());
    for (headers, millis) in [
        (&[("retry-after", "2")][..], Some(2_000)),
        (&[("retry-after", "Fri, 27 Nov 2026 12:00:30 GMT")], Some(30_000)),
        (&[("retry-after", "Fri, 27 Nov 2026 11:00:00 GMT")], Some(0)),
        (&[("retry-after", "soon")], None),
        (&[("retry-after", "-5")], None),
        (&[("retry-after", "1e300")], None),
        (&[("retry-after", "9"), ("retry-after-ms", "250")], Some(250)),
        (&[("x-ratelimit-reset-requests", "6m0s")], Some(360_000)),
        (
            &[
                ("x-ratelimit-reset-requests", "17ms"),
                ("x-ratelimit-remaining-requests", "0"),
                ("x-ratelimit-reset-tokens", "1m2.5s"),
                ("x-ratelimit-remaining-tokens", "5"),
            ],
            Some(17),
        ),
        (&[("x-ratelimit-reset-requests", "17ms"), ("x-ratelimit-reset-tokens", "2s")], Some(2_000)),
        (&[("x-ratelimit-reset", "1795780805000")], Some(5_000)),
        (&[("x-ratelimit-reset", "1795780807")], Some(7_000)),
        (&[("anthropic-ratelimit-requests-reset", "2026-11-27T12:00:12Z")], Some(12_000)),
        (
            &[("retry-after", "1"), ("anthropic-ratelimit-requests-reset", "2026-11-27T12:00:12Z")],
            Some(1_000),
        ),
        (&[], None),
    ] {
        assert_eq!(wait(headers), millis, "{headers:?}");
    }
}

#[test]
fn how_long_to_wait_may_stand_in_the_body() {
    let wait = |body: &Value| read(429, &[], &body.to_string()).wait.map(|wait| wait.as_millis());
    let told = |message: &str| wait(&json!({"error": {"message": message}}));
    assert_eq!(told("Please try again in 6.5s. Visit"), Some(6_500));
    assert_eq!(told("Please try again in 7m12s."), Some(432_000));
    assert_eq!(told("Please retry after 23 seconds."), Some(23_000));
    assert_eq!(told("Please retry after a while."), None);
    let details = json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36.2s"}]);
    assert_eq!(wait(&json!({"error": {"status": "RESOURCE_EXHAUSTED", "details": details}})), Some(36_200));
}

#[test]
fn whether_to_ask_again_is_the_providers_word() {
    let retry = |text| read(500, &[("x-should-retry", text)], "").retry;
    assert_eq!((retry("true"), retry("false"), retry("maybe")), (Some(true), Some(false), None));
    assert_eq!(read(500, &[], "").retry, None);
}

proptest::proptest! {
    #[test]
    fn anything_is_read(status in 100_u16..700, header in ".{0,40}", body: Vec<u8>, text in ".{0,200}") {
        let named = |_: &str| Some(header.as_str());
        let _ = Failure::read(status, named, &body, NOW);
        let _ = Failure::read(status, named, text.as_bytes(), NOW);
        let _ = Failure::of_event(json!({"error": {"message": text, "retryDelay": text}}).to_string().as_bytes());
    }
}
