#include "dataplane/rcu/qsbr.h"

#include <rte_rcu_qsbr.h>

#include <cstdlib>
#include <new>

namespace sekisho::dataplane {

void Qsbr::Free::operator()(rte_rcu_qsbr* state) const { std::free(state); }

Qsbr::Qsbr(unsigned max_readers) {
  const size_t size = (rte_rcu_qsbr_get_memsize(max_readers) + 63) & ~size_t{63};
  auto* memory = static_cast<rte_rcu_qsbr*>(std::aligned_alloc(64, size));
  if (memory == nullptr) throw std::bad_alloc();
  state_.reset(memory);
  rte_rcu_qsbr_init(memory, max_readers);
}

void Qsbr::join(unsigned reader) {
  rte_rcu_qsbr_thread_register(state_.get(), reader);
  online(reader);
}

void Qsbr::leave(unsigned reader) {
  offline(reader);
  rte_rcu_qsbr_thread_unregister(state_.get(), reader);
}

void Qsbr::online(unsigned reader) { rte_rcu_qsbr_thread_online(state_.get(), reader); }
void Qsbr::offline(unsigned reader) { rte_rcu_qsbr_thread_offline(state_.get(), reader); }
void Qsbr::quiescent(unsigned reader) { rte_rcu_qsbr_quiescent(state_.get(), reader); }
Qsbr::Token Qsbr::start() { return rte_rcu_qsbr_start(state_.get()); }
bool Qsbr::passed(Token token) { return rte_rcu_qsbr_check(state_.get(), token, false) == 1; }

}  // namespace sekisho::dataplane
