// Attention of neighbouring rows of one sequence over the pages of one kv head.
//
// A row's keys are taken in chunks of 256 and inside a chunk in pages of 64, both counted from the
// first key of the sequence. Inside a chunk the softmax is kept online, page after page; finished
// chunks are folded in their order. A row sees no key beyond its own, not even as a zero: its bits
// are those of the same row computed alone.
#pragma once

#include "worker/ops/cpu/kv_pages.hpp"
#include "worker/ops/cpu/multiply.hpp"
#include "worker/ops/cpu/row_kernels.hpp"

#include <cmath>
#include <cstddef>
#include <limits>

namespace penstock::worker {

// `group` query heads that share a kv head, of `num_positions` rows.
struct attend_block {
    kv_layout layout;
    const void* store = nullptr;     // the layer's pages
    const page_id* pages = nullptr;  // of the sequence
    std::size_t kv_head = 0;
    std::size_t group = 0;
    std::size_t num_positions = 0;
    std::size_t first_keys = 0;  // that the first row sees; the next sees one more
    float scale = 0;
    const float* q = nullptr;  // of the first row and head
    std::size_t q_stride = 0;
    float* out = nullptr;
    std::size_t out_stride = 0;
    float* scratch = nullptr;  // attend_scratch(…) numbers
};

constexpr std::size_t attend_scratch(const kv_layout& layout, std::size_t rows) noexcept {
    return rows * (layout.head_dim + page_size + 2 * layout.padded_dim() + 4);
}

// What is known of rows over some keys: the largest score, and the sums of e^(score - largest) and
// of the values times these.
struct softmax_sums {
    float* largest;
    float* total;
    float* values;
};

template <class Lanes, class Number>
class attend_kernel {
 public:
    explicit attend_kernel(const attend_block& block) noexcept
        : b_(block), rows_(block.group * block.num_positions), dim_(block.layout.padded_dim()) {
        float* at = block.scratch;
        const auto take = [&](std::size_t n) { return (at += n * rows_) - n * rows_; };
        q_ = take(block.layout.head_dim);
        scores_ = take(page_size);
        chunk_ = {take(1), take(1), take(dim_)};
        all_ = {take(1), take(1), take(dim_)};
    }

    void run() noexcept {
        take_queries();
        clear(all_, 0);
        const std::size_t last = b_.first_keys + b_.num_positions - 1;
        for (std::size_t begin = 0; begin < last; begin += attention_chunk) {
            const std::size_t end = begin + attention_chunk < last ? begin + attention_chunk : last;
            const std::size_t first = first_seeing(begin + 1);
            clear(chunk_, first * b_.group);
            for (std::size_t key = begin; key < end; key += page_size)
                add_page(key);
            for (std::size_t r = first * b_.group; r < rows_; ++r)
                fold(r);
        }
        give_results();
    }

 private:
    // The first position that sees `keys` keys.
    std::size_t first_seeing(std::size_t keys) const noexcept {
        return keys > b_.first_keys ? keys - b_.first_keys : 0;
    }

    void take_queries() noexcept {
        const std::size_t n = b_.layout.head_dim;
        for (std::size_t r = 0; r < rows_; ++r) {
            const float* from = b_.q + r / b_.group * b_.q_stride + r % b_.group * n;
            for (std::size_t i = 0; i < n; ++i)
                q_[r * n + i] = from[i] * b_.scale;
        }
    }

    void clear(const softmax_sums& sums, std::size_t first_row) noexcept {
        for (std::size_t r = first_row; r < rows_; ++r) {
            sums.largest[r] = -std::numeric_limits<float>::infinity();
            sums.total[r] = 0;
            for (std::size_t i = 0; i < dim_; ++i)
                sums.values[r * dim_ + i] = 0;
        }
    }

    // The page whose first key is `key`: positions that see a part of it go one by one, those that
    // see it whole together.
    void add_page(std::size_t key) noexcept {
        const std::size_t whole = first_seeing(key + page_size);
        std::size_t position = first_seeing(key + 1);
        for (; position < whole && position < b_.num_positions; ++position)
            add_keys(key, position, position + 1, b_.first_keys + position - key);
        if (position < b_.num_positions) add_keys(key, position, b_.num_positions, page_size);
    }

