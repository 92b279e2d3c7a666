// A tiny model on a backend, and sequences that are fed to it in steps of any shape.
#pragma once

#include "support/tiny_checkpoint.hpp"
#include "worker/models/catalogue.hpp"
#include "worker/models/reference/reference_backend.hpp"
#include "worker/ops/cpu/cpu_backend.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace penstock::worker {

struct backend_row {
    std::string name;
    std::function<std::unique_ptr<backend>()> make;
};

template <class T>
T must(result<T> made) {
    if (!made) throw std::runtime_error(made.error().detail);
    return std::move(made).value();
}

// Backends that every test of a model runs on: the reference, and the CPU with each set of kernels
// that this machine can run.
inline std::vector<backend_row> test_backends() {
    std::vector<backend_row> made = {
        {"reference", [] { return std::make_unique<reference::reference_backend>(); }},
    };
    for (const cpu_kernels* kernels : usable_kernels()) {
        std::string name = kernels->name;
        std::ranges::replace(name, ' ', '_');
        const unsigned threads = kernels == &portable_kernels() ? 1 : 2;
        made.push_back({name, [=] { return must(open_cpu(*kernels, threads)); }});
    }
    return made;
}

// Tokens, the pages that hold their keys and values, and how many are computed.
struct fed_sequence {
    std::vector<token_id> tokens;
    std::vector<page_id> pages;
    std::uint32_t computed = 0;
};

// Appends the next `num_rows` tokens of a sequence to a step.
inline void add_rows(step_batch& batch, fed_sequence& sequence, std::uint32_t num_rows) {
    const auto first = static_cast<std::uint32_t>(batch.num_rows());
    batch.sequences.push_back(
        {first,
         num_rows,
         sequence.computed + num_rows,
         static_cast<std::uint32_t>(batch.pages.size())}
    );
    batch.pages.insert(batch.pages.end(), sequence.pages.begin(), sequence.pages.end());
    for (std::uint32_t i = 0; i < num_rows; ++i) {
        const std::uint32_t position = sequence.computed + i;
        batch.tokens.push_back(sequence.tokens.at(position));
        batch.positions.push_back(position);
        batch.slots.push_back(
            sequence.pages.at(position / page_size) * page_size + position % page_size
        );
    }
    sequence.computed += num_rows;
}

struct running_model {
    std::unique_ptr<backend> device;
    std::unique_ptr<language_model> model;
    std::unique_ptr<kv_store> kv;

    // Rows of a step whose logits are wanted, in fp32.
    std::vector<float> logits(const step_batch& batch) {
        return download(model->forward(batch, *kv));
    }
    std::vector<float> download(tensor value) {
        std::vector<float> numbers(value.rows * value.columns);
        device->download(value, numbers);
        return numbers;
    }
};

inline constexpr std::uint32_t test_pages = 24;
inline constexpr std::size_t test_rows = 512;

inline running_model start(
    const backend_row& on, const test::tiny_spec& spec, const load_options& options = {}
) {
    const test::temporary_folder folder;
    test::write_tiny_checkpoint(folder.path(), spec);
    running_model made;
    made.device = on.make();
    checkpoint weights = must(checkpoint::open(folder.path()));
    made.model = must(load_model(folder.path(), weights, *made.device, options));
    const model_shape& shape = made.model->shape();
    if (!made.model->reserve(test_rows, test_rows)) throw std::runtime_error("reserve");
    made.kv =
        must(made.device->make_kv_store(shape.num_layers, test_pages, shape.attention, shape.type));
    return made;
}

}  // namespace penstock::worker
