// expect: frys::when_all: a container is given away; write when_all(std::move(tasks))
#include <frys/sched/task.hpp>
#include <frys/sched/when_all.hpp>

template <class T>
struct container {
  T* begin();
  T* end();
  void push_back(T&&);
};
using tasks = container<frys::task<int>>;
#ifdef WRONG
void body(tasks& all) { (void)frys::when_all(all); }
#else
void body(tasks& all) { (void)frys::when_all(std::move(all)); }
#endif
