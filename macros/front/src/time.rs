//! Durations as users write them: one literal with a unit, `100us`.
//!
//! They have to be literals, since the analysis runs before rustc knows the value of any constant.

use offsched_analysis::Time as Display;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Error, Lit, Result};

/// Units and their lengths in nanoseconds.
const UNITS: [(&str, u64); 4] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
];

/// The arguments that are whole microseconds: see [`Time::us`].
const IN_TICKS: [&str; 5] = ["period", "offset", "min_interval", "deadline", "jitter"];

/// Longest duration on the schedule: what a `u32` of microseconds holds.
const LONGEST_US: u64 = u32::MAX as u64;

/// A duration and where it was written.
#[derive(Clone, Debug)]
pub struct Time {
    /// Nanoseconds.
    pub ns: u64,
    /// The literal.
    pub span: Span,
}

impl Time {
    /// Parses the value of the argument `name`; `at` is where to point if there is none.
    ///
    /// # Errors
    /// Says what to write instead, if this is no literal with a known unit.
    pub fn parse(name: &str, at: Span, value: TokenStream) -> Result<Self> {
        let mut tokens = value.clone().into_iter();
        let Some(first) = tokens.next() else {
            return Err(Error::new(
                at,
                format!("`{name}` needs a value: write `{name} = 100us`"),
            ));
        };
        let rest: Vec<TokenTree> = tokens.collect();
        if let (TokenTree::Punct(sign), [TokenTree::Literal(length)]) = (&first, &rest[..])
            && sign.as_char() == '-'
        {
            return Err(Error::new_spanned(
                value,
                format!("`{name}` cannot be negative: write `{length}`"),
            ));
        }
        match (syn::parse2::<Lit>(first.into_token_stream()), &rest[..]) {
            (Ok(literal), []) => Self::from_literal(name, &literal),
            (Ok(number @ (Lit::Int(_) | Lit::Float(_))), [TokenTree::Ident(word)]) => {
                let number = number.into_token_stream();
                let message = match unit(&word.to_string()) {
                    Some(_) => format!(
                        "number and unit are one literal, without a blank: write `{number}{word}`"
                    ),
                    None => format!("`{word}` is no unit of time: the units are ns, us, ms, s"),
                };
                Err(Error::new_spanned(value, message))
            }
            (Ok(Lit::Int(number)), [_dot, TokenTree::Ident(method), ..]) => {
                let unit = unit_of_method(&method.to_string());
                let write = format!("{}{unit}", number.base10_digits());
                Err(Error::new_spanned(
                    value,
                    format!("durations are literals with a unit here: write `{write}`"),
                ))
            }
            _ => Err(Error::new_spanned(
                value,
                format!(
                    "`{name}` must be a literal such as `100us`: the analysis runs before constants have values"
                ),
            )),
        }
    }

    /// The value in whole microseconds, for what the schedule counts.
    ///
    /// # Errors
    /// Not a whole number of ticks, or more than the schedule can count.
    pub fn us(&self, name: &str) -> Result<u32> {
        let us = self.ns / 1000;
        if !self.ns.is_multiple_of(1000) {
            let up = Display(u128::from(us + 1) * 1000);
            return Err(Error::new(
                self.span,
                format!(
                    "`{name}` must be whole microseconds, the tick of the schedule: write `{up}`"
                ),
            ));
        }
        u32::try_from(us).map_err(|_| {
            Error::new(
                self.span,
                format!("`{name}` is too long: the schedule counts up to {LONGEST_US}us"),
            )
        })
    }

    /// The value as text.
    pub fn show(&self) -> Display {
        Display(u128::from(self.ns))
    }

    fn from_literal(name: &str, literal: &Lit) -> Result<Self> {
        let wrong = |message: String| Err(Error::new_spanned(literal, message));
        match literal {
            Lit::Int(number) => {
                let digits = number.base10_digits();
                let Some(unit) = unit(number.suffix()) else {
                    return wrong(match number.suffix() {
                        "" => format!(
                            "`{name}` needs a unit: write `{digits}us` (the units are ns, us, ms, s)"
                        ),
                        suffix => {
                            format!("`{suffix}` is no unit of time: the units are ns, us, ms, s")
                        }
                    });
                };
                let value = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
                match value.filter(|ns| *ns / 1000 <= LONGEST_US) {
                    Some(ns) => Ok(Self {
                        ns,
                        span: number.span(),
                    }),
                    None => wrong(format!(
                        "`{name}` is too long: the schedule counts up to {LONGEST_US}us"
                    )),
                }
            }
            Lit::Float(number) => {
                let Some(unit) = unit(number.suffix()) else {
                    return wrong(format!(
                        "`{name}` is a whole number with a unit, such as `100us`: the units are ns, us, ms, s"
                    ));
                };
                let value = number.base10_parse::<f64>().unwrap_or(0.0);
                // Never zero, which would be refused in its turn.
                let ns = (value * unit as f64).round().max(1.0) as u128;
                let write = whole(ns, IN_TICKS.contains(&name));
                wrong(format!("durations are whole numbers: write `{write}`"))
            }
            _ => wrong(format!(
                "`{name}` must be a duration: write `100us`, without quotes"
            )),
        }
    }
}

/// A duration as a literal with a whole number; if it belongs to the schedule, rounded up to its tick.
fn whole(ns: u128, in_ticks: bool) -> String {
    if in_ticks || ns.is_multiple_of(1000) {
        format!("{}us", ns.div_ceil(1000))
    } else {
        format!("{ns}ns")
    }
}

/// Nanoseconds in a unit.
fn unit(suffix: &str) -> Option<u64> {
    let found = UNITS.iter().find(|(name, _)| *name == suffix);
    found.map(|(_, ns)| *ns)
}

/// The unit meant by the name of a method such as `micros`.
fn unit_of_method(method: &str) -> &'static str {
    match method {
        m if m.starts_with("nano") => "ns",
        m if m.starts_with("milli") => "ms",
        m if m.starts_with("sec") => "s",
        _ => "us",
    }
}
