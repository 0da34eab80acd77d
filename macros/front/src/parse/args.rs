//! Attribute arguments: `name`, `name = value`, separated by commas.
//!
//! Split by hand and not by a grammar, so that an error in one argument does not hide the errors in the others.

use std::collections::HashSet;

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, Parser};
use syn::punctuated::Punctuated;
use syn::{Error, LitBool, LitInt, Result, Token, parenthesized, token};

use crate::ast::{ChannelUse, LocalUse, SharedUse};
use crate::errors::Errors;
use crate::time::Time;

/// One argument.
pub struct Arg {
    /// Its name.
    pub name: Ident,
    /// What follows the `=`; none if there is no `=`.
    pub value: Option<TokenStream>,
}

/// The arguments of one attribute.
pub struct Args {
    /// Those that are known.
    pub known: Vec<Arg>,
    /// Some were not: what seems to be missing may be one of them.
    pub has_unknown: bool,
}

/// Splits the arguments of `what`; reports unknown and repeated names and leaves them out.
pub fn split(tokens: TokenStream, what: &str, known: &[&str], errors: &mut Errors) -> Args {
    let mut args = Vec::new();
    let mut has_unknown = false;
    let mut seen = HashSet::new();
    for piece in pieces(tokens, errors) {
        let Some(arg) = errors.take(argument(piece, what)) else {
            has_unknown = true;
            continue;
        };
        let name = arg.name.to_string();
        if !known.contains(&name.as_str()) {
            has_unknown = true;
            let list = known.join(", ");
            let message = match closest(&name, known) {
                Some(close) => format!("{what} has no argument `{name}`: did you mean `{close}`?"),
                None => format!("{what} has no argument `{name}`; it takes {list}"),
            };
            errors.at(&arg.name, message);
        } else if !seen.insert(name.clone()) {
            errors.at(&arg.name, format!("`{name}` is given twice: keep one"));
        } else {
            args.push(arg);
        }
    }
    Args {
        known: args,
        has_unknown,
    }
}

impl Arg {
    /// The value, which must be there.
    ///
    /// # Errors
    /// There is none; `example` is what to write.
    pub fn value(&self, example: &str) -> Result<TokenStream> {
        let missing = || {
            let name = &self.name;
            Error::new_spanned(
                name,
                format!("`{name}` needs a value: write `{name} = {example}`"),
            )
        };
        self.value
            .clone()
            .filter(|v| !v.is_empty())
            .ok_or_else(missing)
    }

    /// A duration.
    ///
    /// # Errors
    /// See [`Time::parse`].
    pub fn time(&self) -> Result<Time> {
        let value = self.value("100us")?;
        Time::parse(&self.name.to_string(), self.name.span(), value)
    }

    /// A whole number in a range.
    ///
    /// # Errors
    /// No number, or outside of the range.
    pub fn number(&self, least: u64, most: u64) -> Result<u64> {
        let name = &self.name;
        let value = self.value(&least.to_string())?;
        let wrong = || format!("`{name}` must be a whole number between {least} and {most}");
        let literal: LitInt =
            syn::parse2(value.clone()).map_err(|_| Error::new_spanned(&value, wrong()))?;
        match literal.base10_parse::<u64>() {
            Ok(n) if (least..=most).contains(&n) && literal.suffix().is_empty() => Ok(n),
            _ => Err(Error::new_spanned(&value, wrong())),
        }
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// Anything else.
    pub fn bool(&self) -> Result<bool> {
        let value = self.value("false")?;
        syn::parse2::<LitBool>(value.clone())
            .map(|b| b.value)
            .map_err(|_| Error::new_spanned(value, format!("`{}` is true or false", self.name)))
    }

    /// A list in brackets.
    ///
    /// # Errors
    /// No brackets, or an entry that does not parse.
    pub fn list<T: Parse>(&self, example: &str) -> Result<Vec<T>> {
        let value = self.value(example)?;
        let mut tokens = value.clone().into_iter();
        match (tokens.next(), tokens.next()) {
            (Some(TokenTree::Group(g)), None)
                if g.delimiter() == proc_macro2::Delimiter::Bracket =>
            {
                let parser = Punctuated::<T, Token![,]>::parse_terminated;
                Ok(parser.parse2(g.stream())?.into_iter().collect())
            }
            _ => Err(Error::new_spanned(
                value,
                format!("`{0}` is a list: write `{0} = {example}`", self.name),
            )),
        }
    }
}

/// Cuts tokens at commas. A semicolon is an error and cuts too, so that what follows is no part of the value before.
fn pieces(tokens: TokenStream, errors: &mut Errors) -> Vec<Vec<TokenTree>> {
    let mut pieces = vec![Vec::new()];
    for token in tokens {
        match &token {
            TokenTree::Punct(p) if matches!(p.as_char(), ',' | ';') => {
                if p.as_char() == ';' {
                    errors.at(p, "arguments are separated by commas: write `,`");
                }
                pieces.push(Vec::new());
            }
            _ => pieces.last_mut().expect("never empty").push(token),
        }
    }
    pieces.retain(|p| !p.is_empty());
    pieces
}

/// Reads `name` or `name = value`.
fn argument(piece: Vec<TokenTree>, what: &str) -> Result<Arg> {
    let all = TokenStream::from_iter(piece.iter().cloned());
    let mut tokens = piece.into_iter();
    let wrong = || {
        let message = format!("the arguments of {what} have the form `name = value`");
        Err(Error::new_spanned(&all, message))
    };
    let Some(TokenTree::Ident(name)) = tokens.next() else {
        return wrong();
    };
    match tokens.next() {
        None => Ok(Arg { name, value: None }),
        Some(TokenTree::Punct(p)) if p.as_char() == '=' => Ok(Arg {
            name,
            value: Some(tokens.collect()),
        }),
        Some(_) => wrong(),
    }
}

/// The known name that differs from a mistyped one by at most two letters.
fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|k| (distance(name, k), *k)).min();
    near.filter(|(d, _)| *d <= 2).map(|(_, k)| k)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Reads the name of one entry of the list `list`.
