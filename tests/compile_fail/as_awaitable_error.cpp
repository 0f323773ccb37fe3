// expect: frys::as_awaitable: the sender's error must be a frys::error or a std::exception_ptr; translate it before
#include <frys/sched/senders.hpp>

template <class E>
struct sender {
  template <class R>
  struct operation {
    R receiver;
    void start() noexcept { std::move(receiver).set_error(E{}); }
  };
  template <class R>
  operation<R> connect(R receiver) && {
    return {std::move(receiver)};
  }
};
#ifdef WRONG
void body() { (void)frys::as_awaitable<int>(sender<int>{}); }
#else
void body() { (void)frys::as_awaitable<int>(sender<frys::error>{}); }
#endif
