// fwd: the names of memory without their bodies.
#ifndef FRYS_MEMORY_FWD_HPP
#define FRYS_MEMORY_FWD_HPP

#include <cstddef>

#include "../config.hpp"

namespace frys::inline FRYS_ABI {

struct system_allocator;
template <class A>
struct allocator_pages;
struct allocation_site;
template <class A>
class allocator_ref;
template <class A>
class tagged_ref;
template <class A>
class allocator_deleter;
template <std::size_t Size, class... Policies>
class block_pool;
template <class... As>
class fallback;
template <class A, std::size_t N, class... Policies>
class limited;
template <class A, class... Policies>
class synchronized;
template <class A, class... Policies>
class tracked;
template <class A, class... Policies>
class leak_checked;
template <class A, class... Policies>
class hardened;
class any_allocator_ref;
template <class... Policies>
class basic_pool_registry;
using pool_registry = basic_pool_registry<>;
struct os_pages;
struct heap_pages;
class numa_topology;
struct numa_calls;
struct huge_page_calls;
template <class Calls>
struct basic_transparent_pages;
template <class Calls>
struct basic_hugetlb_pages;
template <class... Policies>
struct basic_buffer_block;
template <class... Policies>
class basic_buffer;
template <class... Policies>
class basic_buffer_chain;
using buffer_block = basic_buffer_block<>;
using buffer = basic_buffer<>;
using buffer_chain = basic_buffer_chain<>;
template <class... Policies>
class buffer_pool;
template <class... Policies>
class arena;
template <class... Policies>
class concurrent_arena;
template <class T, class A>
class std_allocator;
template <class A>
class allocator_resource;
template <class... Policies>
class heap;
class process_heap;
template <class... Policies>
class pool_resource;
template <class T, class... Policies>
class object_pool;
template <class T, class Bits>
class slot_handle;
template <class T, class... Policies>
class slot_map;
struct os_shared_memory;
template <class T>
class offset_ptr;
template <class T>
struct region_ptr;
template <class T>
struct region_span;
template <class... Policies>
class shared_region;
template <class T, class... Policies>
class ref_counted;
template <std::size_t Size, class... Policies>
class meshing_pool;
struct os_page_frames;
template <class T>
class intrusive_ptr;
template <class T>
class biased_ptr;
template <class T, class... Policies>
class compacting_pool;
template <class T, class... Policies>
class shared_object_pool;
template <class T, std::size_t N, class... Policies>
class small_vector;
template <class T, class... Policies>
class stable_vector;
template <class... Policies>
class epoch_domain;
template <class... Policies>
class hazard_domain;
template <class... Policies>
class qsbr_domain;
template <class... Policies>
class leak_domain;

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_FWD_HPP
