// A model and a device without arithmetic: the logits of a row are a hash of every token that is
// read back through the page table, so that a wrong page, slot, position or neighbour changes them.
#pragma once

#include "worker/models/language_model.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace penstock::worker::test {

inline constexpr std::uint32_t fake_vocabulary = 101;
inline constexpr std::size_t fake_page_bytes = 1024;

constexpr std::uint64_t mixed(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t x = a * 0x9E3779B97F4A7C15u + b + 0x632BE59BD9B4E019u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

class fake_kv : public kv_store {
 public:
    fake_kv(std::uint32_t num_pages, const attention_shape& shape)
        : kv_store(1, num_pages, shape), cells(std::size_t{num_pages} * page_size) {}
    std::vector<std::uint64_t> cells;  // token and position of each slot
};

class fake_device final : public backend {
 public:
    std::string_view name() const noexcept override { return "fake"; }
    result<device_memory> allocate(std::size_t) override { return unused(); }
    std::size_t bytes_of(std::size_t, std::size_t) const noexcept override { return 0; }
    result<std::unique_ptr<matrix>> load(std::span<const weight_rows>, std::span<const float>)
        override {
        return unused();
    }
    result<std::unique_ptr<matrix>> load_rotations(
        std::span<const float>, std::span<const float>, std::size_t
    ) override {
        return unused();
    }
    std::size_t bytes_per_page(std::uint32_t num_layers, const attention_shape&, dtype type)
        const noexcept override {
        return fake_page_bytes * num_layers * size_of(type) / 4;
    }
    result<std::unique_ptr<kv_store>> make_kv_store(
        std::uint32_t, std::uint32_t num_pages, const attention_shape& shape, dtype
    ) override {
        if (num_pages > max_pages) return error(errc::internal, "the device has no room");
        return std::unique_ptr<kv_store>(std::make_unique<fake_kv>(num_pages, shape));
    }
    void embed(const matrix&, std::span<const token_id>, tensor) override { refuse(); }
    void gather(tensor, std::span<const std::uint32_t>, tensor) override { refuse(); }
    void rms_norm(tensor, const matrix&, float, tensor) override { refuse(); }
    void add_rms_norm(tensor, tensor, const matrix&, float, tensor) override { refuse(); }
    void linear(const matrix&, tensor, tensor) override { refuse(); }
    void silu_multiply(tensor, tensor) override { refuse(); }
    // clang-format off
    void rotate_and_store(
        tensor, const head_norms&, const matrix&, const step_batch&, std::uint32_t, kv_store&
    ) override { refuse(); }
    // clang-format on
    void attend(tensor, const step_batch&, std::uint32_t, const kv_store&, tensor) override {
        refuse();
    }
    void download(tensor, std::span<float>) override { refuse(); }
    void sample(tensor logits, std::span<const sampling_row> rows, std::span<sampled_token> out)
        override {
        for (std::size_t i = 0; i < rows.size(); ++i)
            out[i] = choose(logits.row(rows[i].row), rows[i]);
        if (after_sample) after_sample(out);
    }

    std::uint32_t max_pages = 1u << 20;
    std::function<void(std::span<sampled_token>)> after_sample;

 private:
    static error unused() { return error(errc::internal, "the fake has no such op"); }
    static void refuse() { throw std::logic_error("the fake has no such op"); }

    static float wish(const float* logits, const sampling_row& row, token_id id) {
        float wish = logits[id];
        for (const token_bias& b : row.bias)
            if (b.id == id) wish += b.bias;
        for (const token_count& seen : row.seen) {
            if (seen.id != id) continue;
            wish -= row.params->frequency_penalty * static_cast<float>(seen.in_output);
            wish -= row.params->repetition_penalty * static_cast<float>(seen.in_prompt);
        }
        if (row.params->temperature == 0) return wish;
        const std::uint64_t draw = mixed(mixed(row.params->seed, row.index), std::uint64_t(id));
        return wish + row.params->temperature * static_cast<float>(draw % 1000) / 250;
    }
    static sampled_token choose(const float* logits, const sampling_row& row) {
        sampled_token best{-1, 0, {}};
        float best_wish = -std::numeric_limits<float>::infinity(), sum = 0;
        for (token_id id = 0; std::uint32_t(id) < fake_vocabulary; ++id) {
            sum += std::exp(logits[id]);
            if (std::uint32_t(id) >= row.vocabulary) continue;
            if (std::ranges::find(row.forbidden, id) != row.forbidden.end()) continue;
            const float w = wish(logits, row, id);
            if (w > best_wish) best_wish = w, best.id = id;
        }
        if (row.logprobs) best.logprob = logits[best.id] - std::log(sum);
        if (row.logprobs && row.top_logprobs > 0) best.top.push_back({best.id, best.logprob});
        return best;
    }
};

class fake_model final : public language_model {
 public:
    explicit fake_model(std::uint32_t max_positions = 2048) {
        shape_.vocabulary = fake_vocabulary;
        shape_.num_layers = 1;
        shape_.attention = {1, 1, 2, 1};
        shape_.max_positions = max_positions;
    }
    const model_shape& shape() const noexcept override { return shape_; }
    result<void> reserve(std::size_t max_rows, std::size_t max_logit_rows) override {
        max_rows_ = max_rows;
        logits_.resize(max_logit_rows * fake_vocabulary);
        return success();
    }
    tensor forward(const step_batch& batch, kv_store& kv) override {
        if (before_forward) before_forward(batch);
        if (batch.num_rows() > max_rows_) throw std::logic_error("more rows than reserved");
        auto& cells = static_cast<fake_kv&>(kv).cells;
        for (std::size_t row = 0; row < batch.num_rows(); ++row)
            cells.at(batch.slots[row]) = cell(batch.tokens[row], batch.positions[row]);
        std::size_t wanted = 0;
        for (const sequence_rows& s : batch.sequences)
            for (std::uint32_t i = 0; i < s.num_rows; ++i)
                if (wanted < batch.logit_rows.size() && batch.logit_rows[wanted] == s.first_row + i)
                    write_logits(wanted++, prefix_of(batch, s, s.num_keys - s.num_rows + i, cells));
        if (wanted != batch.logit_rows.size()) throw std::logic_error("a logit row of no sequence");
        return {logits_.data(), wanted, fake_vocabulary};
    }
    void tap(stage_tap) override {}

    model_shape shape_;
    std::function<void(const step_batch&)> before_forward;

 private:
    static std::uint64_t cell(token_id token, std::uint32_t position) {
        return (std::uint64_t(token) << 32) + position + 1;
    }
    static std::uint64_t prefix_of(
        const step_batch& batch,
        const sequence_rows& s,
        std::uint32_t last,
        const std::vector<std::uint64_t>& cells
    ) {
        std::uint64_t hash = 1;
        for (std::uint32_t at = 0; at <= last; ++at) {
            const page_id page = batch.pages.at(s.first_page + at / page_size);
            hash = mixed(hash, cells.at(std::size_t{page} * page_size + at % page_size));
        }
        return hash;
    }
    void write_logits(std::size_t row, std::uint64_t prefix) {
        if ((row + 1) * fake_vocabulary > logits_.size())
            throw std::logic_error("more logit rows than reserved");
        for (std::uint32_t id = 0; id < fake_vocabulary; ++id)
            logits_[row * fake_vocabulary + id] =
                static_cast<float>(mixed(prefix, id) % 4096) / 512;
    }

    std::size_t max_rows_ = 0;
    std::vector<float> logits_;
};

}  // namespace penstock::worker::test
