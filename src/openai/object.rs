//! Reading a client's objects: every field optional, `null` the same as absent, and keys that are
//! not known kept by name, so that each can be refused or noted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Number;

use crate::converse::JsonText;
use crate::converse::options::Fields;
use crate::json_body::UNKNOWN_FIELD;

/// A field that an object of a client's may have, so that what is said of fields elsewhere can be
/// compared with those that there are.
#[derive(Debug, Clone, Copy)]
pub struct ClientField {
    /// The name on the wire.
    pub name: &'static str,
    /// Whether the value holds several, in a list or by names.
    pub is_several: bool,
    /// The fields of the value, or of each one that it holds; none where it is no object, or one
    /// that is kept as text.
    pub fields: &'static [ClientField],
}

/// What a field of a client's object holds.
pub(super) trait ClientValue {
    /// Its own fields.
    const FIELDS: &'static [ClientField] = &[];
    /// Whether it holds several.
    const IS_SEVERAL: bool = false;
}

impl ClientValue for String {}
impl ClientValue for bool {}
impl ClientValue for i64 {}
impl ClientValue for Number {}
impl ClientValue for JsonText {}
impl ClientValue for Fields {}

impl<T: ClientValue> ClientValue for Box<T> {
    const FIELDS: &'static [ClientField] = T::FIELDS;
    const IS_SEVERAL: bool = T::IS_SEVERAL;
}

impl<T: ClientValue> ClientValue for Vec<T> {
    const FIELDS: &'static [ClientField] = T::FIELDS;
    const IS_SEVERAL: bool = true;
}

impl<T: ClientValue> ClientValue for BTreeMap<String, T> {
    const FIELDS: &'static [ClientField] = T::FIELDS;
    const IS_SEVERAL: bool = true;
}

/// The keys of an object that are not part of its type, with their values.
pub(crate) type UnknownFields = Vec<(String, JsonText)>;

/// A key, borrowed from the body where it has no escapes.
pub(super) struct ObjectKey<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for ObjectKey<'de> {
    // By hand: derived, it would hide the key from the tracker of paths in refusals.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = ObjectKey<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a key")
            }

            fn visit_borrowed_str<E: Error>(self, key: &'de str) -> Result<ObjectKey<'de>, E> {
                Ok(ObjectKey(Cow::Borrowed(key)))
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<ObjectKey<'de>, E> {
                Ok(ObjectKey(Cow::Owned(key.to_owned())))
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

/// The value of a key that is not known. Bounds on memory count it, since it is kept with its key
/// besides the object's fields.
pub(super) struct UnknownValue(pub(super) JsonText);

impl<'de> Deserialize<'de> for UnknownValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UnknownValueVisitor;
        impl<'de> Visitor<'de> for UnknownValueVisitor {
            type Value = UnknownValue;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<UnknownValue, D::Error> {
                JsonText::deserialize(deserializer).map(UnknownValue)
            }
        }
        deserializer.deserialize_newtype_struct(UNKNOWN_FIELD, UnknownValueVisitor)
    }
}

/// Declares an object as clients send it. Fields are `Option`s named as on the wire (`=> "name"`
/// where Rust reserves the word); `unknown` holds the rest.
macro_rules! client_object {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $( $(#[$field_attribute:meta])* $field:ident $(=> $wire:literal)? : $type:ty, )*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Default, PartialEq)]
        $visibility struct $name {
            $( $(#[$field_attribute])* pub $field: Option<$type>, )*
            /// The keys that are not known here.
            pub unknown: Vec<(String, crate::converse::JsonText)>,
        }

        impl $name {
            /// The fields that are known here.
            pub const FIELDS: &'static [crate::openai::object::ClientField] = &[
                $( crate::openai::object::ClientField {
                    name: crate::openai::object::wire_name!($field $($wire)?),
                    is_several: <$type as crate::openai::object::ClientValue>::IS_SEVERAL,
                    fields: <$type as crate::openai::object::ClientValue>::FIELDS,
                }, )*
            ];
        }

        impl crate::openai::object::ClientValue for $name {
            const FIELDS: &'static [crate::openai::object::ClientField] = $name::FIELDS;
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $name;

                    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        formatter.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut object = $name::default();
                        while let Some(crate::openai::object::ObjectKey(key)) = map.next_key()? {
                            match key.as_ref() {
                                $( crate::openai::object::wire_name!($field $($wire)?) => {
                                    object.$field = map.next_value()?;
                                } )*
                                _ => {
                                    let crate::openai::object::UnknownValue(value) = map.next_value()?;
                                    object.unknown.push((key.into_owned(), value));
                                }
                            }
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_map(Fields)
            }
        }
    };
}

/// A field's name on the wire.
macro_rules! wire_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $wire:literal) => {
        $wire
    };
}

pub(super) use {client_object, wire_name};