fn entry(list: &str, input: syn::parse::ParseStream<'_>) -> Result<Ident> {
    let name: Ident = input.parse().map_err(|error| {
        let message = format!("`{list}` is a list of names: write `{list} = [name]`");
        Error::new(error.span(), message)
    })?;
    if !input.peek(Token![.]) {
        return Ok(name);
    }
    let (dot, part) = (input.parse::<Token![.]>()?, input.parse::<TokenTree>()?);
    Err(Error::new_spanned(
        quote!(#name #dot #part),
        format!("`{list}` lists whole fields and not parts of them: write `{name}`"),
    ))
}

/// Reads the `(2us)` after a name.
fn hold(name: &Ident, input: syn::parse::ParseStream<'_>) -> Result<Option<Time>> {
    if !input.peek(token::Paren) {
        return Ok(None);
    }
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        let message = format!("`{name}()` lacks the longest hold: write `{name}(2us)`");
        return Err(Error::new_spanned(name, message));
    }
    let tokens: TokenStream = content.parse()?;
    let what = format!("{name}(..)");
    Time::parse(&what, name.span(), tokens).map(Some)
}

impl Parse for SharedUse {
    fn parse(input: syn::parse::ParseStream<'_>) -> Result<Self> {
        let reference = input.parse::<Option<Token![&]>>()?;
        let mutable = input.parse::<Option<Token![mut]>>()?;
        let name = entry("shared", input)?;
        if mutable.is_some() {
            return Err(Error::new_spanned(
                quote!(#reference #mutable #name),
                format!(
                    "a shared resource is changed under its lock: write `{name}`, and `cx.shared.{name}.lock(..)` in the function"
                ),
            ));
        }
        let read_only = reference.is_some();
        if input.peek(Token![:]) {
            return Err(Error::new_spanned(
                &name,
                format!(
                    "shared resources are declared as fields of the #[shared] struct: write only `{name}` here"
                ),
            ));
        }
        let hold = hold(&name, input)?;
        if let (true, Some(hold)) = (read_only, &hold) {
            return Err(Error::new(
                hold.span,
                format!("`&{name}` is read without a lock and is never held: write `&{name}`"),
            ));
        }
        Ok(Self {
            name,
            read_only,
            hold,
        })
    }
}

impl Parse for LocalUse {
    fn parse(input: syn::parse::ParseStream<'_>) -> Result<Self> {
        let name = entry("local", input)?;
        if !input.peek(Token![:]) {
            return Ok(LocalUse::Late(name));
        }
        input.parse::<Token![:]>()?;
        let ty: Box<syn::Type> = input.parse()?;
        if !input.peek(Token![=]) {
            return Err(Error::new_spanned(
                &name,
                format!(
                    "`{name}` needs an initial value: write `{name}: {} = ..`",
                    ty.to_token_stream()
                ),
            ));
        }
        input.parse::<Token![=]>()?;
        let value = Box::new(input.parse()?);
        Ok(LocalUse::Declared { name, ty, value })
    }
}

impl Parse for ChannelUse {
    fn parse(input: syn::parse::ParseStream<'_>) -> Result<Self> {
        let name = entry("channels", input)?;
        let hold = hold(&name, input)?;
        Ok(Self { name, hold })
    }
}
