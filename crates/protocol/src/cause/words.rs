//! The words providers have for why they give no answer.

use waymark_types::Cause::{
    self, Auth, BadRequest, ContentRefused, ContextOverflow, NotFound, Overloaded, QuotaExhausted,
    RateLimited, ServerError, Timeout,
};

/// Codes and kinds, in small letters.
pub(super) const WORDS: &[(&str, Cause)] = &[
    ("billing_error", QuotaExhausted),
    ("billing_hard_limit_reached", QuotaExhausted),
    ("billing_not_active", QuotaExhausted),
    ("insufficient_balance", QuotaExhausted),
    ("insufficient_credits", QuotaExhausted),
    ("insufficient_quota", QuotaExhausted),
    ("payment_required", QuotaExhausted),
    ("usage_limit_reached", QuotaExhausted),
    ("context_length_exceeded", ContextOverflow),
    ("context_window_exceeded", ContextOverflow),
    ("exceed_context_size_error", ContextOverflow),
    ("model_context_window_exceeded", ContextOverflow),
    ("content_filter", ContentRefused),
    ("content_policy_violation", ContentRefused),
    ("moderation_blocked", ContentRefused),
    ("prohibited_content", ContentRefused),
    ("responsibleaipolicyviolation", ContentRefused),
    ("3505", Overloaded),
    ("engine_overloaded", Overloaded),
    ("engine_overloaded_error", Overloaded),
    ("overloaded", Overloaded),
    ("overloaded_error", Overloaded),
    ("server_overloaded", Overloaded),
    ("service_tier_capacity_exceeded", Overloaded),
    ("service_unavailable", Overloaded),
    ("service_unavailable_error", Overloaded),
    ("slow_down", Overloaded),
    ("unavailable", Overloaded),
    ("unavailable_error", Overloaded),
    ("rate_limit_error", RateLimited),
    ("rate_limit_exceeded", RateLimited),
    ("rate_limited", RateLimited),
    ("ratelimitexceeded", RateLimited),
    ("resource_exhausted", RateLimited),
    ("too_many_requests", RateLimited),
    ("authentication_error", Auth),
    ("invalid_api_key", Auth),
    ("permission_denied", Auth),
    ("permission_error", Auth),
    ("unauthenticated", Auth),
    ("model_not_found", NotFound),
    ("not_found", NotFound),
    ("not_found_error", NotFound),
    ("deadline_exceeded", Timeout),
    ("timeout", Timeout),
    ("timeout_error", Timeout),
    ("failed_precondition", BadRequest),
    ("invalid_argument", BadRequest),
    ("invalid_request_error", BadRequest),
    ("request_too_large", BadRequest),
    ("api_error", ServerError),
    ("internal", ServerError),
    ("server_error", ServerError),
];

/// Parts of sentences, in small letters.
pub(super) const PHRASES: &[(&str, Cause)] = &[
    // OpenAI, and Gemini where it names no quota counted by the minute.
    ("exceeded your current quota", QuotaExhausted),
    // Anthropic.
    ("credit balance is too low", QuotaExhausted),
    ("specified api usage limits", QuotaExhausted),
    // OpenRouter.
    ("insufficient credits", QuotaExhausted),
    ("requires more credits", QuotaExhausted),
    ("more credits are required", QuotaExhausted),
    ("free-models-per-day", QuotaExhausted),
    ("key limit exceeded", QuotaExhausted),
    // Ollama's cloud.
    ("usage limit", QuotaExhausted),
    ("requires a subscription", QuotaExhausted),
    // Anyone's.
    ("billing hard limit", QuotaExhausted),
    ("insufficient balance", QuotaExhausted),
    ("spending cap", QuotaExhausted),
    ("spending limit", QuotaExhausted),
    ("spend limit", QuotaExhausted),
    ("monthly limit", QuotaExhausted),
    ("prepayment credits", QuotaExhausted),
    // OpenAI and its imitators, OpenRouter.
    ("maximum context length", ContextOverflow),
    // Anthropic.
    ("prompt is too long", ContextOverflow),
    ("exceed context limit", ContextOverflow),
    // Gemini.
    ("exceeds the maximum number of tokens", ContextOverflow),
    // llama.cpp.
    ("exceeds the available context size", ContextOverflow),
    ("too large to process", ContextOverflow),
    // Ollama.
    ("exceeds the context length", ContextOverflow),
    ("exceeds maximum context length", ContextOverflow),
    ("exceeded max context length", ContextOverflow),
    ("exceeds context length", ContextOverflow),
    // Anyone's.
    ("context window", ContextOverflow),
    ("input is too long", ContextOverflow),
    ("prompt too long", ContextOverflow),
    ("tokens per minute (tpm)", ContextOverflow),
    // Azure.
    ("content management policy", ContentRefused),
    // Anthropic.
    ("blocked by content filtering", ContentRefused),
    // OpenAI.
    ("usage policy", ContentRefused),
    ("usage policies", ContentRefused),
    ("safety system", ContentRefused),
    // OpenRouter.
    ("requires moderation", ContentRefused),
    ("input was flagged", ContentRefused),
    ("overloaded", Overloaded),
    // Gemini.
    ("high demand", Overloaded),
    // Mistral.
    ("capacity exceeded", Overloaded),
    // Ollama.
    ("server busy", Overloaded),
    // llama.cpp.
    ("loading model", Overloaded),
    // OpenRouter.
    ("no instances available", Overloaded),
    ("rate limit", RateLimited),
    ("rate-limited", RateLimited),
];
