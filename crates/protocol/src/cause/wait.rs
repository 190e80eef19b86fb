//! How long a provider wants to be left alone.

use std::time::Duration;

use waymark_types::Timestamp;

/// The longest wait that is believed.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// What the headers say: `Retry-After` in either form, its milliseconds, and else when the limits that are used up begin
/// anew; where none is, the last of them.
pub(super) fn of_headers<'h>(header: &impl Fn(&str) -> Option<&'h str>, now: Timestamp) -> Option<Duration> {
    let millis = header("retry-after-ms").and_then(|text| text.trim().parse::<f64>().ok());
    if let Some(millis) = millis.filter(|millis| *millis >= 0.0) {
        return seconds(millis / 1e3);
    }
    if let Some(text) = header("retry-after") {
        let text = text.trim();
        return span(text).or_else(|| until(Timestamp::from_http_date(text)?, now));
    }
    let (mut used_up, mut last) = (None, None);
    for (reset, remaining) in RESETS {
        let Some(wait) = header(reset).and_then(|text| reset_in(text.trim(), now)) else { continue };
        if header(remaining).is_some_and(|left| left.trim() == "0") {
            used_up = used_up.max(Some(wait));
        }
        last = last.max(Some(wait));
    }
    used_up.or(last)
}

/// Headers that say when a limit begins anew, and the ones that say what is left of it.
const RESETS: [(&str, &str); 7] = [
    ("x-ratelimit-reset-requests", "x-ratelimit-remaining-requests"),
    ("x-ratelimit-reset-tokens", "x-ratelimit-remaining-tokens"),
    ("x-ratelimit-reset", "x-ratelimit-remaining"),
    ("anthropic-ratelimit-requests-reset", "anthropic-ratelimit-requests-remaining"),
    ("anthropic-ratelimit-tokens-reset", "anthropic-ratelimit-tokens-remaining"),
    ("anthropic-ratelimit-input-tokens-reset", "anthropic-ratelimit-input-tokens-remaining"),
    ("anthropic-ratelimit-output-tokens-reset", "anthropic-ratelimit-output-tokens-remaining"),
];

/// A span (OpenAI), a time (Anthropic), or seconds or milliseconds since 1970 (OpenRouter and others).
fn reset_in(text: &str, now: Timestamp) -> Option<Duration> {
    match text.parse::<i64>() {
        Ok(millis) if millis >= 1_000_000_000_000 => {
            until(Timestamp::from_micros(millis.checked_mul(1_000)?), now)
        }
        Ok(seconds) if seconds >= 1_000_000_000 => until(Timestamp::from_micros(seconds * 1_000_000), now),
        _ => span(text).or_else(|| until(text.parse().ok()?, now)),
    }
}

fn until(then: Timestamp, now: Timestamp) -> Option<Duration> {
    Some(Duration::from_micros(then.micros_since(now))).filter(|wait| *wait <= LONGEST)
}

fn seconds(seconds: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(seconds).ok().filter(|wait| *wait <= LONGEST)
}

/// A span of time as Go writes it: `1s`, `6m0s`, `17ms`; bare, a number of seconds.
pub(super) fn span(text: &str) -> Option<Duration> {
    let (mut rest, mut total) = (text, 0.0);
    if let Ok(bare) = text.parse::<f64>() {
        return seconds(bare);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match &rest[..unit] {
                "us" | "µs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    (!text.is_empty()).then(|| seconds(total)).flatten()
}

/// What sentences in small letters say: `try again in 6.5s`, `retry after 23 seconds`.
pub(super) fn in_words(sentences: &str) -> Option<Duration> {
    let after = ["try again in ", "retry in ", "retry after "]
        .iter()
        .find_map(|lead| sentences.split_once(lead).map(|(_, after)| after))?;
    let mut words = after.split_whitespace();
    let first = words.next()?.trim_end_matches(['.', ',']);
    let spelt = match words.next().map(|unit| unit.trim_end_matches(['.', ',', ')'])) {
        Some("seconds" | "second") => format!("{first}s"),
        Some("milliseconds") => format!("{first}ms"),
        Some("minutes" | "minute") => format!("{first}m"),
        Some("hours" | "hour") => format!("{first}h"),
        Some("days" | "day") => format!("{first}d"),
        _ => first.to_owned(),
    };
    span(&spelt)
}
