//! JSON values as the contract carries them.

use prost_types::value::Kind;
use serde_json::{Map, Number, Value};

use crate::error::{Error, ErrorKind};

/// The largest whole number below which doubles hold every one.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// A value as the contract carries it.
///
/// # Errors
/// `InvalidArgument` (`PARAMETER_INVALID`) for a whole number that a double does not hold exactly:
/// the contract's numbers are doubles, and a rounded one would be another value.
pub(crate) fn to_message(value: Value) -> Result<prost_types::Value, Error> {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(value),
        Value::Number(number) => Kind::NumberValue(double(&number)?),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(items) => {
            let values = items.into_iter().map(to_message).collect::<Result<_, _>>()?;
            Kind::ListValue(prost_types::ListValue { values })
        }
        Value::Object(fields) => Kind::StructValue(to_struct(fields)?),
    };
    Ok(prost_types::Value { kind: Some(kind) })
}

/// An object as the contract carries it.
///
/// # Errors
/// As [`to_message`].
pub(crate) fn to_struct(fields: Map<String, Value>) -> Result<prost_types::Struct, Error> {
    let fields = fields.into_iter().map(|(name, value)| Ok((name, to_message(value)?)));
    Ok(prost_types::Struct { fields: fields.collect::<Result<_, Error>>()? })
}

/// A value of the contract; whole numbers are whole again.
pub(crate) fn from_message(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(value),
        Some(Kind::NumberValue(number)) if number.fract() == 0.0 && number.abs() <= MAX_EXACT => {
            Value::from(number as i64)
        }
        // Not a number and infinity are no JSON.
        Some(Kind::NumberValue(number)) => {
            Number::from_f64(number).map_or(Value::Null, Value::Number)
        }
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(from_message).collect(),
        Some(Kind::StructValue(fields)) => {
            let fields = fields.fields.into_iter();
            Value::Object(fields.map(|(name, value)| (name, from_message(value))).collect())
        }
    }
}

fn double(number: &Number) -> Result<f64, Error> {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    number.as_f64().filter(|double| whole.is_none_or(|n| *double as i128 == n)).ok_or_else(|| {
        let message = format!("{number} is beyond what a double holds exactly: say it as text");
        Error::new(ErrorKind::InvalidArgument, "PARAMETER_INVALID", message)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_go_there_and_back() {
        let value = json!({"a": [1, -2.5, "x", null, true, {}], "b": 9_007_199_254_740_992_u64});
        assert_eq!(from_message(to_message(value.clone()).expect("a message")), value);
    }

    #[test]
    fn a_number_that_would_be_rounded_is_refused() {
        for number in [json!([i64::MAX]), json!({"n": 9_007_199_254_740_993_u64})] {
            let error = to_message(number).expect_err("beyond a double");
            assert_eq!(error.reason(), "PARAMETER_INVALID");
        }
    }
}
