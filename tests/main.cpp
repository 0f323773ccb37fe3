// The main of every test program: doctest's.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#if defined(__SANITIZE_THREAD__)
#define FRYS_TESTS_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FRYS_TESTS_UNDER_TSAN 1
#endif
#endif

#ifdef FRYS_TESTS_UNDER_TSAN
// Boost.Lockfree's free list writes the link of a node it owns plainly while another thread still reads the same word
// atomically and throws away what it read (its compare-and-swap fails on the tag). That race is Boost's and benign
// there; it is theirs alone that is hidden: a race of ours around the gate has no boost::lockfree frame in its stack.
// ThreadSanitizer calls this by name.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() { return "race:boost::lockfree::\n"; }
#endif
