//! Prices as people write them, read exactly: no floating point on the way.

use waymark_types::MicroUsd;

use super::problem::Fault;

/// The decimals a micro-USD has.
const DECIMALS: i64 = 6;

/// Reads a decimal number of US dollars.
pub(super) fn parse(text: &str) -> Result<MicroUsd, Fault> {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let (negative, unsigned) = match unsigned.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, unsigned),
    };
    if ["inf", "infinity", "nan"].contains(&unsigned.to_ascii_lowercase().as_str()) {
        return Err(Fault::new("must be a finite number of US dollars"));
    }
    let (digits, exponent) =
        scientific(unsigned).ok_or_else(|| Fault::new("is not a number of US dollars"))?;
    if negative && digits != 0 {
        return Err(Fault::new("must not be negative"));
    }
    micro(digits, exponent.saturating_add(DECIMALS))
}

/// `number` whole US dollars.
pub(super) fn whole(number: u64) -> Result<MicroUsd, Fault> {
    micro(u128::from(number), DECIMALS)
}

/// The amount as a TOML float: the shortest decimal that reads back the same.
pub(super) fn render(amount: MicroUsd) -> String {
    let decimals = format!("{:06}", amount.0 % 1_000_000);
    let short = decimals.trim_end_matches('0');
    format!("{}.{}", amount.0 / 1_000_000, if short.is_empty() { "0" } else { short })
}

/// `12.5e-1` as 125 and -2.
fn scientific(text: &str) -> Option<(u128, i64)> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (units, decimals) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let decimals = decimals.trim_end_matches('0');
    if units.is_empty() || !units.chars().chain(decimals.chars()).all(|c| c.is_ascii_digit()) {
        return None;
    }
    let digits = format!("{units}{decimals}").parse().ok()?;
    Some((digits, exponent.saturating_sub(i64::try_from(decimals.len()).ok()?)))
}

/// `digits` times ten to the `power`.
fn micro(digits: u128, power: i64) -> Result<MicroUsd, Fault> {
    let scale = |power: i64| u32::try_from(power).ok().and_then(|power| 10_u128.checked_pow(power));
    let amount = match (digits, power) {
        (0, _) => Some(0),
        (_, 0..) => scale(power).and_then(|factor| digits.checked_mul(factor)),
        _ => match scale(power.saturating_neg()) {
            Some(factor) if digits.is_multiple_of(factor) => Some(digits / factor),
            _ => {
                let fault = Fault::new("has more than 6 decimals");
                return Err(fault.hint("prices are kept to a millionth of a US dollar"));
            }
        },
    };
    match amount.and_then(|amount| u64::try_from(amount).ok()) {
        Some(amount) => Ok(MicroUsd(amount)),
        None => Err(Fault::new("is more than can be counted")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<u64, String> {
        parse(text).map(|amount| amount.0).map_err(|fault| fault.message)
    }

    #[test]
    fn decimals_are_read_exactly() {
        for (text, micro) in [
            ("3.0", 3_000_000),
            ("0.3", 300_000),
            ("0.075", 75_000),
            ("15", 15_000_000),
            ("0.000001", 1),
            ("0.10000000000", 100_000),
            ("1.5e-1", 150_000),
            ("2E3", 2_000_000_000),
            ("-0.0", 0),
            ("+1.25", 1_250_000),
        ] {
            assert_eq!(read(text), Ok(micro), "{text}");
        }
        assert_eq!(whole(3), Ok(MicroUsd(3_000_000)));
    }

    #[test]
    fn what_is_no_price_is_refused() {
        let finite = "must be a finite number of US dollars";
        for (text, message) in [
            ("-0.1", "must not be negative"),
            ("nan", finite),
            ("-inf", finite),
            ("0.0000001", "has more than 6 decimals"),
            ("1e-400", "has more than 6 decimals"),
            ("1e400", "is more than can be counted"),
            ("20000000000000", "is more than can be counted"),
            ("three", "is not a number of US dollars"),
            ("", "is not a number of US dollars"),
        ] {
            assert_eq!(read(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn amounts_are_written_as_short_as_they_read_back() {
        for (micro, text) in [(3_000_000, "3.0"), (75_000, "0.075"), (1, "0.000001"), (0, "0.0")] {
            assert_eq!(render(MicroUsd(micro)), text);
            assert_eq!(read(text), Ok(micro));
        }
    }
}
