//! The arguments of `#[offsched::app(..)]` and `#[offsched::service]`.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitInt, Path, Result, Token, braced, token};

use crate::ast::{AppArgs, IdlePolicy, LEVEL_MAX, ServiceUse};
use crate::errors::Errors;
use crate::parse::args::{Arg, split};

/// How an inclusion is written.
const EXAMPLE: &str = "[timer = offsched_services::timer { base = 8 }]";

const APP_ARGS: [&str; 3] = ["overhead", "idle", "services"];

/// Reads an app's arguments.
///
/// # Errors
/// Unknown or malformed arguments; the same instance name twice.
pub fn app_args(tokens: TokenStream) -> Result<AppArgs> {
    let mut errors = Errors::default();
    let mut app = AppArgs::default();
    for arg in split(tokens, "an app", &APP_ARGS, &mut errors).known {
        match arg.name.to_string().as_str() {
            "overhead" => app.overhead = errors.take(arg.time()),
            "idle" => app.idle = errors.take(idle_policy(&arg)).unwrap_or_default(),
            _ => {
                let services = errors.take(arg.list::<ServiceUse>(EXAMPLE));
                app.services = services.unwrap_or_default();
            }
        }
    }
    for (i, service) in app.services.iter().enumerate() {
        if app.services[..i].iter().any(|s| s.name == service.name) {
            errors.at(
                &service.name,
                format!(
                    "two services are named `{0}`: give each instance a name of its own, such as `{0}2`",
                    service.name
                ),
            );
        }
    }
    errors.finish(app)
}

/// Reads `poll` or `halt`.
fn idle_policy(arg: &Arg) -> Result<IdlePolicy> {
    let value = arg.value("halt")?;
    let word = syn::parse2::<Ident>(value.clone()).map(|word| word.to_string());
    match word.as_deref() {
        Ok("poll") => Ok(IdlePolicy::Poll),
        Ok("halt") => Ok(IdlePolicy::Halt),
        _ => Err(Error::new_spanned(value, "`idle` is one of poll, halt")),
    }
}

/// Checks that a service has no arguments.
///
/// # Errors
/// It has some.
pub fn service_args(tokens: TokenStream) -> Result<()> {
    if tokens.is_empty() {
        return Ok(());
    }
    Err(Error::new_spanned(
        tokens,
        "a service takes no arguments: the app that includes it sets its base",
    ))
}

impl Parse for ServiceUse {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let ahead = input.fork();
        if ahead.parse::<Path>().is_ok() && !ahead.peek(Token![=]) {
            let path: Path = input.parse()?;
            let last = path.segments.last().map(|s| s.ident.to_string());
            let last = last.unwrap_or_default();
            return Err(Error::new_spanned(
                &path,
                format!("an included service needs a name: write `{last} = ` before the path"),
            ));
        }
        let name: Ident = input.parse()?;
        input.parse::<Token![=]>()?;
        let path = Path::parse_mod_style(input)?;
        let (mut base, mut base_at) = (0, name.span());
        if input.peek(token::Brace) {
            let content;
            braced!(content in input);
            (base, base_at) = parse_base(&content)?;
        }
        Ok(Self {
            name,
            path,
            base,
            base_at,
        })
    }
}

/// Reads `base = 8`.
fn parse_base(content: ParseStream<'_>) -> Result<(u8, proc_macro2::Span)> {
    let mut errors = Errors::default();
    let args = split(content.parse()?, "a service", &["base"], &mut errors);
    errors.finish(())?;
    match args.known.first() {
        Some(arg) => {
            let base = arg.number(0, u64::from(LEVEL_MAX) - 1)?;
            let literal: LitInt = syn::parse2(arg.value("8")?)?;
            Ok((u8::try_from(base).unwrap_or(LEVEL_MAX), literal.span()))
        }
        None => Err(content.error("write `base = 8`, or leave the braces out")),
    }
}
