//! One value: read from TOML or from text, held to its key's kind, written back.

use std::fmt;
use std::net::SocketAddr;

use serde::{Serialize, Serializer};
use toml::de::DeValue;
use waymark_types::{Capability, Dialect, MicroUsd, ProviderKind, Task};

use waymark_gateway::Witness;
use waymark_ledger::cosignature;

use super::duration;
use super::problem::{Fault, closest, echo};
use super::schema::Kind;
use super::url::Url;
use super::usd;

/// One value.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    /// Text, paths and addresses included.
    Text(String),
    /// Yes or no.
    Switch(bool),
    /// A number from 0 to 1.
    Fraction(f64),
    /// A whole number.
    Count(u64),
    /// US dollars, per million tokens or as they are.
    Usd(#[serde(serialize_with = "dollars")] MicroUsd),
    /// Names.
    List(Vec<String>),
}

impl Value {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The names, if it is a list.
    pub(super) fn list(&self) -> Option<&[String]> {
        match self {
            Self::List(names) => Some(names),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for Value {
    /// As TOML.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Switch(on) => write!(f, "{on}"),
            Self::Fraction(number) => write!(f, "{number:?}"),
            Self::Count(number) => write!(f, "{number}"),
            Self::Usd(amount) => f.write_str(&usd::render(*amount)),
            Self::List(names) => {
                let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
                write!(f, "[{}]", names.join(", "))
            }
        }
    }
}

fn dollars<S: Serializer>(amount: &MicroUsd, serializer: S) -> Result<S::Ok, S::Error> {
    // JSON has one kind of number; the division is exact to its last printed digit.
    serializer.serialize_f64(amount.0 as f64 / 1e6)
}

/// The text as a TOML basic string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A value's fault, with the byte at which it stands in the file where that is known better than by its key.
pub(super) type Misplaced = (Fault, Option<usize>);

impl Kind {
    /// Takes a value out of a TOML file.
    pub(super) fn read_toml(self, value: &DeValue<'_>) -> Result<Value, Misplaced> {
        let read = match (self, value) {
            (kind, DeValue::Array(items)) if kind.is_list() => {
                let mut names = Vec::new();
                for item in items.iter() {
                    let DeValue::String(name) = item.get_ref() else {
                        let fault =
                            Fault::new(format!("must hold strings only, found {}", found(item.get_ref())));
                        return Err((fault, Some(item.span().start)));
                    };
                    self.settle_name(name).map_err(|fault| (fault, Some(item.span().start)))?;
                    names.push(name.clone().into_owned());
                }
                Ok(Value::List(names))
            }
            (Self::Switch, DeValue::Boolean(on)) => Ok(Value::Switch(*on)),
            (Self::Fraction, DeValue::Integer(number)) => number_from(number.as_str(), number.radix()),
            (Self::Fraction, DeValue::Float(number)) => fraction(number.as_str()),
            (Self::Count | Self::Positive, DeValue::Integer(number)) => {
                let digits = number.as_str().replace('_', "");
                match u64::from_str_radix(&digits, number.radix()) {
                    Ok(number) => Ok(Value::Count(number)),
                    Err(_) => Err(Fault::new("must be a whole number, not below zero")),
                }
            }
            (Self::Usd | Self::Dollars, DeValue::Integer(number)) if number.radix() == 10 => {
                usd::parse(number.as_str()).map(Value::Usd)
            }
            (Self::Usd | Self::Dollars, DeValue::Integer(number)) => {
                match u64::from_str_radix(number.as_str(), number.radix()) {
                    Ok(number) => usd::whole(number).map(Value::Usd),
                    Err(_) => Err(Fault::new("is more than can be counted")),
                }
            }
            (Self::Usd | Self::Dollars, DeValue::Float(number)) => {
                usd::parse(number.as_str()).map(Value::Usd)
            }
            (kind, other) if kind.is_list() || kind.is_number() || kind == Self::Switch => {
                Err(self.mismatch(found(other)))
            }
            (_, DeValue::String(text)) => Ok(Value::Text(text.clone().into_owned())),
            (_, other) => Err(self.mismatch(found(other))),
        };
        read.and_then(|value| self.settle(value)).map_err(|fault| (fault, None))
    }

