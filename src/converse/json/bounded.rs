//! A deserializer with a memory budget for the values it creates.
//!
//! Three bytes of JSON (`{},`) can become a struct of hundreds. The size of the values is known
//! when a sequence or a map returns its entries: their types have a size.

use std::cell::Cell;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Visitor};

/// The pseudo field of values under unknown keys of a struct: they are stored in a list with their
/// keys, whereas the value of a field is part of the struct.
pub const UNKNOWN_FIELD: &str = "$outcrop::UnknownField";

/// Memory per entry of a growing `Vec`: the old buffer, and a new one of twice the size.
const GROWTH: usize = 3;

/// The allocator's overhead for a small string.
const ALLOCATION: usize = 16;

/// The remaining memory for values.
#[derive(Debug)]
pub struct Budget {
    left: Cell<usize>,
    is_spent: Cell<bool>,
}

impl Budget {
    /// A budget of `bytes`.
    pub fn new(bytes: usize) -> Self {
        Self {
            left: Cell::new(bytes),
            is_spent: Cell::new(false),
        }
    }

    /// Whether reading stopped because the budget was exceeded.
    pub fn is_spent(&self) -> bool {
        self.is_spent.get()
    }

    fn charge<E: Error>(&self, bytes: usize) -> Result<(), E> {
        match self.left.get().checked_sub(bytes) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.is_spent.set(true);
                Err(E::custom("too many values for the size of the text"))
            }
        }
    }

    /// Charges for an entry of a sequence. Strings and boxes additionally take their content.
    fn charge_entry<T, E: Error>(&self) -> Result<(), E> {
        let allocation = match size_of::<T>() > size_of::<usize>() {
            true => ALLOCATION,
            false => 0,
        };
        self.charge(GROWTH * size_of::<T>() + allocation)
    }

    /// Charges for a key and a value of a map.
    fn charge_pair<T, E: Error>(&self) -> Result<(), E> {
        self.charge(GROWTH * (size_of::<String>() + size_of::<T>()) + 2 * ALLOCATION)
    }
}

/// A deserializer, visitor or access with a budget.
#[derive(Debug)]
pub struct BudgetDeserializer<'b, D> {
    inner: D,
    budget: &'b Budget,
}

impl<'b, D> BudgetDeserializer<'b, D> {
    /// Reads from `inner` within `budget`.
    pub fn new(inner: D, budget: &'b Budget) -> Self {
        Self { inner, budget }
    }
}

macro_rules! deserialize_methods {
    ($wrap:ident: $($method:ident($($argument:ident: $type:ty),*);)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let Self { inner, .. } = self;
            inner.$method($($argument,)* $wrap!(self, visitor))
        })*

        fn is_human_readable(&self) -> bool {
            self.inner.is_human_readable()
        }
    };
}

macro_rules! watched {
    ($self:ident, $visitor:ident) => {
        BudgetVisitor {
            inner: $visitor,
            budget: $self.budget,
        }
    };
}

macro_rules! as_it_is {
    ($self:ident, $visitor:ident) => {
        $visitor
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for BudgetDeserializer<'_, D> {
    type Error = D::Error;

    deserialize_methods! { watched:
        deserialize_any(); deserialize_bool();
        deserialize_i8(); deserialize_i16(); deserialize_i32(); deserialize_i64();
        deserialize_i128();
        deserialize_u8(); deserialize_u16(); deserialize_u32(); deserialize_u64();
        deserialize_u128();
        deserialize_f32(); deserialize_f64(); deserialize_char();
        deserialize_str(); deserialize_string(); deserialize_bytes(); deserialize_byte_buf();
        deserialize_option(); deserialize_unit(); deserialize_seq(); deserialize_map();
        deserialize_identifier(); deserialize_ignored_any();
        deserialize_unit_struct(name: &'static str);
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        if name == UNKNOWN_FIELD {
            self.budget.charge_pair::<Box<str>, D::Error>()?;
        }
        // Raw JSON values arrive here, as one string of any size.
        match name.starts_with('$') {
            true => self.inner.deserialize_newtype_struct(name, visitor),
            false => {
                let Self { inner, budget } = self;
                let inner_visitor = BudgetVisitor {
                    inner: visitor,
                    budget,
                };
                inner.deserialize_newtype_struct(name, inner_visitor)
            }
        }
    }
}

/// A visitor that charges for sequences and maps.
struct BudgetVisitor<'b, V> {
    inner: V,
    budget: &'b Budget,
}

macro_rules! visit_methods {
    ($($method:ident($type:ty);)*) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for BudgetVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.inner.expecting(formatter)
    }

    visit_methods! {
        visit_bool(bool);
        visit_i8(i8); visit_i16(i16); visit_i32(i32); visit_i64(i64); visit_i128(i128);
        visit_u8(u8); visit_u16(u16); visit_u32(u32); visit_u64(u64); visit_u128(u128);
        visit_f32(f32); visit_f64(f64); visit_char(char);
        visit_str(&str); visit_borrowed_str(&'de str); visit_string(String);
        visit_bytes(&[u8]); visit_borrowed_bytes(&'de [u8]); visit_byte_buf(Vec<u8>);
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.inner
            .visit_some(BudgetDeserializer::new(value, self.budget))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        let value = BudgetDeserializer::new(value, self.budget);
        self.inner.visit_newtype_struct(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.inner
            .visit_seq(BudgetAccess::new(entries, self.budget))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.budget.charge(size_of::<V::Value>())?;
        self.inner
            .visit_map(BudgetAccess::new(entries, self.budget))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(variant)
    }
}

/// Charges for the entries of a sequence or a map.
struct BudgetAccess<'b, A> {
    inner: A,
    budget: &'b Budget,
    /// Whether the last key is the name of a struct field.
    is_field: bool,
}

impl<'b, A> BudgetAccess<'b, A> {
    fn new(inner: A, budget: &'b Budget) -> Self {
        Self {
            inner,
            budget,
            is_field: false,
        }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for BudgetAccess<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        let budget = self.budget;
        self.inner.next_element_seed(EntrySeed { seed, budget })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for BudgetAccess<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        self.is_field = false;
        let is_field = &mut self.is_field;
        self.inner.next_key_seed(KeySeed { seed, is_field })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        // The size of a struct includes its fields.
        if !self.is_field {
            self.budget.charge_pair::<V::Value, A::Error>()?;
        }
        let budget = self.budget;
        self.inner.next_value_seed(ValueSeed { seed, budget })
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint()
    }
}

/// An entry of a sequence, charged once it exists.
struct EntrySeed<'b, S> {
    seed: S,
    budget: &'b Budget,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for EntrySeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.budget.charge_entry::<S::Value, D::Error>()?;
        self.seed
            .deserialize(BudgetDeserializer::new(deserializer, self.budget))
    }
}

