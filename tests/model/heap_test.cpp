#include <frys/memory/heap.hpp>

#include <new>
#include <optional>
#include <utility>

#include "blocks.hpp"

namespace {

using namespace blocks;
using heap = frys::heap<with_model, frys::policy::pages<model::pages>, frys::policy::chunk_size<64 * 1024>>;
using center = frys::detail::heap_center<A, model::pages, 64 * 1024>;

// One that is posted to its owner at once, and of which a bin takes one at a time: each refill looks at the inbox.
constexpr std::size_t size = 5000;

heap::cache join(heap& h) {
  auto joined = h.join();
  model::require(static_cast<bool>(joined), "there is a cache");
  return *std::move(joined);
}
void* take(heap::cache& c) {
  void* const p = c.try_allocate(size);
  model::require(p != nullptr, "there is a block");
  return p;
}
// Uses the bytes of a block as an element, from its making to its end.
void use(void* p, int v) {
  auto* e = ::new (p) element(v);
  model::require(e->get() == v, "the bytes are the owner's alone");
  e->~element();
}

// A block is freed by another thread while its owner allocates: he may get that one, and then its last user is done.
void remote_free() {
  heap h;
  heap::cache owner = join(h), other = join(h);
  void* const p = take(owner);
  void* q = nullptr;
  model::threads(
      [&] {
        use(p, 1);
        other.deallocate(p);
      },
      [&] {
        q = take(owner);
        use(q, 2);
      });
  owner.deallocate(q);
  owner.collect();
  model::require(h.stats().in_use == 0, "all blocks are back");
}

// The same by two others: neither's block is lost, or handed out twice.
void two_remote_frees() {
  heap h;
  heap::cache owner = join(h), first = join(h), second = join(h);
  void* const p = take(owner);
  void* const q = take(owner);
  model::threads([&] { first.deallocate(p); }, [&] { second.deallocate(q); });
  void* const again = take(owner);
  void* const other = take(owner);
  model::require(again != other, "each block is handed out once");
  owner.deallocate(again);
  owner.deallocate(other);
  owner.collect();
  model::require(h.stats().in_use == 0, "all blocks are back");
}

// A thread leaves while another frees one of its blocks: one of the two sees to it that the block goes back.
void post_against_park() {
  heap h;
  heap::cache leaver = join(h), other = join(h);
  void* const p = take(leaver);
  model::threads([&] { leaver.leave(); },
                 [&] {
                   use(p, 1);
                   other.deallocate(p);
                 });
  model::require(h.stats().in_use == 0, "nobody waits for who has left");
}

// Two threads free blocks of a core that nobody has: who is late is not forgotten by who helps.
void two_posts_to_parked() {
  heap h;
  heap::cache leaver = join(h), first = join(h), second = join(h);
  void* const p = take(leaver);
  void* const q = take(leaver);
  leaver.leave();
  model::threads([&] { first.deallocate(p); }, [&] { second.deallocate(q); });
  model::require(h.stats().in_use == 0, "nobody waits for who has left");
}

// A thread joins and takes over a core to which another posts.
void join_against_post() {
  heap h;
  heap::cache other = join(h);
  void* p = nullptr;
  {
    heap::cache before = join(h);
    p = take(before);
  }
  model::threads(
      [&] {
        use(p, 1);
        other.deallocate(p);
      },
      [&] {
        heap::cache after = join(h);
        void* const q = take(after);
        use(q, 2);
        after.deallocate(q);
      });
  model::require(h.stats().caches <= 3, "the parked core was taken over, or somebody had it for a moment");
  model::require(h.stats().in_use == 0, "all blocks are back");
}

// Two threads join a new heap.
void two_join() {
  heap h;
  const auto live = [&](int v) {
    heap::cache c = join(h);
    void* const p = take(c);
    use(p, v);
    c.deallocate(p);
  };
  model::threads([&] { live(1); }, [&] { live(2); });
  model::require(h.stats().caches == h.stats().parked, "both have left");
  model::require(h.stats().in_use == 0, "all blocks are back");
}

// Whose core is it that leaves while one joins: what the former did with it is over.
void leave_against_join() {
  heap h;
  heap::cache first = join(h);
  void* const p = take(first);
  model::threads(
      [&] {
        use(p, 1);
        first.deallocate(p);
        first.leave();
      },
      [&] {
        heap::cache second = join(h);
        void* const q = take(second);
        use(q, 2);
        second.deallocate(q);
      });
  model::require(h.stats().in_use == 0, "all blocks are back");
}

// One core gives a chunk away, another takes one.
void chunk_changes_hands() {
  center shared;
  auto first = shared.take_chunk();
  model::require(static_cast<bool>(first), "there is a chunk");
  const auto bytes = [](center::chunk* c) { return reinterpret_cast<std::byte*>(c) + 60 * 1024; };
  center::chunk* second = nullptr;
  model::threads(
      [&] {
        use(bytes(*first), 1);
        shared.give_chunk(*first);
      },
      [&] {
        second = *shared.take_chunk();
        use(bytes(second), 2);
      });
  shared.give_chunk(second);
  shared.release_spares();
  model::require(shared.reserved.load(std::memory_order_relaxed) == 0, "all chunks are back");
}

// One core gives a chunk away while the heap's spare chunks go back.
void chunk_goes_back() {
  center shared;
  auto first = shared.take_chunk();
  model::require(static_cast<bool>(first), "there is a chunk");
  model::threads(
      [&] {
        use(reinterpret_cast<std::byte*>(*first) + 60 * 1024, 1);
        shared.give_chunk(*first);
      },
      [&] { shared.release_spares(); });
  shared.release_spares();
  model::require(shared.reserved.load(std::memory_order_relaxed) == 0, "all chunks are back");
}

// Everybody is asked to collect while one joins and works.
void collect_against_join() {
  heap h;
  model::threads(
      [&] {
        heap::cache c = join(h);
        void* const p = take(c);
        use(p, 1);
        c.deallocate(p);
      },
      [&] { h.collect(); });
  model::require(h.stats().in_use == 0, "all blocks are back");
}

TEST_CASE("heap under the model: a block freed elsewhere comes back, and done with") { holds(&remote_free); }
TEST_CASE("heap under the model: two post to one owner") { holds(&two_remote_frees); }
TEST_CASE("heap under the model: who leaves and who frees do not miss each other") { holds(&post_against_park); }
TEST_CASE("heap under the model: two who free for who has left") { holds(&two_posts_to_parked); }
TEST_CASE("heap under the model: a core is taken over while something is posted to it") { holds(&join_against_post); }
TEST_CASE("heap under the model: two join at once") { holds(&two_join); }
TEST_CASE("heap under the model: who takes over a core finds it left alone") { holds(&leave_against_join); }
TEST_CASE("heap under the model: a chunk goes from core to core") { holds(&chunk_changes_hands); }
TEST_CASE("heap under the model: a spare chunk goes back to the source") { holds(&chunk_goes_back); }
TEST_CASE("heap under the model: collect while one joins") { holds_at_random(&collect_against_join, 200); }

}  // namespace
