// Indices into tables, as types that do not mix. Names are for people, indices for the path.
#pragma once

#include <cstdint>
#include <functional>

namespace penstock {

template <class Tag>
struct index {
    static constexpr std::uint32_t none = 0xffff'ffff;
    std::uint32_t value = none;

    constexpr bool valid() const noexcept { return value != none; }
    friend constexpr auto operator<=>(index, index) = default;
};

using tenant_index = index<struct tenant_tag>;
using key_index = index<struct key_tag>;
using model_index = index<struct model_tag>;
using version_index = index<struct version_tag>;
// Pools and replicas are numbered within their model's domain; a number is never given to another
// pool or replica while the process lives, so it may outlast a reload.
using pool_index = index<struct pool_tag>;
using replica_index = index<struct replica_tag>;

enum class request_class : std::uint8_t { realtime, bulk };
inline constexpr std::size_t num_classes = 2;

}  // namespace penstock

template <class Tag>
struct std::hash<penstock::index<Tag>> {
    std::size_t operator()(penstock::index<Tag> i) const noexcept { return i.value; }
};
