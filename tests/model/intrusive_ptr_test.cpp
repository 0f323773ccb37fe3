#include <frys/memory/biased_ptr.hpp>
#include <frys/memory/intrusive_ptr.hpp>

#include "blocks.hpp"

namespace {

using namespace blocks;

struct into_model {
  template <class T>
  static void reclaim(T* object) noexcept {
    object->~T();
    A::free(object);
  }
};
// An object in the model's memory whose elements are checked at each use, and at their end.
template <class Count>
struct counted_object : frys::ref_counted<counted_object<Count>, with_model, frys::policy::count<Count>,
                                          frys::policy::release<into_model>> {
  // As a callback that is called from here may do: the object still ends once, whichever way to its end was taken.
  ~counted_object() { const auto self = frys::intrusive_ptr<counted_object>::share(this); }
  element parts[2] = {0, 0};
};
using object = counted_object<frys::counts::atomic>;
using local_object = counted_object<frys::counts::local>;
using biased_object = counted_object<frys::counts::biased>;
template <class T>
using ptr = frys::intrusive_ptr<T>;

template <class T>
ptr<T> make() {
  return ptr<T>::adopt(::new (A::alloc(sizeof(T))) T);
}

// Two owners use the object and leave; the last one ends it, after both are done with it.
void two_owners() {
  ptr<object> first = make<object>(), second = first;
  model::threads([&] { first->parts[0] = 1, first.reset(); }, [&] { second->parts[1] = 2, second.reset(); });
}

void three_owners() {
  ptr<object> first = make<object>(), second = first, third = first;
  model::threads([&] { first->parts[0] = 1, first.reset(); }, [&] { second->parts[1] = 2, second.reset(); },
                 [&] { third.reset(); });
}

// One shares again while the other one leaves.
void copy_against_drop() {
  ptr<object> first = make<object>(), second = first;
  model::threads(
      [&] {
        const ptr<object> third = first;
        first.reset();
        (void)third->parts[0].get();
      },
      [&] {
        (void)second->parts[0].get();
        second.reset();
      });
}

// Who finds itself the only owner may write where the others have read.
void write_when_unique() {
  ptr<object> first = make<object>(), second = first;
  model::threads(
      [&] {
        if (first->is_unique()) first->parts[0] = 7;
      },
      [&] {
        (void)second->parts[0].get();
        second.reset();
      });
}

// The count itself is what two threads must not touch.
void local_on_two_threads() {
  ptr<local_object> first = make<local_object>(), second = first;
  model::threads([&] { first.reset(); }, [&] { second.reset(); });
}

// The owner copies and drops without an atomic while another thread leaves; whoever is last ends the object.
void owner_against_another() {
  frys::biased_ptr<biased_object> mine(make<biased_object>());
  ptr<biased_object> theirs = mine.share();
  model::threads(
      [&] {
        frys::biased_ptr<biased_object> copy = mine;
        mine.reset();
        copy->parts[0] = 1;
        copy.reset();
      },
      [&] {
        theirs->parts[1] = 2;
        theirs.reset();
      });
}

// The owner goes, and who takes his message becomes the owner.
void owner_after_owner() {
  ptr<biased_object> first = make<biased_object>(), second = first;
  model::threads(
      [&] {
        frys::biased_ptr<biased_object> mine(std::move(first));
        const frys::biased_ptr<biased_object> copy = mine;
        mine.reset();
        copy->parts[0] = 1;
      },
      [&] { (void)second->parts[1].get(); });
  frys::biased_ptr<biased_object> mine(std::move(second));
  const frys::biased_ptr<biased_object> copy = mine;
  model::require(copy->use_count() == 1, "the first owner has left");
}

TEST_CASE("intrusive_ptr under the model: the owner's own count, and another owner") { holds(&owner_against_another); }
TEST_CASE("intrusive_ptr under the model: an owner after another") { holds(&owner_after_owner); }
TEST_CASE("intrusive_ptr under the model: the last of two owners ends the object, after both are done with it") {
  holds(&two_owners);
}
TEST_CASE("intrusive_ptr under the model: three owners, one end") { holds(&three_owners); }
TEST_CASE("intrusive_ptr under the model: an object that is shared again stays") { holds(&copy_against_drop); }
TEST_CASE("intrusive_ptr under the model: the only owner may write") { holds(&write_when_unique); }
TEST_CASE("intrusive_ptr under the model: a local count on two threads is a race, and the model says so") {
  CHECK_FALSE(model::check(all, &local_on_two_threads).passed());
}

}  // namespace
