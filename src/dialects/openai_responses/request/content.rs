//! Values that clients write in two forms.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::wire::ClientField;
use crate::wire::ClientValue;

/// A string, or a list of objects.
#[derive(Debug, Clone, PartialEq)]
pub enum StringOrList<T> {
    /// The string.
    String(String),
    /// The list.
    List(Vec<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for StringOrList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrListVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for StringOrListVisitor<T> {
            type Value = StringOrList<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string or an array of objects")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(StringOrList::String(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(StringOrList::List)
            }
        }
        deserializer.deserialize_any(StringOrListVisitor(PhantomData))
    }
}

impl<T: Serialize> Serialize for StringOrList<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::String(text) => text.serialize(serializer),
            Self::List(list) => list.serialize(serializer),
        }
    }
}

impl<T: ClientValue> ClientValue for StringOrList<T> {
    const FIELDS: &'static [ClientField] = T::FIELDS;
    const IS_SEVERAL: bool = true;
}
