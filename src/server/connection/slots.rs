//! Limits the number of connections and evicts idle ones.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use super::state::ConnectionState;

/// The slots of connections.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionSlots {
    max: usize,
    open: Arc<Mutex<OpenConnections>>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    connections: HashMap<u64, Arc<ConnectionState>>,
    next: u64,
}

/// A connection's slot, released when dropped.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    id: u64,
    state: Arc<ConnectionState>,
    slots: ConnectionSlots,
}

impl ConnectionSlots {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            open: Arc::default(),
        }
    }

    /// A slot for a new connection, if needed that of a connection without a request; `None` if all
    /// connections have one.
    pub(crate) fn take(&self) -> Option<ConnectionSlot> {
        let mut open = self.lock();
        // An evicted connection keeps its entry until its task has ended, so the maximum may be
        // exceeded briefly.
        if open.connections.len() >= self.max && !open.evict() {
            return None;
        }
        let state = ConnectionState::new();
        let id = open.next;
        open.next += 1;
        open.connections.insert(id, Arc::clone(&state));
        Some(ConnectionSlot {
            id,
            state,
            slots: self.clone(),
        })
    }

    /// Closes the least needed connection; `false` if all have a request.
    pub(crate) fn evict(&self) -> bool {
        self.lock().evict()
    }

    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock()
    }
}

impl OpenConnections {
    fn evict(&self) -> bool {
        loop {
            let ranked = self.connections.values();
            let ranked = ranked.filter_map(|state| Some((state.eviction_rank()?, state)));
            let Some((_, state)) = ranked.min_by_key(|(rank, _)| *rank) else {
                return false;
            };
            // A connection that receives a request meanwhile keeps its slot, and has no rank from
            // then on.
            if state.evict() {
                return true;
            }
        }
    }
}

impl ConnectionSlot {
    pub(super) fn state(&self) -> &Arc<ConnectionState> {
        &self.state
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.slots.lock().connections.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::super::state::{ConnectionPhase, ResponseKind};
    use super::*;

    fn received(slot: &ConnectionSlot) {
        slot.state.received();
    }

    fn begin_request(slot: &ConnectionSlot) {
        received(slot);
        slot.state.begin_request(false, Some(0));
    }

    fn is_evicted(slot: &ConnectionSlot) -> bool {
        slot.state.phase() == ConnectionPhase::Evicted
    }

    #[test]
    fn a_slot_is_released_when_its_connection_ends() {
        let slots = ConnectionSlots::new(1);
        let first = slots.take().expect("a slot");
        begin_request(&first);
        assert!(slots.take().is_none());
        drop(first);
        assert!(slots.take().is_some());
    }

    #[test]
    fn unused_connections_go_first_then_idle_ones_then_unfinished_heads_and_requests_never() {
        let slots = ConnectionSlots::new(4);
        let [request, head, idle, unused] = [(); 4].map(|()| slots.take().expect("a slot"));
        begin_request(&request);
        received(&head);
        begin_request(&idle);
        idle.state.begin_response(ResponseKind::Complete);
        idle.state.finish_response();
        idle.state.rest(false);
        let mut others = Vec::new();
        for next in [&unused, &idle, &head] {
            assert!(!is_evicted(next));
            let new = slots.take().expect("a slot");
            assert!(is_evicted(next));
            begin_request(&new);
            others.push(new);
        }
        assert!(slots.take().is_none());
        assert!(!is_evicted(&request));
    }

    #[test]
    fn each_new_connection_evicts_one() {
        let slots = ConnectionSlots::new(8);
        let slots_held: Vec<ConnectionSlot> = std::iter::from_fn(|| slots.take()).take(8).collect();
        let [first, ..] = &slots_held[..] else {
            panic!("8 slots");
        };
        received(first);
        assert!(slots.evict());
        let evicted = slots_held.iter().filter(|slot| is_evicted(slot)).count();
        assert_eq!(evicted, 1);
        assert!(!is_evicted(first), "a part of its head has arrived");
    }

    #[test]
    fn bytes_that_arrive_in_time_save_a_connection() {
        let slots = ConnectionSlots::new(1);
        let slot = slots.take().expect("a slot");
        assert!(slots.evict());
        begin_request(&slot);
        assert!(!is_evicted(&slot));
        assert!(slots.take().is_none());
    }
}
