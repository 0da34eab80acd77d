//! The C header of the boundary, `devnode/kmod/offsched_abi.h`, written from `executive/abi`.
//!
//! ```text
//!  executive/abi's text   -- cbindgen -->  structures, enums, plain constants  \  names, tidy -->  header
//!  executive/abi compiled -- layout   -->  computed constants, static asserts  /
//! ```
//! cbindgen reads the text of the Rust types; sizes, offsets and computed constants are what the
//! Rust compiler made of them. A C compiler that lays anything out differently stops at an assert.
//!
//! `cargo xtask header` writes the file; a test of this package fails when it is stale.

mod layout;
mod names;
mod tidy;

use std::path::PathBuf;

use cbindgen::{
    Builder, Config, DocumentationStyle, EnumConfig, Language, LayoutConfig, RenameRule, Style,
};

/// The command that writes the header.
pub const COMMAND: &str = "cargo xtask header";

/// Types that the header has; what they contain comes along.
const TYPES: &[&str] = &[
    "Header",
    "ServiceEntry",
    "ChannelState",
    "Phase",
    "CoreTelemetry",
    "TaskTelemetry",
    "ControlPage",
    "Console",
    "Params",
    "ImageInfo",
    "Request",
    "Reply",
    "Bind",
    "CoreStatus",
    "Load",
    "Limit",
    "Segment",
    "Stage",
    "State",
    "CrashKind",
    "TraceEnd",
    "Status",
];

const HEAD: &str = "\
/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * What crosses the boundary between an offloaded core and Linux: written from
 * executive/abi by `cargo xtask header`. Change it there.
 *
 * Words that two sides share are plain integers here: reach them by atomic
 * accesses of their size (ring_words.h has them).
 */
#ifndef OFFSCHED_ABI_H
#define OFFSCHED_ABI_H

#ifdef __KERNEL__
#include <linux/stddef.h>
#else
#include <stddef.h>
#endif
#include <linux/types.h>

#define OFFSCHED_ALIGNED(bytes)	__attribute__((aligned(bytes)))
";

/// Where the header is.
pub fn path() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "kmod", "offsched_abi.h"]
        .iter()
        .collect()
}

/// The header's text.
///
/// # Errors
/// A sentence, if `executive/abi` cannot be read or is not what cbindgen understands.
pub fn text() -> Result<String, String> {
    let declarations = declarations()?;
    let computed = layout::COMPUTED.iter().map(|(name, ..)| *name);
    let names = names::Names::of(&declarations, computed);
    let parts = [
        HEAD.to_owned(),
        layout::constants(),
        tidy::tidy(&names.in_c(&declarations)).trim().to_owned() + "\n",
        layout::asserts(&names),
        "#endif\n".to_owned(),
    ];
    Ok(parts.join("\n"))
}

/// What cbindgen makes of `executive/abi`.
fn declarations() -> Result<String, String> {
    let abi: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "executive", "abi"]
        .iter()
        .collect();
    let mut config = Config {
        language: Language::C,
        style: Style::Tag,
        no_includes: true,
        tab_width: tidy::TAB,
        documentation_style: DocumentationStyle::C,
        layout: LayoutConfig {
            aligned_n: Some("OFFSCHED_ALIGNED".to_owned()),
            ..LayoutConfig::default()
        },
        enumeration: EnumConfig {
            rename_variants: RenameRule::ScreamingSnakeCase,
            prefix_with_name: true,
            ..EnumConfig::default()
        },
        ..Config::default()
    };
    config.export.include = TYPES.iter().map(ToString::to_string).collect();
    let bindings = Builder::new()
        .with_crate(&abi)
        .with_config(config)
        .generate()
        .map_err(|error| format!("cannot read {}: {error}", abi.display()))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).map_err(|error| format!("cbindgen wrote no text: {error}"))
}
