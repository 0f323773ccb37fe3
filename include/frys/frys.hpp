// frys: the umbrella. Everything that needs no outside library and no opt-in, and behind gates what does.
//
// Always in it   core, memory, queue, sched's tasks and timers, io (epoll, POSIX files), the codecs of net without a
//                library.
// Room gates     #define FRYS_WITH_<ROOM> 1 before the include: SCHED (the scheduler, fork-join, fibers, the blocking
//                pool, what tasks wait for; of core threads, contexts, the fast clock), SIMD, STORAGE, SEARCH, NET,
//                SIM. Parts of rooms have their own: CALENDAR (sched/cron.hpp, time_zone.hpp, calendar.hpp,
//                start_phases.hpp, components.hpp), SENDERS (sched/senders.hpp, std_stop_token.hpp), PMR
//                (memory/pmr.hpp) and DIAGNOSTICS (memory/tracked.hpp, leak_checked.hpp, hardened.hpp,
//                pool_registry.hpp). FRYS_WITH_ALL turns on each of these that is not turned off by name.
// Library gates  FRYS_WITH_HIGHWAY, FRYS_WITH_URING, FRYS_WITH_BOOST_LOCKFREE, FRYS_WITH_ASIO, FRYS_WITH_JEMALLOC,
//                FRYS_WITH_MIMALLOC: one by one, never by FRYS_WITH_ALL: the library must be there.
// A gate         adds names and never changes a type. This file has no include guard, the headers have: a second
//                include after more room gates adds what is new. Library gates are set before the first include.
// Use when       convenience counts more than compile time; else include the block's own header.

#if defined(FRYS_WITH_ALL) && FRYS_WITH_ALL
#ifndef FRYS_WITH_SIMD
#define FRYS_WITH_SIMD 1
#endif
#ifndef FRYS_WITH_STORAGE
#define FRYS_WITH_STORAGE 1
#endif
#ifndef FRYS_WITH_SEARCH
#define FRYS_WITH_SEARCH 1
#endif
#ifndef FRYS_WITH_NET
#define FRYS_WITH_NET 1
#endif
#ifndef FRYS_WITH_SIM
#define FRYS_WITH_SIM 1
#endif
#ifndef FRYS_WITH_PMR
#define FRYS_WITH_PMR 1
#endif
#ifndef FRYS_WITH_DIAGNOSTICS
#define FRYS_WITH_DIAGNOSTICS 1
#endif
#ifndef FRYS_WITH_SCHED
#define FRYS_WITH_SCHED 1
#endif
#ifndef FRYS_WITH_CALENDAR
#define FRYS_WITH_CALENDAR 1
#endif
#ifndef FRYS_WITH_SENDERS
#define FRYS_WITH_SENDERS 1
#endif
#endif

#include "config.hpp"
#include "policy.hpp"

#include "core/assert.hpp"
#include "core/asymmetric_fence.hpp"
#include "core/atomics.hpp"
#include "core/awaitable.hpp"
#include "core/backoff.hpp"
#include "core/bytes.hpp"
#include "core/cache_line.hpp"
#include "core/clock.hpp"
#include "core/concepts.hpp"
#include "core/counter.hpp"
#include "core/deadline.hpp"
#include "core/error.hpp"
#include "core/eventcount.hpp"
#include "core/fwd.hpp"
#include "core/hash.hpp"
#include "core/intrusive_list.hpp"
#include "core/local_atomics.hpp"
#include "core/os_thread.hpp"
#include "core/parker.hpp"
#include "core/poison.hpp"
#include "core/result.hpp"
#include "core/stop_token.hpp"
#include "core/type_id.hpp"
#include "core/wait.hpp"
#include "core/word_lock.hpp"
#include "core/work.hpp"

#include "memory/allocated_ptr.hpp"
#include "memory/allocator_pages.hpp"
#include "memory/allocator_ref.hpp"
#include "memory/arena.hpp"
#include "memory/biased_ptr.hpp"
#include "memory/block_pool.hpp"
#include "memory/buffer.hpp"
#include "memory/buffer_pool.hpp"
#include "memory/compacting_pool.hpp"
#include "memory/concurrent_arena.hpp"
#include "memory/epoch_domain.hpp"
#include "memory/fallback.hpp"
#include "memory/fwd.hpp"
#include "memory/hazard_domain.hpp"
#include "memory/heap.hpp"
#include "memory/huge_pages.hpp"
#include "memory/intrusive_ptr.hpp"
#include "memory/leak_domain.hpp"
#include "memory/limited.hpp"
#include "memory/meshing_pool.hpp"
#include "memory/numa.hpp"
#include "memory/object_pool.hpp"
#include "memory/offset_ptr.hpp"
#include "memory/page_frames.hpp"
#include "memory/pages.hpp"
#include "memory/process_heap.hpp"
#include "memory/qsbr_domain.hpp"
#include "memory/reclaim.hpp"
#include "memory/shared_memory.hpp"
#include "memory/shared_object_pool.hpp"
#include "memory/shared_region.hpp"
#include "memory/slot_map.hpp"
#include "memory/small_vector.hpp"
#include "memory/stable_vector.hpp"
#include "memory/std_allocator.hpp"
#include "memory/synchronized.hpp"
#include "memory/system_allocator.hpp"

