// leak_checked: an allocator that knows each of its blocks, and says at its end which were not given back, and who took
// them.
//
// Use when  tests, and programs that must end clean: what is lost is named by file and line, tag, and call stack.
// Not when  in a hot path (tracked samples it), or the heap of the program is meant: -fsanitize=leak does that.
// Threads   one at a time; with policy::atomics<A> any, if the inner allocator takes any.
// Cost      an entry of a hash table for each block, some 50 ns for it and its end; with stacks::unwind a walk for
//           each allocation.
// Errors    the inner allocator's; errc::out_of_memory where its own table gets no pages.
// Lifetime  report may be called at any time: where a pool is torn down, at the end of a phase. The destructor reports
//           what is still out then, and gives none of it back.
//
// Policies, in any order, each at most once:
//   policy::atomics<A>    it is shared by threads                        default none: one thread
//   policy::stacks<S>     a call stack for each block                    default stacks::none
//   policy::report_to<R>  where the destructor's report goes             default reports::to_stderr
//   policy::pages<P>      where its tables lie                           default os_pages
#ifndef FRYS_MEMORY_LEAK_CHECKED_HPP
#define FRYS_MEMORY_LEAK_CHECKED_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "../config.hpp"
#include "../core/atomics.hpp"
#include "../core/concepts.hpp"
#include "../core/result.hpp"
#include "../policy.hpp"
#include "allocator_ref.hpp"
#include "detail/block_table.hpp"
#include "detail/sharing.hpp"
#include "detail/site_table.hpp"
#include "detail/text_line.hpp"
#include "detail/wrapped.hpp"
#include "diagnostics.hpp"
#include "pages.hpp"

namespace frys::inline FRYS_ABI {

template <class A, class... Policies>
class leak_checked : public detail::wrapped<A> {
  using accepted = policy::keys<policy::atomics_key, policy::stacks_key, policy::report_to_key, policy::pages_key>;
  static_assert(raw_allocator<A>, "frys::leak_checked<A>: A must be a raw_allocator, see core/concepts.hpp");
  static_assert(accepted::template known<Policies...>,
                "frys::leak_checked: unknown policy; it takes policy::atomics, policy::stacks, policy::report_to, "
                "policy::pages and policy::world");
  static_assert(accepted::template unique<Policies...>,
                "frys::leak_checked: a policy is given twice; name each at most once");
  using base = detail::wrapped<A>;
  using base::inner_;

 public:
  using atomics_type = detail::sharing<Policies...>;
  static_assert(atomics_model<atomics_type>,
                "frys::leak_checked: policy::atomics wants an atomics model, see core/atomics.hpp");
  using stacks_type = typename policy::pick<policy::stacks<stacks::none>, Policies...>::type;
  static_assert(stack_walker<stacks_type>,
                "frys::leak_checked: policy::stacks wants a stack walker, see memory/diagnostics.hpp");
  using report_type = typename policy::pick<policy::report_to<reports::to_stderr>, Policies...>::type;
  static_assert(report_sink<report_type>,
                "frys::leak_checked: policy::report_to wants a sink of text, see memory/diagnostics.hpp");
  using pages_type = typename policy::pick<policy::pages<os_pages>, Policies...>::type;
  static_assert(page_source<pages_type>,
                "frys::leak_checked: policy::pages wants a page source, see core/concepts.hpp");

  // The arguments make the inner allocator.
  template <class... Args>
  requires detail::wraps_from<leak_checked, A, Args...>
  explicit(sizeof...(Args) == 1) leak_checked(Args&&... args) : base(std::in_place, std::forward<Args>(args)...) {}
  ~leak_checked() {
    if (blocks_.size() != 0) report([](std::string_view text) { report_type::write(text); });
  }

  // How it is called in reports. Not copied: a literal.
  void set_name(std::string_view name) noexcept { name_ = name; }

  [[nodiscard]] result<void*> allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t),
                                       const allocation_site& site = {}) noexcept {
    result<void*> memory = detail::allocate_from(inner_, size, alignment, site);
    if (!memory) [[unlikely]]
      return memory;
    std::array<void*, (std::max)(stacks_type::depth, std::size_t{1})> frames{};
    const std::size_t depth = stacks_type::walk(frames.data());
    {
      held_lock hold(lock_);
      const std::uint32_t number = sites_.number_of(site, frames.data(), depth);
      const result<void> entered = blocks_.insert(*memory, block_record{number, size});
      if (entered) [[likely]] {
        sites_.took(number, 1, size);
        return memory;
      }
    }
    inner_.deallocate(*memory, size, alignment);
    return detail::allocator_refused(size);
  }
  void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    {
      // Before the block is back: another thread may be given the same address at once.
      held_lock hold(lock_);
      if (const block_record* found = blocks_.find(memory)) {
        sites_.gave(found->site, 1, found->size);
        blocks_.erase(memory);
      } else {
        ++unknown_;
      }
    }
    inner_.deallocate(memory, size, alignment);
  }
  [[nodiscard]] bool owns(const void* memory) const noexcept requires owning_allocator<A> {
    return inner_.owns(memory);
  }

  // Blocks that are out, and their bytes.
  [[nodiscard]] std::size_t live_count() const noexcept {
    held_lock hold(lock_);
    return blocks_.size();
  }
  [[nodiscard]] std::size_t live_bytes() const noexcept {
    held_lock hold(lock_);
    std::uint64_t sum = 0;
    sites_.for_each([&sum](const auto& s) { sum += s.live_bytes; });
    return static_cast<std::size_t>(sum);
  }
  // Writes what is out, a line for each place with its number, bytes, file, line, tag and stack, to write(string_view),
  // which must not allocate from this allocator. Answers how many blocks are out. Silent where there are none.
  template <class F>
  std::size_t report(F&& write) const {
    held_lock hold(lock_);
    if (blocks_.size() == 0) return 0;
    std::uint64_t bytes = 0;
    sites_.for_each([&bytes](const auto& s) { bytes += s.live_bytes; });
    detail::text_line line(write);
    line << "frys: " << name_ << ": " << blocks_.size() << " blocks of " << bytes << " bytes were not given back\n";
    sites_.for_each([&line](const auto& s) {
      if (s.live_count == 0) return;
      line << "  " << s.live_count << " of " << s.live_bytes << " bytes";
      if (s.site.line != 0) line << ", taken at " << s.site.file << ":" << s.site.line;
      if (!s.site.tag.empty()) line << ", tag " << s.site.tag;
      if (s.depth != 0) line << ", by";
      for (std::size_t i = 0; i < s.depth; ++i) {
        line << " ";
        line.hex(reinterpret_cast<std::uintptr_t>(s.frames[i]));
      }
      line << "\n";
    });
    if (unknown_ != 0) line << "  " << unknown_ << " times something came back that was not out\n";
    return blocks_.size();
  }

 private:
  struct block_record {
    std::uint32_t site;
    std::size_t size;
  };
  mutable detail::table_lock<atomics_type> lock_;
  mutable detail::site_table<stacks_type::depth, pages_type> sites_;
  detail::block_table<block_record, pages_type> blocks_;
  std::size_t unknown_ = 0;
  std::string_view name_ = "leak_checked";
};

}  // namespace frys::inline FRYS_ABI

#endif  // FRYS_MEMORY_LEAK_CHECKED_HPP
