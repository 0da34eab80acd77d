//! How the declarations of one unit fit together.

use std::collections::HashMap;

use syn::{Ident, Result};

use crate::ast::{Field, Kind, LocalUse, Release, Resources, Unit, Uses};
use crate::errors::Errors;
use crate::parse::signature::init_output;

/// Checks a parsed unit.
///
/// # Errors
/// Everything that does not fit.
pub fn unit(unit: &Unit) -> Result<()> {
    let mut errors = Errors::default();
    functions(unit, &mut errors);
    shared(unit, &mut errors);
    local(unit, &mut errors);
    channels(unit, &mut errors);
    errors.finish(())
}

/// Names of functions, and which functions there must be.
fn functions(unit: &Unit, errors: &mut Errors) {
    if let (Kind::Service, Some(idle)) = (unit.kind, &unit.idle) {
        errors.at(
            &idle.name,
            "only an app has an idle function: make this a task of low priority",
        );
    }
    let resources = unit.shared.is_some() || unit.local.is_some();
    if unit.init.is_none() && (unit.kind == Kind::App || resources) {
        let (name, word) = (&unit.name, unit.kind.word());
        let output = match init_output(unit.shared.as_ref(), unit.local.as_ref()) {
            nothing if nothing == "()" => String::new(),
            structs => format!(" -> {structs}"),
        };
        errors.at(
            name,
            format!("the {word} `{name}` has no init: write `#[init] fn init(cx: init::Context){output} {{ .. }}`"),
        );
    }
    let mut seen = Vec::new();
    let tasks = unit.tasks.iter().map(|t| &t.name);
    let others = unit.init.iter().chain(unit.idle.iter().map(|i| &i.name));
    for name in others.chain(tasks) {
        if seen.contains(&name) {
            errors.at(
                name,
                format!("`{name}` is the name of two functions: rename one"),
            );
        }
        seen.push(name);
    }
}

/// Shared resources exist, are used, and are either locked or read without a lock.
fn shared(unit: &Unit, errors: &mut Errors) {
    let fields = fields(&unit.shared);
    let mut used: HashMap<String, bool> = HashMap::new();
    for (_, uses) in unit.users() {
        let mut here = Vec::new();
        for one in &uses.shared {
            let name = one.name.to_string();
            if here.contains(&name) {
                errors.at(&one.name, format!("`{name}` is listed twice: keep one"));
            } else if !fields.iter().any(|f| f.name == one.name) {
                unknown(&one.name, "shared", "shared resource", &unit.shared, errors);
            } else if *used.entry(name.clone()).or_insert(one.read_only) != one.read_only {
                errors.at(
                    &one.name,
                    format!(
                        "`{name}` is locked by one function and read without a lock by another: write `{name}` in all, or `&{name}` in all"
                    ),
                );
            }
            here.push(name);
        }
    }
    let is_used = |field: &Field| used.contains_key(&field.name.to_string());
    unused(fields, is_used, "shared", errors);
}

/// Late locals exist and belong to exactly one function.
fn local(unit: &Unit, errors: &mut Errors) {
    let fields = fields(&unit.local);
    let mut used: Vec<&Ident> = Vec::new();
    for (_, uses) in unit.users() {
        let mut here: Vec<&Ident> = Vec::new();
        for one in &uses.local {
            let name = one.name();
            if here.contains(&name) {
                errors.at(name, format!("`{name}` is listed twice: keep one"));
                continue;
            }
            here.push(name);
            let LocalUse::Late(name) = one else { continue };
            if used.contains(&name) {
                errors.at(
                    name,
                    format!("`{name}` is already local to another function: make it shared, or give it to one"),
                );
            } else if !fields.iter().any(|f| f.name == *name) {
                unknown(name, "local", "local resource", &unit.local, errors);
            }
            used.push(name);
        }
    }
    unused(fields, |f| used.contains(&&f.name), "local", errors);
}

/// Channels exist, and each releases exactly one task.
fn channels(unit: &Unit, errors: &mut Errors) {
    let known = |name: &Ident| unit.channels.iter().any(|c| c.name == *name);
    for (_, Uses { channels, .. }) in unit.users() {
        for (i, one) in channels.iter().enumerate() {
            let name = &one.name;
            if !known(name) {
                errors.at(
                    name,
                    format!("there is no channel `{name}`: declare it in the #[channels] struct"),
                );
            } else if channels[..i].iter().any(|c| c.name == *name) {
                errors.at(name, format!("`{name}` is listed twice: keep one"));
            }
        }
    }
    let mut bound: Vec<&Ident> = Vec::new();
    for task in &unit.tasks {
        let Release::Channel { name, .. } = &task.release else {
            continue;
        };
        if bound.contains(&name) {
            errors.at(
                name,
                format!("mail on `{name}` already releases another task: use it here with `channels = [{name}]`"),
            );
        }
        bound.push(name);
    }
    for channel in &unit.channels {
        let name = &channel.name;
        if !bound.contains(&name) {
            errors.at(
                name,
                format!("mail on `{name}` releases no task: write `channel = {name}` on one"),
            );
        }
    }
}

fn fields(resources: &Option<Resources>) -> &[Field] {
    resources.as_ref().map_or(&[], |r| &r.fields)
}

/// Says that a name is no resource, and where it would have to be declared.
fn unknown(
    name: &Ident,
    attribute: &str,
    what: &str,
    resources: &Option<Resources>,
    errors: &mut Errors,
) {
    let help = match resources {
        Some(r) => format!("add it to `{}`", r.name),
        None => {
            let title = if attribute == "shared" {
                "Shared"
            } else {
                "Local"
            };
            format!("declare `#[{attribute}] struct {title} {{ {name}: Type }}`")
        }
    };
    let in_place = if attribute == "local" {
        format!(", or write `{name}: Type = value` here")
    } else {
        String::new()
    };
    errors.at(
        name,
        format!("there is no {what} `{name}`: {help}{in_place}"),
    );
}

/// A resource that nobody uses is a mistake, unless its name says otherwise.
fn unused(
    fields: &[Field],
    is_used: impl Fn(&Field) -> bool,
    attribute: &str,
    errors: &mut Errors,
) {
    for field in fields {
        let name = &field.name;
        if !is_used(field) && !name.to_string().starts_with('_') {
            errors.at(
                name,
                format!("nobody uses `{name}`: write `{attribute} = [{name}]` on a task, name it `_{name}`, or remove it"),
            );
        }
    }
}