    /// Takes a value out of an environment variable or a flag.
    pub(super) fn read_text(self, text: &str) -> Result<Value, Fault> {
        let value = match self {
            Self::Switch => switch(text)?,
            Self::Fraction => fraction(text)?,
            Self::Count | Self::Positive => Value::Count(count(text)?),
            Self::Usd | Self::Dollars => Value::Usd(usd::parse(text)?),
            kind if kind.is_list() => {
                Value::List(text.split(',').map(|name| name.trim().to_owned()).collect())
            }
            _ => Value::Text(text.to_owned()),
        };
        self.settle(value)
    }

    /// Holds a value to its kind and gives it its final form.
    pub(super) fn settle(self, value: Value) -> Result<Value, Fault> {
        match (self, value) {
            (Self::Fraction, Value::Fraction(number)) => match number {
                0.0..=1.0 => Ok(Value::Fraction(number)),
                _ => Err(Fault::new("must be from 0 to 1")),
            },
            (Self::Positive, Value::Count(0)) => Err(Fault::new("must be at least 1")),
            (Self::Count | Self::Positive, Value::Count(number)) => Ok(Value::Count(number)),
            (Self::Usd | Self::Dollars, Value::Usd(amount)) => Ok(Value::Usd(amount)),
            (Self::Switch, Value::Switch(on)) => Ok(Value::Switch(on)),
            (kind, Value::List(names)) if kind.is_list() => {
                if names.is_empty() {
                    return Err(Fault::new("must not be empty"));
                }
                names.iter().try_for_each(|name| self.settle_name(name))?;
                Ok(Value::List(names))
            }
            (kind, Value::Text(_)) if kind.is_list() || kind.is_number() || kind == Self::Switch => {
                Err(self.mismatch("a string"))
            }
            (_, Value::Text(text)) => self.settle_text(text).map(Value::Text),
            (_, Value::Fraction(_) | Value::Usd(_) | Value::Count(_)) => Err(self.mismatch("a number")),
            (_, Value::List(_)) => Err(self.mismatch("an array")),
            (_, Value::Switch(_)) => Err(self.mismatch("a boolean")),
        }
    }

