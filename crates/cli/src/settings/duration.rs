//! Spans of time: a number and its unit.

use std::time::Duration;

use super::problem::{Fault, echo};

/// The units, and how many milliseconds each has. What ends like another comes before it.
const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads `250ms`, `30s`, `10m`, `1h` or `7d`.
pub(super) fn parse(text: &str) -> Result<Duration, Fault> {
    let read = || {
        let (number, millis) =
            UNITS.iter().find_map(|(unit, millis)| Some((text.strip_suffix(unit)?, *millis)))?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| number.parse::<u64>().ok()?.checked_mul(millis)).flatten()
    };
    match read() {
        Some(0) => Err(Fault::new("must not be zero")),
        Some(millis) => Ok(Duration::from_millis(millis)),
        None => Err(Fault::new(format!("is no span of time: {}", echo(text)))
            .hint("write a number and `ms`, `s`, `m`, `h` or `d`, such as 10m")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_number_and_a_unit() {
        let read = |text| parse(text).map(|span| span.as_secs()).map_err(|fault| fault.message);
        for (text, seconds) in [("30s", 30), ("10m", 600), ("1h", 3_600), ("7d", 604_800)] {
            assert_eq!(read(text), Ok(seconds), "{text}");
        }
        assert_eq!(parse("250ms").ok(), Some(Duration::from_millis(250)));
        assert_eq!(read("0m"), Err("must not be zero".to_owned()));
        for text in ["", "10", "m", "-1m", "+1m", "1.5h", "10 m", "10M", "99999999999999999999d", "1h30m"] {
            assert!(read(text).unwrap_err().starts_with("is no span of time"), "{text}");
        }
    }
}
