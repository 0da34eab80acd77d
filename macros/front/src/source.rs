//! Apps found in source files, for `offsched analyse`: the same parser and the same analysis, with no compiler.

use std::fmt;

use offsched_analysis::Report;
use quote::ToTokens;
use syn::{Attribute, Item, ItemMod};

use crate::ast::{Kind, ServiceUse, Unit};
use crate::system::System;
use crate::{check, parse};

/// The analysis of one app.
#[derive(Clone, Debug)]
pub struct AppReport {
    /// Name of the app's module.
    pub name: String,
    /// Line of the source on which it begins.
    pub line: usize,
    /// Response times.
    pub report: Report,
}

/// Why a source could not be analysed: all that is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Which file: 0 is the source itself, 1 the first of the services' sources, and so on.
    pub file: usize,
    /// What is wrong with it.
    pub messages: Vec<Message>,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong, and what to write instead.
    pub text: String,
}

/// An annotated module and the file in which it was found.
struct Found {
    file: usize,
    attribute: Attribute,
    module: ItemMod,
}

/// Analyses every `#[offsched::app]` in `source`. The `services` are further sources, in which the modules of included
/// services are looked for by the last segment of their paths.
///
/// An app that can miss a deadline is no error here: its report says so.
///
/// # Errors
/// A source is no Rust, an app or service is malformed, or an included service is in no given source.
pub fn analyse_source(source: &str, services: &[&str]) -> Result<Vec<AppReport>, Error> {
    let (mut apps, mut known) = (Vec::new(), Vec::new());
    for (file, text) in std::iter::once(&source).chain(services).enumerate() {
        let items = syn::parse_file(text).map_err(in_file(file))?.items;
        if file == 0 {
            annotated(file, items.clone(), "app", &mut apps);
        }
        annotated(file, items, "service", &mut known);
    }
    apps.into_iter().map(|app| analyse(app, &known)).collect()
}

fn analyse(app: Found, known: &[Found]) -> Result<AppReport, Error> {
    let line = app.module.ident.span().start().line;
    let args = parse::attribute_tokens(&app.attribute).and_then(parse::app_args);
    let args = args.map_err(in_file(app.file))?;
    let app = unit(Kind::App, app.file, app.module)?;
    let services = args.services.iter().map(|service| find(service, known));
    let system = System {
        services: services.collect::<Result<Vec<Unit>, Error>>()?,
        args,
        app,
    };
    system.check().map_err(in_file(0))?;
    Ok(AppReport {
        name: system.app.name.to_string(),
        line,
        report: system.analyse(),
    })
}

/// The unit of an included service.
fn find(service: &ServiceUse, known: &[Found]) -> Result<Unit, Error> {
    let wanted = service.path.segments.last().map(|s| &s.ident);
    let found = known.iter().find(|f| Some(&f.module.ident) == wanted);
    let Some(found) = found else {
        let path = service.path.to_token_stream().to_string().replace(' ', "");
        let error = syn::Error::new_spanned(
            &service.path,
            format!(
                "the app includes `{path}`, which is in none of the given files: give the file with its `#[offsched::service] mod {}` too",
                wanted.map(ToString::to_string).unwrap_or_default()
            ),
        );
        return Err(in_file(0)(error));
    };
    unit(Kind::Service, found.file, found.module.clone())
}

fn unit(kind: Kind, file: usize, module: ItemMod) -> Result<Unit, Error> {
    let unit = parse::unit(kind, module).map_err(in_file(file))?;
    check::unit(&unit).map_err(in_file(file))?;
    Ok(unit)
}

/// All modules with the attribute `offsched::word`, at any depth.
fn annotated(file: usize, items: Vec<Item>, word: &str, found: &mut Vec<Found>) {
    for item in items {
        let Item::Mod(mut module) = item else {
            continue;
        };
        let is_ours = |a: &mut Attribute| {
            let path = a.path().to_token_stream().to_string().replace(' ', "");
            path.trim_start_matches("::") == format!("offsched::{word}") || path == word
        };
        let attribute = module.attrs.extract_if(.., is_ours).next();
        match attribute {
            Some(attribute) => found.push(Found {
                file,
                attribute,
                module,
            }),
            None => {
                if let Some((_, items)) = module.content {
                    annotated(file, items, word, found);
                }
            }
        }
    }
}

/// Turns the parser's error into one of this file.
fn in_file(file: usize) -> impl Fn(syn::Error) -> Error {
    move |error| {
        let messages = error.into_iter().map(|error| {
            let start = error.span().start();
            Message {
                line: start.line,
                column: start.column + 1,
                text: error.to_string(),
            }
        });
        Error {
            file,
            messages: messages.collect(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, message) in self.messages.iter().enumerate() {
            let end = if i + 1 < self.messages.len() {
                "\n"
            } else {
                ""
            };
            let Message { line, column, text } = message;
            write!(f, "{line}:{column}: {text}{end}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl fmt::Display for AppReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "app `{}`, line {}", self.name, self.line)?;
        self.report.fmt(f)
    }
}
