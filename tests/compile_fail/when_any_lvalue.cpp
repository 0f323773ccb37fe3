// expect: frys::when_any: a container is given away; write when_any(std::move(tasks))
#include <frys/sched/task.hpp>
#include <frys/sched/when_any.hpp>

template <class T>
struct container {
  T* begin();
  T* end();
  void push_back(T&&);
};
using tasks = container<frys::task<int>>;
#ifdef WRONG
void body(tasks& all) { (void)frys::when_any(all); }
#else
void body(tasks& all) { (void)frys::when_any(std::move(all)); }
#endif
