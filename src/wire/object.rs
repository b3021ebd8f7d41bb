//! Deserializes client objects: all fields are optional, `null` is the same as absent, and
//! unknown keys are kept by name, so that each can be rejected or noted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Number;

use crate::converse::JsonText;
use crate::converse::json::UNKNOWN_FIELD;
use crate::converse::options::Fields;

/// A field of a client object, so that documentation can be compared with the supported fields.
#[derive(Debug, Clone, Copy)]
pub struct ClientField {
    /// The name on the wire.
    pub name: &'static str,
    /// Whether the value is a list or a map.
    pub is_several: bool,
    /// The fields of the value or of its entries; empty if the value is not an object, or is kept
    /// as text.
    pub fields: &'static [ClientField],
}

/// The type of a client object's field.
pub(crate) trait ClientValue {
    /// The fields of the value.
    const FIELDS: &'static [ClientField] = &[];
    /// Whether the value is a list or a map.
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

/// The unknown keys of an object with their values.
pub(crate) type UnknownFields = Vec<(String, JsonText)>;

/// A key, borrowed from the body if it has no escapes.
pub(crate) struct ObjectKey<'a>(pub(crate) Cow<'a, str>);

impl<'de> Deserialize<'de> for ObjectKey<'de> {
    // Not derived, which would hide the key from `serde_path_to_error`.
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

/// The value of an unknown key. It counts towards the memory limit, since it is kept with its key
/// besides the object's fields.
pub(crate) struct UnknownValue(pub(crate) JsonText);

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

/// Declares a client object. Fields are `Option`s named as on the wire (`=> "name"` if Rust
/// reserves the word); `unknown` holds all other keys.
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
            /// The unknown keys with their values.
            pub unknown: Vec<(String, crate::converse::JsonText)>,
        }

        impl $name {
            /// The known fields.
            pub const FIELDS: &'static [crate::wire::ClientField] = &[
                $( crate::wire::ClientField {
                    name: crate::wire::object::wire_name!($field $($wire)?),
                    is_several: <$type as crate::wire::object::ClientValue>::IS_SEVERAL,
                    fields: <$type as crate::wire::object::ClientValue>::FIELDS,
                }, )*
            ];
        }

        impl crate::wire::object::ClientValue for $name {
            const FIELDS: &'static [crate::wire::ClientField] = $name::FIELDS;
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
                        while let Some(crate::wire::object::ObjectKey(key)) = map.next_key()? {
                            match key.as_ref() {
                                $( crate::wire::object::wire_name!($field $($wire)?) => {
                                    object.$field = map.next_value()?;
                                } )*
                                _ => {
                                    let crate::wire::object::UnknownValue(value) = map.next_value()?;
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

/// Declares a client object that is also written: into the response, or to a store. Its fields are
/// written in the order of their declaration, then the unknown keys.
macro_rules! written_client_object {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $( $(#[$field_attribute:meta])* $field:ident $(=> $wire:literal)? : $type:ty, )*
        }
    ) => {
        crate::wire::object::client_object! {
            $(#[$attribute])*
            $visibility struct $name {
                $( $(#[$field_attribute])* $field $(=> $wire)? : $type, )*
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                $( if let Some(value) = &self.$field {
                    let name = crate::wire::object::wire_name!($field $($wire)?);
                    serde::ser::SerializeMap::serialize_entry(&mut map, name, value)?;
                } )*
                for (key, value) in &self.unknown {
                    serde::ser::SerializeMap::serialize_entry(&mut map, key, value)?;
                }
                serde::ser::SerializeMap::end(map)
            }
        }
    };
}

/// The name of a field on the wire.
macro_rules! wire_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $wire:literal) => {
        $wire
    };
}

pub(crate) use {client_object, wire_name, written_client_object};