    fn settle_text(self, text: String) -> Result<String, Fault> {
        if text.trim().is_empty() {
            return Err(Fault::new("must not be empty"));
        }
        match self {
            Self::Address if text.parse::<SocketAddr>().is_err() => {
                Err(Fault::new(format!("is not an IP address with a port: {}", echo(&text)))
                    .hint("write it like 127.0.0.1:4114"))
            }
            Self::Path if text.starts_with('~') => {
                Err(Fault::new("begins with `~`, which is not expanded here").hint("write the whole path"))
            }
            Self::Store => store(text),
            Self::OneOf(words) => one_of(&text, words).map(|()| text),
            Self::Provider => {
                one_of(&text, &ProviderKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
                    .map(|()| text)
            }
            Self::Url => Url::parse(&text).map(|url| url.to_string()),
            Self::Variable => variable(text),
            Self::Duration => duration::parse(&text).map(|_| text),
            _ => Ok(text),
        }
    }

    fn settle_name(self, name: &str) -> Result<(), Fault> {
        match self {
            _ if name.trim().is_empty() => Err(Fault::new("must not hold an empty name")),
            Self::Tasks => one_of(name, &Task::ALL.iter().map(|task| task.as_str()).collect::<Vec<_>>()),
            Self::Witnesses => witness(name).map(|_| ()),
            Self::Capabilities => {
                one_of(name, &Capability::ALL.iter().map(|can| can.as_str()).collect::<Vec<_>>())
            }
            Self::Patterns => pattern(name),
            Self::Dialects => {
                one_of(name, &Dialect::ALL.iter().map(|dialect| dialect.as_str()).collect::<Vec<_>>())
            }
            _ => Ok(()),
        }
    }

    /// Whether it holds several texts.
    fn is_list(self) -> bool {
        matches!(
            self,
            Self::Names
                | Self::Texts
                | Self::Witnesses
                | Self::Patterns
                | Self::Capabilities
                | Self::Tasks
                | Self::Dialects
        )
    }

    /// Whether it holds a number.
    fn is_number(self) -> bool {
        matches!(self, Self::Fraction | Self::Count | Self::Positive | Self::Usd | Self::Dollars)
    }

    fn mismatch(self, found: &str) -> Fault {
        let wanted = match self {
            Self::Switch => "`true` or `false`",
            Self::Fraction => "a number from 0 to 1",
            Self::Count | Self::Positive => "a whole number",
            Self::Usd => "a number of US dollars per million tokens",
            Self::Dollars => "a number of US dollars",
            Self::Duration => "a span of time such as \"10m\"",
            Self::Names => "an array of model names",
            Self::Texts => "an array of strings",
            Self::Witnesses => "an array of addresses with keys",
            Self::Patterns => "an array of regular expressions",
            Self::Capabilities => "an array of capability names",
            Self::Tasks => "an array of task names",
            Self::Dialects => "an array of dialect names",
            _ => "a string",
        };
        Fault::new(format!("must be {wanted}, found {found}"))
    }
}

/// A TOML value's type, with its article.
pub(super) fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

fn switch(text: &str) -> Result<Value, Fault> {
    match text.trim().parse() {
        Ok(on) => Ok(Value::Switch(on)),
        Err(_) => Err(Fault::new(format!("must be `true` or `false`, found {}", echo(text)))),
    }
}

fn fraction(text: &str) -> Result<Value, Fault> {
    match text.trim().parse() {
        Ok(number) => Ok(Value::Fraction(number)),
        Err(_) => Err(Fault::new(format!("is not a number: {}", echo(text)))),
    }
}

fn count(text: &str) -> Result<u64, Fault> {
    let hint = "write a whole number such as 8";
    text.trim().parse().map_err(|_| Fault::new(format!("is no whole number: {}", echo(text))).hint(hint))
}

fn pattern(text: &str) -> Result<(), Fault> {
    waymark_routing::check_pattern(text).map_err(|problem| {
        Fault::new(format!("holds {}, which is no regular expression: {problem}", echo(text)))
    })
}

fn number_from(digits: &str, radix: u32) -> Result<Value, Fault> {
    match i64::from_str_radix(digits, radix) {
        Ok(number) => Ok(Value::Fraction(number as f64)),
        Err(_) => Err(Fault::new("must be from 0 to 1")),
    }
}

fn one_of(text: &str, words: &[&str]) -> Result<(), Fault> {
    if words.contains(&text) {
        return Ok(());
    }
    let fault = Fault::new(format!("must be one of {}, found {}", words.join(", "), echo(text)));
    match closest(text, words) {
        Some(meant) => Err(fault.hint(format!("did you mean `{meant}`?"))),
        None => Err(fault),
    }
}

fn store(text: String) -> Result<String, Fault> {
    let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
    // The text is not repeated: a store's URL may carry a password.
    let holds_password = text
        .split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?']).next()?.rsplit_once('@'))
        .is_some_and(|(user, _)| user.contains(':'));
    if is_postgres && (holds_password || text.contains("password=")) {
        return Err(Fault::new("holds a password")
            .hint("leave it out, put it into an environment variable, and name that in store.password_env"));
    }
    if text == "sqlite" || is_postgres {
        Ok(text)
    } else {
        Err(Fault::new("must be `sqlite` or a postgres:// URL"))
    }
}

/// A witness as it is written: its address, a space and its key.
pub(super) fn witness(text: &str) -> Result<Witness, Fault> {
    let hint = "write the address and the key that the witness tells, like `https://witness.example name+1a2b3c4d+AAAA`";
    let Some((url, key)) = text.trim().split_once(' ') else {
        return Err(Fault::new(format!("is no address and key: {}", echo(text))).hint(hint));
    };
    let url = Url::parse(url)?.to_string();
    let key = cosignature::Verifier::from_text(key.trim())
        .map_err(|error| Fault::new(format!("names a witness by no key: {error}")).hint(hint))?;
    Ok(Witness { url, key })
}

fn variable(text: String) -> Result<String, Fault> {
    let name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if text.chars().all(name) && !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(text);
    }
    // The text is not repeated: whoever mistakes this key for the key itself has written a secret here.
    Err(Fault::new("must be the name of an environment variable: capitals, digits and `_`").hint(
        "if this is the key itself, move it out of the file into a variable and write that variable's name",
    ))
}
