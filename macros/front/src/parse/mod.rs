//! From tokens to [`Unit`]: finds the helper attributes in a module and reads what they mark.

mod app;
mod args;
mod resources;
pub mod signature;
mod task;
mod task_check;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Block, Ident, Item, ItemFn, ItemMod, ItemStruct, Meta, Result};

pub use self::app::{app_args, service_args};
use crate::ast::{Kind, Unit};
use crate::errors::Errors;

/// The attributes that mean something inside of an app or a service.
const HELPERS: [&str; 6] = ["shared", "local", "channels", "init", "idle", "task"];

/// A module while it is read: functions wait until all structs are known.
struct Reader {
    unit: Unit,
    functions: Vec<(Attribute, ItemFn)>,
    errors: Errors,
}

/// Reads an annotated module.
///
/// # Errors
/// Everything that is wrong with any one declaration. How declarations fit together is [`crate::check`]'s.
pub fn unit(kind: Kind, module: ItemMod) -> Result<Unit> {
    let name = &module.ident;
    let Some((_, items)) = module.content else {
        return Err(syn::Error::new_spanned(
            name,
            format!(
                "the whole {0} must be in one place: write `mod {name} {{ .. }}`",
                kind.word()
            ),
        ));
    };
    let mut reader = Reader {
        unit: Unit {
            kind,
            attrs: module.attrs,
            vis: module.vis,
            name: module.ident,
            items: Vec::new(),
            shared: None,
            local: None,
            channels: Vec::new(),
            init: None,
            idle: None,
            tasks: Vec::new(),
            declarations: TokenStream::new(),
        },
        functions: Vec::new(),
        errors: Errors::default(),
    };
    for item in items {
        reader.item(item);
    }
    reader.functions();
    reader.errors.finish(reader.unit)
}

impl Kind {
    /// How messages call it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::App => "app",
            Kind::Service => "service",
        }
    }
}

impl Reader {
    fn item(&mut self, mut item: Item) {
        let Some(helper) = take_helper(&mut item, &mut self.errors) else {
            self.unit.items.push(item);
            return;
        };
        let is_function = ["init", "idle", "task"]
            .iter()
            .any(|w| helper.path().is_ident(w));
        match item {
            Item::Struct(item) if !is_function => self.structure(helper, item),
            Item::Fn(item) if is_function => {
                self.functions.push((helper, item));
            }
            item => {
                let wanted = if is_function {
                    "a function"
                } else {
                    "a struct"
                };
                let word = helper.path().to_token_stream();
                self.errors
                    .at(&helper, format!("`#[{word}]` goes on {wanted}"));
                self.unit.items.push(item);
            }
        }
    }

    fn structure(&mut self, helper: Attribute, item: ItemStruct) {
        let declaration = resources::declaration(&item, &helper);
        self.unit.declarations.extend(declaration);
        if helper.path().is_ident("channels") {
            if !self.unit.channels.is_empty() {
                self.twice(&helper, &item.ident);
            }
            self.unit.channels = resources::channels(&item, &mut self.errors);
            return;
        }
        let resources = resources::resources(&item, &mut self.errors);
        let is_shared = helper.path().is_ident("shared");
        let slot = if is_shared {
            &mut self.unit.shared
        } else {
            &mut self.unit.local
        };
        if slot.replace(resources).is_some() {
            self.twice(&helper, &item.ident);
        }
        self.unit.items.push(Item::Struct(item));
    }

    fn functions(&mut self) {
        for (helper, item) in std::mem::take(&mut self.functions) {
            self.unit.declarations.extend(declaration(&helper, &item));
            self.function(&helper, &item);
            self.unit.items.push(Item::Fn(item));
        }
    }

    fn function(&mut self, helper: &Attribute, item: &ItemFn) {
        let errors = &mut self.errors;
        let tokens = errors.take(attribute_tokens(helper)).unwrap_or_default();
        let name = item.sig.ident.clone();
        if helper.path().is_ident("task") {
            let signature = signature::task(item, errors);
            self.unit.tasks.push(task::task(tokens, signature, errors));
        } else if helper.path().is_ident("idle") {
            signature::idle(item, errors);
            let idle = task::idle(tokens, name.clone(), errors);
            if self.unit.idle.replace(idle).is_some() {
                self.twice(helper, &name);
            }
        } else {
            if !tokens.is_empty() {
                errors.at(&tokens, "init takes no arguments: it creates the resources");
            }
            let (shared, local) = (self.unit.shared.as_ref(), self.unit.local.as_ref());
            signature::init(item, shared, local, errors);
            if self.unit.init.replace(name.clone()).is_some() {
                self.twice(helper, &name);
            }
        }
    }

    fn twice(&mut self, helper: &Attribute, at: &Ident) {
        let word = helper.path().to_token_stream();
        let kind = self.unit.kind.word();
        self.errors.at(
            at,
            format!("this is the second `#[{word}]`: the {kind} has one"),
        );
    }
}

/// Removes the helper attribute from an item and returns it.
fn take_helper(item: &mut Item, errors: &mut Errors) -> Option<Attribute> {
    let attrs = match item {
        Item::Fn(item) => &mut item.attrs,
        Item::Struct(item) => &mut item.attrs,
        Item::Enum(item) => &mut item.attrs,
        Item::Static(item) => &mut item.attrs,
        Item::Mod(item) => &mut item.attrs,
        Item::Type(item) => &mut item.attrs,
        _ => return None,
    };
    let is_helper = |a: &mut Attribute| HELPERS.iter().any(|h| a.path().is_ident(h));
    let mut found: Vec<Attribute> = attrs.extract_if(.., is_helper).collect();
    for second in found.iter().skip(1) {
        errors.at(second, "one of these attributes is enough: remove this one");
    }
    found.truncate(1);
    found.pop()
}

/// The tokens between the parentheses of an attribute, if it has any.
pub(crate) fn attribute_tokens(attribute: &Attribute) -> Result<TokenStream> {
    match &attribute.meta {
        Meta::Path(_) => Ok(TokenStream::new()),
        Meta::List(list) => Ok(list.tokens.clone()),
        Meta::NameValue(pair) => {
            let word = pair.path.to_token_stream();
            Err(syn::Error::new_spanned(
                pair,
                format!("write `#[{word}(name = value, ..)]`"),
            ))
        }
    }
}

/// The function as an app that includes the service needs it: without its body.
fn declaration(helper: &Attribute, item: &ItemFn) -> TokenStream {
    let mut item = item.clone();
    item.attrs = vec![helper.clone()];
    *item.block = Block {
        brace_token: item.block.brace_token,
        stmts: Vec::new(),
    };
    quote!(#item)
}
