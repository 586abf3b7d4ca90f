//! Change events as Debezium's MySQL connector writes them through JsonConverter, each with its schema.
//!
//! The schema is most of a record.

use fastrand::Rng;

use super::{flat, put};

/// The fields of [`Shape::Flat`](super::Shape::Flat).
macro_rules! row_fields {
    () => {
        concat!(
            r#"{"type":"int32","optional":false,"field":"part"},{"type":"int64","optional":false,"field":"seq"},"#,
            r#"{"type":"int64","optional":false,"field":"order_id"},{"type":"string","optional":true,"field":"customer"},"#,
            r#"{"type":"string","optional":true,"field":"product"},{"type":"int32","optional":true,"field":"quantity"},"#,
            r#"{"type":"double","optional":true,"field":"price"},{"type":"boolean","optional":true,"field":"paid"},"#,
            r#"{"type":"string","optional":true,"field":"created_at"},{"type":"string","optional":true,"field":"note"}"#
        )
    };
}

/// The schema of both images and the fields around them, up to the payload.
const SCHEMA: &str = concat!(
    r#"{"schema":{"type":"struct","fields":["#,
    r#"{"type":"struct","fields":["#,
    row_fields!(),
    r#"],"optional":true,"name":"shop.sales.orders.Value","field":"before"},"#,
    r#"{"type":"struct","fields":["#,
    row_fields!(),
    r#"],"optional":true,"name":"shop.sales.orders.Value","field":"after"},"#,
    r#"{"type":"struct","fields":["#,
    r#"{"type":"string","optional":false,"field":"version"},{"type":"string","optional":false,"field":"connector"},"#,
    r#"{"type":"string","optional":false,"field":"name"},{"type":"int64","optional":false,"field":"ts_ms"},"#,
    r#"{"type":"string","optional":true,"name":"io.debezium.data.Enum","version":1,"#,
    r#""parameters":{"allowed":"true,last,false,incremental"},"default":"false","field":"snapshot"},"#,
    r#"{"type":"string","optional":false,"field":"db"},{"type":"string","optional":true,"field":"sequence"},"#,
    r#"{"type":"string","optional":true,"field":"table"},{"type":"int64","optional":false,"field":"server_id"},"#,
    r#"{"type":"string","optional":true,"field":"gtid"},{"type":"string","optional":false,"field":"file"},"#,
    r#"{"type":"int64","optional":false,"field":"pos"},{"type":"int32","optional":false,"field":"row"},"#,
    r#"{"type":"int64","optional":true,"field":"thread"},{"type":"string","optional":true,"field":"query"}"#,
    r#"],"optional":false,"name":"io.debezium.connector.mysql.Source","field":"source"},"#,
    r#"{"type":"string","optional":false,"field":"op"},{"type":"int64","optional":true,"field":"ts_ms"},"#,
    r#"{"type":"struct","fields":[{"type":"string","optional":false,"field":"id"},"#,
    r#"{"type":"int64","optional":false,"field":"total_order"},"#,
    r#"{"type":"int64","optional":false,"field":"data_collection_order"}],"#,
    r#""optional":true,"name":"event.block","version":1,"field":"transaction"}"#,
    r#"],"optional":false,"name":"shop.sales.orders.Envelope","version":1},"payload":{"before":"#,
);

/// One event: of two records an insert and an update, neither of which takes a row away.
pub(super) fn change(
    out: &mut String,
    rng: &mut Rng,
    partition: i32,
    sequence: u64,
    order_id: u64,
) {
    out.push_str(SCHEMA);
    let is_update = sequence % 2 == 1;
    if is_update {
        flat(out, rng, partition, sequence, order_id);
    } else {
        out.push_str("null");
    }
    out.push_str(r#","after":"#);
    flat(out, rng, partition, sequence, order_id);
    let (op, ts_ms) = (
        if is_update { 'u' } else { 'c' },
        1_700_000_000_000 + sequence,
    );
    put(
        out,
        format_args!(
            r#","source":{{"version":"2.7.4.Final","connector":"mysql","name":"shop","ts_ms":{ts_ms},"snapshot":"false","db":"sales","#
        ),
    );
    put(
        out,
        format_args!(
            r#""sequence":null,"table":"orders","server_id":223344,"gtid":null,"file":"mysql-bin.000003","pos":{},"row":0,"#,
            4 + sequence * 400
        ),
    );
    put(
        out,
        format_args!(
            r#""thread":{},"query":null}},"op":"{op}","ts_ms":{},"transaction":null}}}}"#,
            rng.u8(1..200),
            ts_ms + 12
        ),
    );
}
