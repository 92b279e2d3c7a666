// Who shares a pool: one flow for each tenant and class that waits there or did not long ago.
#pragma once

#include "penstock/ids.hpp"
#include "policies/admission/deadline_queue.hpp"

#include <cstdint>
#include <vector>

namespace penstock::admission {

struct flow_key {
    pool_index pool;
    request_class klass = request_class::realtime;
    tenant_index tenant;
    friend bool operator==(const flow_key&, const flow_key&) = default;
};

struct flow {
    flow_key key;
    double served = 0;     // weighted tokens, lifted to the others' when it comes back from idle
    deadline_order order;  // of its tickets
    std::uint32_t waiting = 0;  // tickets
    double cost = 0;            // of those, in tokens that prefill takes
    std::uint32_t older = 0xffff'ffff, newer = 0xffff'ffff;  // among the idle
};

// Flows by key: open addressing, O(1). Those that wait are kept; of the others the last
// `idle_most`, so that a million tenants that come once leave no memory behind. One that is
// forgotten loses only what it was served beyond the others'.
class flow_table {
 public:
    static constexpr std::uint32_t none = 0xffff'ffff;

    // Room for so many flows that wait at once; more grow the table.
    void reserve(std::size_t waiting, std::size_t idle_most);

    // `none` when it is not known.
    std::uint32_t find(const flow_key& key) const noexcept;
    // A new flow is idle, and has been served nothing.
    std::uint32_t find_or_add(const flow_key& key);
    void begins_to_wait(std::uint32_t i) noexcept;
    // It may be forgotten at once.
    void becomes_idle(std::uint32_t i) noexcept;

    flow& operator[](std::uint32_t i) noexcept { return flows_[i]; }
    const flow& operator[](std::uint32_t i) const noexcept { return flows_[i]; }
    std::size_t size() const noexcept { return used_; }

 private:
    std::size_t home(const flow_key& key) const noexcept;
    std::size_t place_of(const flow_key& key) const noexcept;
    void grow(std::size_t places);
    void forget(std::uint32_t i) noexcept;
    void link(std::uint32_t i) noexcept;
    void unlink(std::uint32_t i) noexcept;

    std::vector<flow> flows_;
    std::vector<std::uint32_t> places_;  // a power of two, at most half full; none: empty
    std::vector<std::uint32_t> free_;
    std::size_t used_ = 0, idle_ = 0, idle_most_ = 0;
    std::uint32_t oldest_ = none, newest_ = none;  // idle
};

}  // namespace penstock::admission
