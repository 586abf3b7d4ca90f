//! The registry's client against the Schema Registry stand-in, on real sockets.

mod answers;
mod asking;
mod references;
mod tls;

use std::sync::Arc;
use std::time::Duration;

use starrocks_kafka_connect::registry::{RegisteredSchema, SchemaRequest, Wanted};
use starrocks_kafka_pipeline::registry::{
    RegistryAddress, RegistryClient, RegistryError, RegistrySettings, RegistryTls,
};
use starrocks_kafka_testbed::schema_registry::{NewSchema, Options, SchemaRegistry, SchemaType};

/// The settings of a client of all servers of a registry.
fn settings(at: &SchemaRegistry) -> RegistrySettings {
    let address = |url: &str| RegistryAddress {
        url: url.to_owned(),
        authorization: None,
    };
    RegistrySettings {
        addresses: at.url().split(',').map(address).collect(),
        headers: Vec::new(),
        connect_timeout: Duration::from_secs(30),
        read_timeout: Duration::from_secs(30),
        tls: RegistryTls::default(),
    }
}

fn client(at: &SchemaRegistry) -> RegistryClient {
    RegistryClient::new(&settings(at)).expect("settings that can be taken")
}

/// A registry of so many servers that knows schema 7, version 1 of `orders-value`.
fn registry(servers: usize) -> SchemaRegistry {
    let mut options = Options::default();
    options.addresses = vec![options.addresses[0]; servers];
    let at = SchemaRegistry::start(options).expect("it starts");
    at.put("orders-value", 1, 7, avro(r#""string""#));
    at
}

fn avro(text: &str) -> NewSchema {
    NewSchema::new(SchemaType::Avro, text)
}

fn by_id(id: i32) -> SchemaRequest {
    asked(Some("orders-value"), Wanted::Id(id))
}

fn asked(subject: Option<&str>, wanted: Wanted) -> SchemaRequest {
    SchemaRequest {
        subject: subject.map(str::to_owned),
        wanted,
    }
}

/// What came of asking, in one word, and the text of the schema or of the error without the registry's address.
fn told(
    at: &SchemaRegistry,
    answer: &Result<Arc<RegisteredSchema>, RegistryError>,
) -> (&'static str, String) {
    let (word, text) = match answer {
        Ok(schema) => ("schema", &schema.text),
        Err(RegistryError::Denied(reason)) => ("denied", reason),
        Err(RegistryError::Refused(reason)) => ("refused", reason),
        Err(RegistryError::Unavailable(reason)) => ("unavailable", reason),
    };
    let mut text = text.clone();
    for (node, url) in at.url().split(',').enumerate() {
        text = text.replace(url, &format!("{{{node}}}"));
    }
    (word, text)
}
