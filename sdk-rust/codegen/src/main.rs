//! A `protoc` plugin that buf runs: messages by prost, clients by tonic, and what those two drop
//! on the floor: the numbers in the contract's options, as constants.
//!
//! prost keeps no options at run time, so the lease defaults and the field limits are read out of
//! the descriptors here. Nobody types them a second time.

mod constants;

use std::collections::HashSet;
use std::io::{Read, Write};

use prost::Message;
use prost_build::{Config, Module};
use prost_reflect::DescriptorPool;
use prost_types::FileDescriptorProto;
use prost_types::compiler::CodeGeneratorResponse;
use prost_types::compiler::code_generator_response::{Feature, File};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// `google.protobuf.compiler.CodeGeneratorRequest`, with the files left as bytes: decoding them
/// with prost would lose the options that this plugin is about.
#[derive(Message)]
struct Request {
    #[prost(string, repeated, tag = "1")]
    file_to_generate: Vec<String>,
    #[prost(bytes = "vec", repeated, tag = "15")]
    proto_file: Vec<Vec<u8>>,
}

fn main() -> Result<()> {
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input)?;
    let response = match Request::decode(&*input).map_err(Into::into).and_then(generate) {
        Ok(file) => CodeGeneratorResponse {
            file,
            supported_features: Some(Feature::Proto3Optional as u64),
            ..Default::default()
        },
        Err(error) => {
            CodeGeneratorResponse { error: Some(error.to_string()), ..Default::default() }
        }
    };
    std::io::stdout().write_all(&response.encode_to_vec())?;
    Ok(())
}

fn generate(request: Request) -> Result<Vec<File>> {
    let mut files = code(&request)?;
    let mut pool = DescriptorPool::new();
    for bytes in &request.proto_file {
        pool.decode_file_descriptor_proto(&**bytes)?;
    }
    if let Some(content) = constants::of(&pool, &request.file_to_generate)? {
        files.push(file("constants.rs".into(), content));
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(files)
}

/// One file of messages and clients per package.
fn code(request: &Request) -> Result<Vec<File>> {
    let mut config = Config::new();
    config
        .bytes(["."])
        // Their indented examples would be taken for Rust and tested.
        .disable_comments([".google.rpc"])
        .format(true)
        .service_generator(
            tonic_prost_build::configure()
                .build_transport(false)
                .server_mod_attribute(".", "#[cfg(test)]")
                .service_generator(),
        );
    // prost wants to see every message that another one may refer to, so it gets all files and
    // what nobody asked for is thrown away.
    let mut wanted = HashSet::new();
    let mut inputs = Vec::new();
    for bytes in &request.proto_file {
        let file = FileDescriptorProto::decode(&**bytes)?;
        let module = Module::from_protobuf_package_name(file.package());
        if request.file_to_generate.iter().any(|name| name == file.name()) {
            wanted.insert(module.clone());
        }
        inputs.push((module, file));
    }
    let mut modules = config.generate(inputs)?;
    modules.retain(|module, _| wanted.contains(module));
    let named = |(module, content): (Module, String)| file(module.to_file_name_or("_"), content);
    Ok(modules.into_iter().map(named).collect())
}

fn file(name: String, content: String) -> File {
    File { name: Some(name), content: Some(content), ..Default::default() }
}
