// A small world of sequences for the tests of attention: what was computed for each token, where
// its keys lie, and the answer in double precision.
#pragma once

#include "bench_of_ops.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace penstock::worker {

// The projections of one sequence's tokens: rows of q, k and v.
struct sequence {
    numbers qkv;
    std::vector<page_id> pages;
};

class attention_rig {
 public:
    attention_rig(
        const kind_of_backend& kind,
        unsigned threads,
        const attention_shape& shape,
        std::uint32_t num_pages,
        std::uint32_t max_positions
    )
        : device(open(threads, kind.portable)), shape(shape), type_(kind.type) {
        // No rotation at all: that one is right is another test.
        const std::size_t half = shape.head_dim / 2;
        const numbers cosines(max_positions * half, 1), sines(max_positions * half, 0);
        rotations_ = device->load_rotations(cosines, sines, max_positions).value();
        kv = device->make_kv_store(2, num_pages, shape, kind.type).value();
        free_.resize(num_pages);
        std::iota(free_.begin(), free_.end(), page_id(0));
    }

    // A sequence of `length` tokens whose pages lie about.
    sequence make(std::uint32_t length, unsigned seed) {
        std::mt19937 engine(seed);
        std::shuffle(free_.begin(), free_.end(), engine);
        sequence made{random_numbers(length * shape.qkv_columns(), seed), {}};
        for (std::uint32_t i = 0; i < length; i += page_size) {
            made.pages.push_back(free_.back());
            free_.pop_back();
        }
        return made;
    }

    // Fills every slot of every page of both layers with what is no number.
    void poison() {
        step_batch batch;
        const std::uint32_t slots = kv->num_pages() * page_size;
        numbers rows(slots * shape.qkv_columns(), NAN);
        batch.tokens.assign(slots, 0);
        batch.positions.assign(slots, 0);
        for (std::uint32_t i = 0; i < slots; ++i)
            batch.slots.push_back(i);
        for (const std::uint32_t layer : {0u, 1u})
            device->rotate_and_store(
                view(rows, shape.qkv_columns()), {}, *rotations_, batch, layer, *kv
            );
    }

    struct part {
        const sequence* of;
        std::uint32_t begin, end;  // tokens computed in this step
    };

    // One step over parts of sequences; the results of their rows, in order.
    numbers step(const std::vector<part>& parts, std::uint32_t layer = 1) {
        step_batch batch;
        numbers rows;
        const std::size_t columns = shape.qkv_columns();
        for (const auto& [of, begin, end] : parts) {
            batch.sequences.push_back(
                {std::uint32_t(batch.num_rows()),
                 end - begin,
                 end,
                 std::uint32_t(batch.pages.size())}
            );
            batch.pages.insert(batch.pages.end(), of->pages.begin(), of->pages.end());
            for (std::uint32_t i = begin; i < end; ++i) {
                batch.tokens.push_back(0);
                batch.positions.push_back(i);
                batch.slots.push_back(of->pages[i / page_size] * page_size + i % page_size);
            }
            rows.insert(
                rows.end(),
                of->qkv.begin() + std::ptrdiff_t(begin * columns),
                of->qkv.begin() + std::ptrdiff_t(end * columns)
            );
        }
        numbers out(batch.num_rows() * shape.q_columns(), NAN);
        device->rotate_and_store(view(rows, columns), {}, *rotations_, batch, layer, *kv);
        device->attend(view(rows, columns), batch, layer, *kv, view(out, shape.q_columns()));
        return out;
    }

    // What row `i` of the sequence attends to, one head.
    std::vector<double> reference(const sequence& of, std::uint32_t i, std::uint32_t head) const {
        const std::size_t columns = shape.qkv_columns(), dim = shape.head_dim;
        const std::size_t kv_head = head / (shape.num_heads / shape.num_kv_heads);
        const float* q = &of.qkv[i * columns + head * dim];
        const auto kept = [&](const float* x) {
            return type_ == dtype::bf16 ? double(widen(narrow<bf16>(*x))) : double(*x);
        };
        std::vector<double> scores, out(dim);
        for (std::uint32_t key = 0; key <= i; ++key) {
            const float* k = &of.qkv[key * columns + shape.q_columns() + kv_head * dim];
            double score = 0;
            for (std::size_t d = 0; d < dim; ++d)
                score += double(q[d]) * kept(k + d);
            scores.push_back(score * shape.scale);
        }
        const double largest = *std::ranges::max_element(scores);
        double total = 0;
        for (std::uint32_t key = 0; key <= i; ++key) {
            const double power = std::exp(scores[key] - largest);
            const float* v =
                &of.qkv[key * columns + shape.q_columns() + shape.kv_columns() + kv_head * dim];
            for (std::size_t d = 0; d < dim; ++d)
                out[d] += power * kept(v + d);
            total += power;
        }
        for (double& x : out)
            x /= total;
        return out;
    }

    std::unique_ptr<backend> device;
    attention_shape shape;
    std::unique_ptr<kv_store> kv;

 private:
    dtype type_;
    std::unique_ptr<matrix> rotations_;
    std::vector<page_id> free_;
};

inline std::vector<std::uint32_t> row_bits(const numbers& rows, std::size_t row, std::size_t n) {
    return bits_of(rows.data() + row * n, n);
}

}  // namespace penstock::worker
