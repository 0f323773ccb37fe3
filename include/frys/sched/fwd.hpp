// fwd: the names of sched without their bodies.
#ifndef FRYS_SCHED_FWD_HPP
#define FRYS_SCHED_FWD_HPP

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

template <class T>
class task;  // its default, void, stands in task.hpp
class task_scope;
template <class T, class... Policies>
class basic_task;
class frame_cache;
template <class... Policies>
class basic_frame_depot;
template <class... Policies>
class basic_stop_source;
template <class... Policies>
class basic_async_scope;
struct frame_memory;
struct timer;
template <class... Policies>
class timer_wheel;
template <class Host, class F>
class scoped_timer;
template <class Atomics>
class basic_shared_timer;
template <class... Policies>
class shared_timer_wheel;
struct civil_day;
struct civil_time;
class cron;
template <class... Components>
class components;
struct start_phase;
class phase_token;
template <class... Policies>
class start_phases;
class zoned_cron;
class calendar_job;
class date_hook;
template <class... Policies>
class calendar;
class time_zone;
class zone_cursor;

template <class... Policies>
class async_mutex;
template <class... Policies>
class async_semaphore;
template <class... Policies>
class async_event;
template <class... Policies>
class async_latch;

template <class Ref, class V, class Allocator>
class generator;  // its defaults, void, stand in generator.hpp
template <class T>
class async_generator;

template <class T, class... Policies>
class channel;

template <class... Policies>
class basic_feedback;
struct scheduler_options;
struct submit_options;
struct worker_stats;
template <class... Policies>
class scheduler;
template <class... Policies>
class basic_task_group;
template <class Task, class... Policies>
class forked;
template <class... Policies>
class blocking_pool;
class topology;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_SCHED_FWD_HPP
