//! From a schema's text to descriptors. Imports are the registered references and what is built in; nothing is read from
//! elsewhere.

use super::built_in;
use crate::registry::RegisteredSchema;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{DescriptorPool, FileDescriptor, MessageDescriptor};
use protox::file::{File, FileResolver, GoogleFileResolver};

/// The name under which the schema itself is compiled.
const SELF: &str = "default.proto";
/// Messages, options and types in one another: a parser that calls itself has to stop somewhere.
const DEPTH_MAX: usize = 100;

/// Compiles a schema.
///
/// # Errors
/// What is wrong with it, in one line.
pub(super) fn compile(schema: &RegisteredSchema) -> Result<FileDescriptor, String> {
    let pool = pool(schema)?;
    let file = pool.get_file_by_name(SELF);
    file.ok_or_else(|| "the compiled file is not there".to_owned())
}

fn pool(schema: &RegisteredSchema) -> Result<DescriptorPool, String> {
    check_depth(&schema.text)?;
    for reference in &schema.references {
        check_depth(&reference.text).map_err(|problem| format!("{}: {problem}", reference.name))?;
    }
    let mut compiler = protox::Compiler::with_file_resolver(Resolver(schema.clone()));
    compiler
        .include_imports(true)
        .open_file(SELF)
        .map_err(|error| one_line(&error))?;
    Ok(compiler.descriptor_pool())
}

/// An error with its causes.
fn one_line(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether brackets stand in one another too deep, those in comments and texts included: no one means so many.
fn check_depth(text: &str) -> Result<(), String> {
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' | b'<' => depth += 1,
            b'}' | b']' | b')' | b'>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return Err(format!(
                "its parts stand in one another more than {DEPTH_MAX} deep"
            ));
        }
    }
    Ok(())
}

struct Resolver(RegisteredSchema);

impl FileResolver for Resolver {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == SELF {
            return read(name, &self.0.text);
        }
        let reference = self.0.references.iter().find(|one| one.name == name);
        if let Some(reference) = reference {
            return read(name, &reference.text);
        }
        match built_in::file(name) {
            Some(source) => File::from_source(name, &source),
            None => GoogleFileResolver::new().open_file(name),
        }
    }
}

/// Reads a file as text; a registry may also hold a serialized descriptor, in Base64.
fn read(name: &str, text: &str) -> Result<File, protox::Error> {
    let serialized = STANDARD.decode(text.trim()).ok();
    let descriptor =
        serialized.and_then(|bytes| File::decode_file_descriptor_proto(&bytes[..]).ok());
    match descriptor {
        Some(file) => {
            let mut descriptor = file.file_descriptor_proto().clone();
            check_syntax(descriptor.syntax.as_deref())?;
            descriptor.name = Some(name.to_owned());
            Ok(File::from_file_descriptor_proto(descriptor))
        }
        None => File::from_source(name, text),
    }
}

/// Whether it is one that the compiler knows: it panics at others, where they stand in a serialized descriptor.
fn check_syntax(syntax: Option<&str>) -> Result<(), protox::Error> {
    match syntax {
        None | Some("proto2" | "proto3") => Ok(()),
        Some(other) => Err(protox::Error::new(format!(
            "its syntax is {other:?}, and only proto2 and proto3 are read"
        ))),
    }
}

/// The message that indexes lead to; no indexes are the first one.
///
/// # Errors
/// There is no such one.
pub(super) fn message(file: &FileDescriptor, indexes: &[i32]) -> Result<MessageDescriptor, String> {
    let missing = || format!("There is no message at index {indexes:?} of the schema");
    let nth = |messages: Vec<MessageDescriptor>, index: i32| {
        let mut messages = messages
            .into_iter()
            .filter(|message| !message.is_map_entry());
        usize::try_from(index)
            .ok()
            .and_then(|index| messages.nth(index))
    };
    let indexes = if indexes.is_empty() { &[0] } else { indexes };
    let (first, inner) = indexes.split_first().ok_or_else(missing)?;
    let mut found = nth(file.messages().collect(), *first).ok_or_else(missing)?;
    for index in inner {
        found = nth(found.child_messages().collect(), *index).ok_or_else(missing)?;
    }
    Ok(found)
}
