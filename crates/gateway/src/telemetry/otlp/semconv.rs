//! Names of OpenTelemetry's semantic conventions for generative AI (open-telemetry/semantic-conventions-genai 0.1.0, in
//! development), and our own for what they have none for.

pub(super) const OPERATION: &str = "gen_ai.operation.name";
pub(super) const PROVIDER: &str = "gen_ai.provider.name";
pub(super) const REQUEST_MODEL: &str = "gen_ai.request.model";
pub(super) const REQUEST_STREAM: &str = "gen_ai.request.stream";
pub(super) const RESPONSE_MODEL: &str = "gen_ai.response.model";
pub(super) const FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
pub(super) const FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
pub(super) const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub(super) const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub(super) const CACHE_READ_TOKENS: &str = "gen_ai.usage.cache_read.input_tokens";
pub(super) const CACHE_CREATION_TOKENS: &str = "gen_ai.usage.cache_creation.input_tokens";
pub(super) const REASONING_TOKENS: &str = "gen_ai.usage.reasoning.output_tokens";
pub(super) const CONVERSATION: &str = "gen_ai.conversation.id";
pub(super) const INPUT_MESSAGES: &str = "gen_ai.input.messages";
pub(super) const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
pub(super) const SYSTEM_INSTRUCTIONS: &str = "gen_ai.system_instructions";
pub(super) const TOKEN_TYPE: &str = "gen_ai.token.type";

// Proposed for gateways (semantic-conventions-genai issue 299).
pub(super) const GATEWAY: &str = "gen_ai.gateway.name";
pub(super) const GATEWAY_VERSION: &str = "gen_ai.gateway.version";
pub(super) const GATEWAY_REQUEST: &str = "gen_ai.gateway.request.id";
pub(super) const GATEWAY_REQUEST_MODEL: &str = "gen_ai.gateway.request.model";
pub(super) const GATEWAY_RESPONSE_MODELS: &str = "gen_ai.gateway.response.models";
pub(super) const GATEWAY_PROVIDERS: &str = "gen_ai.gateway.providers.attempted";
pub(super) const GATEWAY_SESSION: &str = "gen_ai.gateway.session.id";
pub(super) const GATEWAY_CACHED_TOKENS: &str = "gen_ai.gateway.usage.tokens.cached";
pub(super) const GATEWAY_REASONING_TOKENS: &str = "gen_ai.gateway.usage.tokens.reasoning";

// Of the conventions for everything.
pub(super) const ERROR: &str = "error.type";
pub(super) const STATUS: &str = "http.response.status_code";
pub(super) const SERVICE: &str = "service.name";
pub(super) const SERVICE_VERSION: &str = "service.version";
pub(super) const SERVICE_INSTANCE: &str = "service.instance.id";
/// Marks the series that takes what others have no room for.
pub(super) const OVERFLOW: &str = "otel.metric.overflow";

// Our own.
pub(super) const RECORD: &str = "waymark.record";
pub(super) const ROUTE: &str = "waymark.route";
pub(super) const REASON: &str = "waymark.reason";
pub(super) const REQUESTED_MODEL: &str = "waymark.requested_model";
pub(super) const TASK: &str = "waymark.task";
pub(super) const DIALECT: &str = "waymark.dialect";
pub(super) const OUTCOME: &str = "waymark.outcome";
pub(super) const CLIENT: &str = "waymark.client";
pub(super) const COST: &str = "waymark.cost_micro_usd";
pub(super) const OWN_PROVIDER: &str = "waymark.provider";
pub(super) const NEXT: &str = "waymark.next";
pub(super) const SERVED: &str = "waymark.served";

pub(super) const TOKEN_USAGE: &str = "gen_ai.client.token.usage";
pub(super) const DURATION: &str = "gen_ai.client.operation.duration";
pub(super) const TIME_TO_FIRST_CHUNK: &str = "gen_ai.client.operation.time_to_first_chunk";
