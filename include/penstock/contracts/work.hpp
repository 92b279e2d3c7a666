// One request as a value, and what became of it. Trivially copyable: no string, lock or clock.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/ids.hpp"

#include <array>
#include <cstdint>
#include <type_traits>

namespace penstock {

inline constexpr std::size_t max_pools = 8;
inline constexpr std::size_t max_tried = 8;

// A short list without allocation.
template <class T, std::size_t N>
struct inline_list {
    std::uint8_t size = 0;
    std::array<T, N> items{};

    constexpr const T* begin() const noexcept { return items.data(); }
    constexpr const T* end() const noexcept { return items.data() + size; }
    constexpr bool empty() const noexcept { return size == 0; }
    constexpr bool contains(T item) const noexcept {
        for (T each : *this)
            if (each == item) return true;
        return false;
    }
    // False when the list is full; the item is then not in it.
    constexpr bool push(T item) noexcept {
        if (size == N) return false;
        items[size++] = item;
        return true;
    }
};

using pool_list = inline_list<pool_index, max_pools>;
using tried_list = inline_list<replica_index, max_tried>;

// Made at the end of *read*; version and pools are set by *steer*, `tried` by *forward*. A decision
// looks at several that wait: what it reads of them fills two cache lines, and the rest comes last.
struct work {
    std::uint64_t id = 0;
    tenant_index tenant;
    key_index key;
    request_class klass = request_class::realtime;
    bool streamed = false;
    bool no_queue = false;
    bool elsewhere = false;  // another model would take it: nothing is waited for that is not up
    model_index model;       // as asked, after aliasing
    version_index version;
    pool_list pools;  // those that may serve it, preferred first

    std::uint32_t prompt_tokens = 0;    // estimate
    std::uint32_t prompt_error = 0;     // ± tokens
    std::uint32_t output_expected = 0;  // tokens
    std::uint32_t output_limit = 0;     // tokens; 0: none known
    std::uint32_t cached_hint = 0;      // tokens that a replica may hold already

    std::uint64_t affinity = 0;        // hash of session, user or first 2 KiB of text; 0: none
    std::uint64_t needs = 0;           // what a replica must offer: a bit per route
    time_point ttft_deadline = never;  // for the first token; `never` where there is no stream
    time_point deadline = never;
    tried_list tried;  // excluded so far
    time_point arrived{};
};
static_assert(std::is_trivially_copyable_v<work>);

// Tokens of one answer.
struct usage {
    std::uint64_t prompt = 0;
    std::uint64_t cached = 0;  // of prompt
    std::uint64_t output = 0;
    bool known = false;      // said by the upstream
    bool estimated = false;  // our own count: the answer ended before usage was said
};

enum class ending : std::uint8_t { upstream_error, served, client_gone, refused, expired };

// The default is failure, as for every receipt.
struct outcome {
    ending end = ending::upstream_error;
    int attempts = 0;
    usage used;
};

}  // namespace penstock