    void add_keys(
        std::size_t key, std::size_t first, std::size_t last, std::size_t num_keys
    ) noexcept {
        const kv_layout& layout = b_.layout;
        const Number* head = static_cast<const Number*>(b_.store) +
                             b_.pages[key / page_size] * layout.numbers_of_page() +
                             b_.kv_head * layout.numbers_of_head();
        const std::size_t width = 2 * Lanes::lanes;
        const std::size_t row = first * b_.group, num_rows = (last - first) * b_.group;
        const row_view scores{scores_ + row * page_size, page_size, num_rows};

        const panel_view<Number> keys{
            head, width * layout.head_dim, (num_keys + width - 1) / width, layout.head_dim
        };
        const row_view q{q_ + row * layout.head_dim, layout.head_dim, num_rows};
        multiply<Lanes, Number>(keys, q, scores, false);

        for (std::size_t r = row; r < row + num_rows; ++r)
            take_powers(r, num_keys);

        const panel_view<Number> values{
            head + layout.keys_of_head(), width * page_size, dim_ / width, num_keys
        };
        multiply<Lanes, Number>(values, scores, {chunk_.values + row * dim_, dim_, num_rows}, true);
    }

    // Scores of a row become powers of e; what was summed before is scaled to the new largest.
    void take_powers(std::size_t row, std::size_t num_keys) noexcept {
        float* scores = scores_ + row * page_size;
        for (std::size_t i = num_keys; i < page_size; ++i)
            scores[i] = -std::numeric_limits<float>::infinity();
        auto tops = Lanes::load(scores);
        for (std::size_t i = Lanes::lanes; i < page_size; i += Lanes::lanes)
            tops = Lanes::max(tops, Lanes::load(scores + i));
        float top[Lanes::lanes];
        Lanes::store(top, tops);
        float largest = chunk_.largest[row];
        for (const float value : top)
            largest = value > largest ? value : largest;

        auto sums = Lanes::zero();
        for (std::size_t i = 0; i < page_size; i += Lanes::lanes) {
            const auto power =
                exponential<Lanes>(Lanes::subtract(Lanes::load(scores + i), Lanes::all(largest)));
            Lanes::store(scores + i, power);
            sums = Lanes::add(sums, power);
        }
        const float kept = power_of(chunk_.largest[row] - largest);
        chunk_.largest[row] = largest;
        chunk_.total[row] = chunk_.total[row] * kept + sum_of_lanes<Lanes>(sums);
        for (std::size_t i = 0; i < dim_; ++i)
            chunk_.values[row * dim_ + i] *= kept;
    }

    void fold(std::size_t row) noexcept {
        const float before = all_.largest[row], now = chunk_.largest[row];
        const float largest = now > before ? now : before;
        const float kept = power_of(before - largest), added = power_of(now - largest);
        all_.largest[row] = largest;
        all_.total[row] = all_.total[row] * kept + chunk_.total[row] * added;
        for (std::size_t i = row * dim_; i < (row + 1) * dim_; ++i)
            all_.values[i] = all_.values[i] * kept + chunk_.values[i] * added;
    }

    void give_results() noexcept {
        for (std::size_t r = 0; r < rows_; ++r) {
            const std::size_t n = b_.layout.head_dim;
            float* to = b_.out + r / b_.group * b_.out_stride + r % b_.group * n;
            for (std::size_t i = 0; i < n; ++i)
                to[i] = all_.values[r * dim_ + i] / all_.total[r];
        }
    }

    static float power_of(float x) noexcept {
        float powers[Lanes::lanes];
        Lanes::store(powers, exponential<Lanes>(Lanes::all(x)));
        return powers[0];
    }

    const attend_block& b_;
    std::size_t rows_, dim_;
    float* q_;
    float* scores_;
    softmax_sums chunk_, all_;
};

}  // namespace penstock::worker
