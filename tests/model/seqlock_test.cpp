#include <frys/queue/seqlock.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;

// Two words that belong together.
struct pair {
  std::size_t a = 0, b = 0;
};
using lock_of_pair = frys::seqlock<pair, with_model>;
using register_of = model::register_spec<int>;
using history = model::history_of<register_of, model::moment>;

// A reader against a writer: what is loaded is whole.
void load_against_store() {
  lock_of_pair lock;
  model::threads(
      [&] {
        lock.store({1, 1});
        lock.store({2, 2});
      },
      [&] {
        const pair p = lock.load();
        model::require(p.a == p.b, "what was read belongs together");
      });
  model::require(lock.load().a == 2, "the last store stays");
}

// One look each: it may fail, but not twice in a row where nobody writes.
void try_load_against_store() {
  lock_of_pair lock;
  model::threads(
      [&] {
        lock.store({1, 1});
      },
      [&] {
        pair p{9, 9};
        if (lock.try_load(p))
          model::require(p.a == p.b && p.a <= 1, "what was read belongs together");
        else
          model::require(p.a == 9 && p.b == 9, "what was not read is untouched");
      });
  pair p;
  model::require(lock.try_load(p) && p.a == 1, "a free seqlock can be read");
}

// Loads of two readers and stores of one writer: a register to all.
void is_a_register() {
  frys::seqlock<int, with_model> lock(0);
  history h;
  const auto look = [&](unsigned me) {
    int got = 0;
    const auto op = h.begin(me, register_of::read(), model::moment::now());
    if (lock.try_load(got)) h.end(op, {true, got}, model::moment::now());
  };
  model::threads(
      [&] {
        for (int i = 1; i <= 2; ++i) {
          const auto op = h.begin(0, register_of::write(i), model::moment::now());
          lock.store(i);
          h.end(op, {true}, model::moment::now());
        }
      },
      [&] { look(1), look(1); }, [&] { look(2); });
  model::require(model::linearizable(h, register_of{0}).passed(), "it is a register");
}

// What was done before the store is known after the load.
void store_publishes() {
  frys::seqlock<int, with_model> lock(0);
  A::var<int> payload{0};
  model::threads(
      [&] {
        payload.ref() = 7;
        lock.store(1);
      },
      [&] {
        int got = 0;
        if (lock.try_load(got) && got == 1) model::require(payload.get() == 7, "what came before the store is there");
      });
}

// Two writers by the lock bit.
void two_store_locked() {
  lock_of_pair lock;
  model::threads([&] { lock.store_locked({1, 1}); }, [&] { lock.store_locked({2, 2}); });
  pair p;
  model::require(lock.try_load(p) && p.a == p.b && p.a != 0, "one store stands, whole");
  model::require(lock.stores() == 2, "both were done");
}
void two_update_locked() {
  lock_of_pair lock;
  const auto add = [&] {
    lock.update_locked([](pair& p) {
      model::require(p.a == p.b, "a change begins with a whole value");
      ++p.a, ++p.b;
    });
  };
  model::threads(add, add);
  const pair p = lock.load();
  model::require(p.a == 2 && p.b == 2, "no change is lost");
}
void writers_and_reader() {
  lock_of_pair lock;
  model::threads(
      [&] {
        lock.store_locked({1, 1});
      },
      [&] { lock.update_locked([](pair& p) {
              p = {p.a + 2, p.b + 2};
            }); },
      [&] {
        pair p;
        if (lock.try_load(p)) model::require(p.a == p.b, "what was read belongs together");
      });
  pair p;
  model::require(lock.try_load(p) && p.a == p.b && (p.a == 1 || p.a == 3), "each was done once");
}

// What a thread did before a locked store is known to the one that stores after it, and to who reads that.
void locked_stores_publish() {
  frys::seqlock<int, with_model> lock(0);
  A::var<int> payload{0};
  model::threads(
      [&] {
        payload.ref() = 7;
        lock.store_locked(1);
      },
      [&] {
        bool after = false;
        lock.update_locked([&](int& v) {
          after = v == 1;
          v = 2;
        });
        if (after) model::require(payload.get() == 7, "what came before the store is there");
      });
}

// The writer changes its own value.
void update_against_load() {
  lock_of_pair lock;
  model::threads([&] { lock.update([](pair& p) {
                         p = {p.a + 1, p.b + 1};
                       }); },
                 [&] {
                   pair p;
                   if (lock.try_load(p)) model::require(p.a == p.b, "what was read belongs together");
                   model::require(lock.stores() <= 1, "a store counts once");
                 });
}

TEST_CASE("seqlock under the model: loads answer whole values") {
  holds(&load_against_store);
  holds(&try_load_against_store);
  holds(&update_against_load);
}
TEST_CASE("seqlock under the model: it is linearizable as a register") { holds(&is_a_register); }
TEST_CASE("seqlock under the model: a store publishes what came before it") { holds(&store_publishes); }
TEST_CASE("seqlock under the model: several writers by the lock bit lose nothing") {
  holds(&two_store_locked);
  holds(&two_update_locked);
  holds(&writers_and_reader);
  holds(&locked_stores_publish);
}
// 2 looks of 2 words: sequence, words, fence, sequence, pause.
TEST_CASE("seqlock under the model: store and try_load are wait-free") {
  const model::report r = model::check(model::exhaustive{.most_thread_steps = 14}, [] {
    lock_of_pair lock;
    model::threads(
        [&] {
          lock.store({1, 1});
          lock.store({2, 2});
        },
        [&] {
          pair p;
          (void)lock.try_load(p, 2);
        });
  });
  INFO(r.text());
  CHECK(r.passed());
  CHECK(r.complete);
  const model::report waits = model::check(model::lock_freedom{.executions = 500}, [] {
    lock_of_pair lock;
    model::threads([&] { lock.store({1, 1}); }, [&] { (void)lock.load(); });
  });
  CHECK_FALSE(waits.passed());  // load waits for a writer that was stopped half way, as its header says
}

}  // namespace
