//! What the codes of losses mean, and what they excuse.

use crate::facts::Kind;

/// What may be missing where this code was given.
pub(crate) fn excuses(code: &str) -> &'static [Kind] {
    let known = EXCUSES.iter().find(|(known, _)| matches(known, code));
    known.map_or(&[], |(_, kinds)| kinds)
}

/// What the code stands for; `None` for one that nobody has explained yet.
pub(crate) fn meaning(code: &str) -> Option<&'static str> {
    let known = MEANINGS.iter().find(|(known, _)| matches(known, code));
    known.map(|(_, meaning)| *meaning)
}

/// A code that ends in a colon stands for all that begin with it.
fn matches(known: &str, code: &str) -> bool {
    if known.ends_with(':') { code.starts_with(known) } else { code == known }
}

const EXCUSES: &[(&str, &[Kind])] = &[
    ("allowed_tools", &[Kind::ToolName, Kind::ToolDescription]),
    ("block:", &[Kind::Text, Kind::ResultText, Kind::Media]),
    ("content_part:", &[Kind::Text, Kind::Media]),
    ("document_form", &[Kind::Media]),
    ("misplaced_block", &[Kind::Text, Kind::Media]),
    ("schema_name", &[Kind::SchemaDescription]),
    ("server_tool:", &[Kind::ToolName, Kind::ToolDescription]),
    ("signed_thinking", &[Kind::Thinking]),
    ("system_media", &[Kind::Media]),
    ("thinking", &[Kind::Thinking]),
    ("thinking_unsigned", &[Kind::Thinking]),
    ("tool_error", &[Kind::ResultError]),
    ("tool_result_is_error", &[Kind::ResultError]),
];

const MEANINGS: &[(&str, &str)] = &[
    ("allowed_tools", "tools that may not be called are left out, instead of being named as such"),
    ("assistant_audio", "an earlier spoken answer; what it said in text stays"),
    ("audio", "how a spoken answer should sound"),
    ("background", "the wish to answer in the background"),
    ("block:", "a content block of a kind that only its own dialect has; its text stays where it has any"),
    ("block_order", "the order of text and tool calls within one turn"),
    ("cache_mark", "a place up to which the prompt should be cached"),
    ("cache_ttl", "how long a cached prompt should be kept"),
    ("candidate_count", "the number of answers"),
    ("citations", "where a text says what its sources are"),
    ("client_metadata", "the client's notes about itself"),
    ("compaction", "an earlier turn that the provider shortened into what only it can read"),
    ("content_part:", "a content part of a kind that only some servers have"),
    ("context_management", "how the provider should shorten the conversation"),
    ("defined_tool:", "a tool that the provider defines and the client runs is offered as a function"),
    ("document_context", "what the client says about a document, beside the document"),
    ("document_form", "a document that is text becomes text of the turn"),
    ("document_name", "a document's name"),
    ("effort", "how hard to try, in a word that is not known"),
    ("effort_minimal", "the least effort; the next one takes its place"),
    ("field:", "a field that is not in the dialect's reference"),
    ("frequency_penalty", "a sampling setting"),
    ("functions", "`functions` are offered as tools, and the answer calls them as such"),
    ("image_config", "how pictures should be made"),
    ("image_detail", "how closely to look at a picture"),
    ("include:", "the wish for more in the answer than it has by itself"),
    ("item:", "an item of a kind that only its own dialect has"),
    ("item_option:", "a setting of one item of the conversation"),
    ("json_object", "the wish for any JSON object, without a schema"),
    ("keep_alive", "how long the model should stay loaded"),
    ("logit_bias", "a sampling setting"),
    ("logprobs", "the wish for the tokens' probabilities"),
    ("max_tool_calls", "how many calls the provider's own tools may make"),
    ("media_resolution", "how closely to look at pictures"),
    ("message_name", "the name of a participant"),
    ("message_role", "a role that is none of the dialect's; the message becomes the user's"),
    ("metadata", "the client's notes for the provider's own records"),
    ("misplaced_block", "a block in a turn whose speaker does not say such blocks"),
    ("moderation", "the provider's moderation"),
    ("option:", "a setting of the model that only its own dialect has"),
    ("output_format:", "a form of the answer that only its own dialect has"),
    ("parallel_tools", "whether several tools may be called at once"),
    ("phase", "which part of the turn a message belongs to"),
    ("prediction", "text that the answer is expected to repeat"),
    ("presence_penalty", "a sampling setting"),
    ("prompt_cache_key", "a key that routes requests to the same cache"),
    ("prompt_cache_options", "how the provider should cache"),
    ("prompt_cache_retention", "how long the provider should keep the cache"),
    ("property_ordering", "the order of a schema's properties"),
    ("reasoning", "how much to reason; this conversation's history does not allow it"),
    (
        "reasoning_budget",
        "how many tokens to reason with; the nearest effort takes its place where there is one",
    ),
    ("reasoning_context", "which earlier reasoning the provider should consider"),
    ("reasoning_effort", "how hard to reason, in a word that is not known"),
    ("reasoning_off", "the wish not to reason"),
    ("reasoning_visible", "the wish to see the reasoning; servers that have it show it anyway"),
    ("redacted_thinking", "earlier reasoning that only its own provider can read"),
    ("refusal", "that an earlier answer was a refusal; its text stays"),
    ("response_format", "a form of the answer that is not known"),
    ("safety_settings", "the provider's content filters"),
    ("schema:", "a word of JSON Schema that the provider does not take"),
    ("schema_name", "the name and description of the answer's schema"),
    ("seed", "a sampling setting"),
    ("server_tool:", "a tool that the provider runs itself"),
    ("server_tool_call:", "an earlier call of such a tool, told as an ordinary call"),
    ("service_tier", "how fast and at what price the provider should answer"),
    ("signed_thinking", "earlier reasoning, text and signature, that is another provider's"),
    ("speed", "how fast the provider should answer"),
    ("stop", "texts that end the answer"),
    ("stop_blank", "texts that end the answer and are nothing but white space"),
    ("store", "whether the provider should keep the answer"),
    ("system_media", "pictures and files among the instructions"),
    ("system_turn", "instructions in the middle of the conversation; their text stays, in another role"),
    ("temperature", "a sampling setting"),
    ("temperature_above_1", "a temperature above 1, which is the highest"),
    ("text_format:", "a form of the answer that is not known"),
    ("thinking", "earlier reasoning"),
    ("thinking_signature", "the proof of whose earlier reasoning is; its text stays"),
    ("thinking_unsigned", "earlier reasoning that the provider would refuse, because it did not sign it"),
    ("tool_call_arguments", "arguments that are no JSON object, as of a call that was cut off"),
    ("tool_call_signature", "a token that Gemini wants back with a call"),
    ("tool_choice", "which tool must be called, where there is none"),
    ("tool_error", "that a tool failed; what it said stays"),
    ("tool_option:", "a setting of one tool"),
    ("tool_result_block", "a part of a tool's result that is neither text nor a picture"),
    ("tool_result_is_error", "that a tool failed; what it said stays"),
    ("tool_result_media", "pictures and files in a tool's result follow as the user's"),
    ("tool_strict", "that a tool's schema must be kept to exactly"),
    ("top_k", "a sampling setting"),
    ("top_logprobs", "the wish for the tokens' probabilities"),
    ("top_p", "a sampling setting"),
    ("truncation", "what to leave out of a conversation that is too long"),
    ("unnamed_tool", "a tool without a name"),
    ("user", "a key of the end user"),
    ("verbosity", "how much to write"),
    ("web_search_options", "how the provider should search the web"),
];