/// A value of a map or of a struct field.
struct ValueSeed<'b, S> {
    seed: S,
    budget: &'b Budget,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for ValueSeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.seed
            .deserialize(BudgetDeserializer::new(deserializer, self.budget))
    }
}

/// A key. Structs deserialize an identifier, maps a string.
struct KeySeed<'k, S> {
    seed: S,
    is_field: &'k mut bool,
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for KeySeed<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.seed.deserialize(KeyDeserializer {
            inner: deserializer,
            is_field: self.is_field,
        })
    }
}

struct KeyDeserializer<'k, D> {
    inner: D,
    is_field: &'k mut bool,
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for KeyDeserializer<'_, D> {
    type Error = D::Error;

    deserialize_methods! { as_it_is:
        deserialize_any(); deserialize_bool();
        deserialize_i8(); deserialize_i16(); deserialize_i32(); deserialize_i64();
        deserialize_i128();
        deserialize_u8(); deserialize_u16(); deserialize_u32(); deserialize_u64();
        deserialize_u128();
        deserialize_f32(); deserialize_f64(); deserialize_char();
        deserialize_str(); deserialize_string(); deserialize_bytes(); deserialize_byte_buf();
        deserialize_option(); deserialize_unit(); deserialize_seq(); deserialize_map();
        deserialize_ignored_any();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
        deserialize_enum(name: &'static str, variants: &'static [&'static str]);
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        *self.is_field = true;
        self.inner.deserialize_identifier(visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Wide {
        #[serde(default)]
        _room: [u64; 16],
    }

    /// The charge for reading `json` as `T`; `None` if it is invalid.
    fn charged<T: for<'de> Deserialize<'de>>(json: &str) -> Option<usize> {
        let limit = 1 << 20;
        let budget = Budget::new(limit);
        let mut deserializer = serde_json::Deserializer::from_str(json);
        T::deserialize(BudgetDeserializer::new(&mut deserializer, &budget)).ok()?;
        Some(limit - budget.left.get())
    }

    #[test]
    fn list_entries_are_charged_as_the_list_grows() {
        assert_eq!(charged::<Vec<u64>>("[1,2]"), Some(2 * 3 * 8));
        let wide = size_of::<Wide>();
        assert_eq!(charged::<Vec<Wide>>("[{}]"), Some(4 * wide + ALLOCATION));
        assert_eq!(charged::<Vec<Box<Wide>>>("[{}]"), Some(3 * 8 + wide));
        // The field is part of the struct.
        let with_field = format!("[{{\"_room\":{:?}}}]", [0; 16]);
        assert_eq!(
            charged::<Vec<Box<Wide>>>(&with_field),
            Some(3 * 8 + wide + 16 * 24)
        );
    }

    #[test]
    fn a_map_entry_is_charged_with_its_key() {
        let map = size_of::<BTreeMap<String, u64>>();
        let pair = 3 * (24 + 8) + 2 * ALLOCATION;
        assert_eq!(
            charged::<BTreeMap<String, u64>>(r#"{"a":1,"b":2}"#),
            Some(map + 2 * pair)
        );
    }

    #[test]
    fn raw_json_is_charged_as_one_string() {
        let text = format!("[{}]", vec!["{}"; 1000].join(","));
        assert_eq!(charged::<Box<RawValue>>(&text), Some(0));
        let charged = charged::<serde_json::Value>(&text).unwrap_or_default();
        assert!(charged > 1000 * 3 * size_of::<serde_json::Value>());
    }

    #[test]
    fn parsing_stops_when_the_budget_is_exhausted() {
        let budget = Budget::new(100);
        let mut deserializer = serde_json::Deserializer::from_str("[1,2,3,4,5,6]");
        let read = Vec::<u64>::deserialize(BudgetDeserializer::new(&mut deserializer, &budget));
        assert!(read.is_err() && budget.is_spent());

        let budget = Budget::new(100);
        let mut deserializer = serde_json::Deserializer::from_str("[1,\"a\"]");
        let read = Vec::<u64>::deserialize(BudgetDeserializer::new(&mut deserializer, &budget));
        assert!(read.is_err() && !budget.is_spent());
    }
}
