// Where the keys and values of one layer lie: page by page, head by head, each page of a head as
// panels that the products of attention read as they are.
//
// Keys: the outputs of a panel are keys, its inputs the numbers of a head (scores = q · kᵀ).
// Values: the outputs are the numbers of a head, padded to whole panels, its inputs the keys.
#pragma once

#include "worker/ops/backend.hpp"
#include "worker/ops/cpu/panels.hpp"

#include <cstddef>

namespace penstock::worker {

struct kv_layout {
    std::size_t lanes = 0;
    std::size_t head_dim = 0;
    std::size_t num_kv_heads = 0;

    constexpr std::size_t padded_dim() const noexcept { return rounded_up(head_dim, 2 * lanes); }
    constexpr std::size_t keys_of_head() const noexcept { return page_size * head_dim; }
    constexpr std::size_t values_of_head() const noexcept { return page_size * padded_dim(); }
    constexpr std::size_t numbers_of_head() const noexcept {
        return keys_of_head() + values_of_head();
    }
    constexpr std::size_t numbers_of_page() const noexcept {
        return num_kv_heads * numbers_of_head();
    }
};

// Writes one token's key and value of one head into its page.
template <class Number>
void store_key_value(
    const kv_layout& layout, Number* head, std::size_t place, const float* key, const float* value
) noexcept {
    for (std::size_t d = 0; d < layout.head_dim; ++d)
        head[place_in_panels<Number>(place, d, layout.head_dim, layout.lanes)] =
            narrow<Number>(key[d]);
    Number* values = head + layout.keys_of_head();
    for (std::size_t d = 0; d < layout.head_dim; ++d)
        values[place_in_panels<Number>(d, place, page_size, layout.lanes)] =
            narrow<Number>(value[d]);
}

}  // namespace penstock::worker
