//! Spans of time: a number and its unit.

use std::time::Duration;

use super::problem::{Fault, echo};

/// The units, and how many seconds each has.
const UNITS: [(&str, u64); 4] = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];

/// Reads `30s`, `10m`, `1h` or `7d`.
pub(super) fn parse(text: &str) -> Result<Duration, Fault> {
    let read = || {
        let (number, seconds) =
            UNITS.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, *seconds)))?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| number.parse::<u64>().ok()?.checked_mul(seconds)).flatten()
    };
    match read() {
        Some(0) => Err(Fault::new("must not be zero")),
        Some(seconds) => Ok(Duration::from_secs(seconds)),
        None => Err(Fault::new(format!("is no span of time: {}", echo(text)))
            .hint("write a number and `s`, `m`, `h` or `d`, such as 10m")),
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
        assert_eq!(read("0m"), Err("must not be zero".to_owned()));
        for text in ["", "10", "m", "-1m", "+1m", "1.5h", "10 m", "10M", "99999999999999999999d", "1h30m"] {
            assert!(read(text).unwrap_err().starts_with("is no span of time"), "{text}");
        }
    }
}