#include "queue/awaiting.hpp"
#include "queue/bag.hpp"
#include "queue/blocking.hpp"
#include "queue/broadcast_ring.hpp"
#include "queue/concepts.hpp"
#include "queue/fwd.hpp"
#include "queue/intrusive_mpsc_queue.hpp"
#include "queue/lanes.hpp"
#include "queue/lookup_cache.hpp"
#include "queue/mpmc_ring.hpp"
#include "queue/mpsc_queue.hpp"
#include "queue/order.hpp"
#include "queue/overflow.hpp"
#include "queue/policies.hpp"
#include "queue/rcu_cell.hpp"
#include "queue/readers.hpp"
#include "queue/relaxed_priority_queue.hpp"
#include "queue/result.hpp"
#include "queue/segment_queue.hpp"
#include "queue/seqlock.hpp"
#include "queue/sharded_map.hpp"
#include "queue/shared_ring.hpp"
#include "queue/spsc_ring.hpp"
#include "queue/stats.hpp"
#include "queue/stealing_deque.hpp"

#include "sched/cancel.hpp"
#include "sched/frame_cache.hpp"
#include "sched/fwd.hpp"
#include "sched/task.hpp"
#include "sched/timer_wheel.hpp"

#include "io/blocking_files.hpp"
#include "io/choose.hpp"
#include "io/epoll_reactor.hpp"
#include "io/fwd.hpp"
#include "io/options.hpp"
#include "io/os_error.hpp"
#include "io/posix_files.hpp"
#include "io/socket.hpp"
#include "io/uring_reactor.hpp"

#include "net/fwd.hpp"
#include "net/resp.hpp"
#include "net/resp_decoder.hpp"
#include "net/resp_output.hpp"
#include "net/resp_reply.hpp"
#include "net/resp_writer.hpp"

#if defined(FRYS_WITH_HIGHWAY) && FRYS_WITH_HIGHWAY
#include "with/highway.hpp"
#endif
#if defined(FRYS_WITH_URING) && FRYS_WITH_URING
#include "with/uring.hpp"
#endif
#if defined(FRYS_WITH_BOOST_LOCKFREE) && FRYS_WITH_BOOST_LOCKFREE
#include "with/boost_lockfree.hpp"
#endif
#if defined(FRYS_WITH_ASIO) && FRYS_WITH_ASIO
#include "with/asio.hpp"
#endif
#if defined(FRYS_WITH_JEMALLOC) && FRYS_WITH_JEMALLOC
#include "with/jemalloc.hpp"
#endif
#if defined(FRYS_WITH_MIMALLOC) && FRYS_WITH_MIMALLOC
#include "with/mimalloc.hpp"
#endif
#if defined(FRYS_WITH_SIMD) && FRYS_WITH_SIMD
#include "simd/bytes.hpp"
#include "simd/checksum.hpp"
#include "simd/distance.hpp"
#include "simd/fwd.hpp"
#include "simd/target.hpp"
#endif
#if defined(FRYS_WITH_STORAGE) && FRYS_WITH_STORAGE
#include "storage/durability.hpp"
#include "storage/fwd.hpp"
#include "storage/memtable.hpp"
#include "storage/wal.hpp"
#endif
#if defined(FRYS_WITH_SEARCH) && FRYS_WITH_SEARCH
#include "search/flat_index.hpp"
#include "search/fwd.hpp"
#include "search/metric.hpp"
#endif
#if defined(FRYS_WITH_DIAGNOSTICS) && FRYS_WITH_DIAGNOSTICS
#include "memory/diagnostics.hpp"
#include "memory/hardened.hpp"
#include "memory/leak_checked.hpp"
#include "memory/pool_registry.hpp"
#include "memory/tracked.hpp"
#endif
#if defined(FRYS_WITH_SCHED) && FRYS_WITH_SCHED
#include "core/context.hpp"
#include "core/thread.hpp"
#include "core/tsc_clock.hpp"
#include "sched/async_event.hpp"
#include "sched/async_latch.hpp"
#include "sched/async_mutex.hpp"
#include "sched/async_scope.hpp"
#include "sched/async_semaphore.hpp"
#include "sched/blocking_pool.hpp"
#include "sched/channel.hpp"
#include "sched/discipline.hpp"
#include "sched/feedback.hpp"
#include "sched/fiber.hpp"
#include "sched/fork_join.hpp"
#include "sched/forked.hpp"
#include "sched/from_callback.hpp"
#include "sched/generator.hpp"
#include "sched/scheduler.hpp"
#include "sched/shared_timer_wheel.hpp"
#include "sched/stack_pool.hpp"
#include "sched/task_group.hpp"
#include "sched/timeout.hpp"
#include "sched/topology.hpp"
#include "sched/trace.hpp"
#include "sched/when_all.hpp"
#include "sched/when_any.hpp"
#endif
#if defined(FRYS_WITH_CALENDAR) && FRYS_WITH_CALENDAR
#include "sched/calendar.hpp"
#include "sched/civil_time.hpp"
#include "sched/components.hpp"
#include "sched/cron.hpp"
#include "sched/start_phases.hpp"
#include "sched/time_zone.hpp"
#include "sched/zoned_cron.hpp"
#endif
#if defined(FRYS_WITH_SENDERS) && FRYS_WITH_SENDERS
#include "sched/senders.hpp"
#include "sched/std_stop_token.hpp"
#endif
#if defined(FRYS_WITH_PMR) && FRYS_WITH_PMR
#include "memory/pmr.hpp"
#include "memory/pool_resource.hpp"
#endif
#if defined(FRYS_WITH_SIM) && FRYS_WITH_SIM
#include "sim/clock.hpp"
#include "sim/counting.hpp"
#include "sim/disk.hpp"
#include "sim/fwd.hpp"
#include "sim/model.hpp"
#include "sim/random.hpp"
#include "sim/run.hpp"
#include "sim/world.hpp"
#endif
