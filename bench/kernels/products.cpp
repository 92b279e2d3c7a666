// The linear layers of one step of a 0.5B-shaped model (Qwen2.5-0.5B) at several batch sizes, and
// its sampling.
#include "figures.hpp"
#include "worker/ops/backends.hpp"

#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace penstock::bench {
namespace {

using namespace worker;

constexpr std::size_t num_layers = 24, hidden = 896, mlp = 4864, vocabulary = 151'936;
constexpr std::size_t qkv = hidden + 2 * 128;

struct layer_shape {
    const char* name;
    std::size_t rows, columns;
};
constexpr layer_shape layers[] = {
    {"qkv", qkv, hidden}, {"o", hidden, hidden}, {"gate_up", 2 * mlp, hidden}, {"down", hidden, mlp}
};

std::unique_ptr<matrix> make(backend& device, std::size_t rows, std::size_t columns, dtype type) {
    // Small numbers of either type: both bytes of a bf16 0.0117…, near enough for speed.
    std::vector<std::byte> bytes(rows * columns * size_of(type));
    std::mt19937 engine(1);
    const std::uint32_t word = type == dtype::bf16 ? 0x3c403c40u : 0x3c400000u;
    for (std::size_t i = 0; i < bytes.size(); i += 4) {
        const std::uint32_t value = word ^ (engine() & 0x803f803fu);
        std::memcpy(bytes.data() + i, &value, 4);
    }
    const weight_rows part{bytes, type, rows, columns};
    return device.load({&part, 1}, {}).value();
}

struct model {
    std::vector<std::unique_ptr<matrix>> layers;  // of all 24: together larger than the caches
    std::unique_ptr<matrix> head;
    double parameters = 0;
};

model make_model(backend& device, dtype type) {
    model made;
    for (std::size_t i = 0; i < num_layers; ++i)
        for (const auto& [name, rows, columns] : layers) {
            made.layers.push_back(make(device, rows, columns, type));
            made.parameters += double(rows * columns);
        }
    made.head = make(device, vocabulary, hidden, type);
    made.parameters += double(vocabulary * hidden);
    return made;
}

struct activations {
    explicit activations(std::size_t rows)
        : in(rows * mlp, 0.5f),
          out(rows * 2 * mlp),
          logits(std::min<std::size_t>(rows, 16) * vocabulary) {}
    std::vector<float> in, out, logits;
};

// The products of one step in which every row, but at most 16, is sampled.
double seconds_of_step(backend& device, const model& m, std::size_t rows, double seconds) {
    activations a(rows);
    return fastest(seconds, [&] {
        for (const auto& w : m.layers)
            device.linear(*w, {a.in.data(), rows, w->columns()}, {a.out.data(), rows, w->rows()});
        const std::size_t sampled = rows <= 16 ? rows : 1;
        device.linear(
            *m.head, {a.in.data(), sampled, hidden}, {a.logits.data(), sampled, vocabulary}
        );
    });
}

void measure_layers(backend& device, const model& m, const std::string& type, const settings& how) {
    for (const std::size_t rows : {1u, 16u, 512u}) {
        activations a(rows);
        for (std::size_t i = 0; i < std::size(layers); ++i) {
            const auto& [name, outputs, inputs] = layers[i];
            const double seconds = fastest(how.seconds / 4, [&] {
                for (std::size_t k = i; k < m.layers.size(); k += std::size(layers))
                    device.linear(
                        *m.layers[k], {a.in.data(), rows, inputs}, {a.out.data(), rows, outputs}
                    );
            });
            const double products = 2.0 * double(rows * outputs * inputs * num_layers);
            say("linear_" + type + "_" + name + "_m" + std::to_string(rows),
                products / seconds / 1e9,
                "GFLOP/s");
        }
    }
}

void measure_type(const settings& how, dtype type, double bandwidth, double peak) {
    const auto device =
        open_backend("cpu", {.threads = how.threads, .portable = how.portable}).value();
    const std::string name = type == dtype::bf16 ? "bf16" : "f32";
    const model m = make_model(*device, type);
    const double one = seconds_of_step(*device, m, 1, 2 * how.seconds);
    const double sixteen = seconds_of_step(*device, m, 16, 2 * how.seconds);
    const double many = seconds_of_step(*device, m, 512, how.seconds);
    const double read = m.parameters * double(size_of(type)) / one;
    say("decode_" + name + "_m1", 1 / one, "tokens/s");
    say("decode_" + name + "_m1_read", read / 1e9, "GB/s");
    say("decode_" + name + "_m1_of_bandwidth", read / bandwidth, "ratio");
    say("decode_" + name + "_m16", 16 / sixteen, "tokens/s");
    say("decode_" + name + "_m16_over_m1", 16 * one / sixteen, "ratio");
    const double products = 2 * (m.parameters - double(vocabulary * hidden)) * 512;
    say("prefill_" + name + "_m512", 512 / many, "tokens/s");
    say("prefill_" + name + "_m512_rate", products / many / 1e9, "GFLOP/s");
    if (peak > 0) say("prefill_" + name + "_m512_of_peak", products / many / peak, "ratio");
    measure_layers(*device, m, name, how);
}

void measure_sampling(const settings& how) {
    const auto device = open_backend("cpu", {.threads = how.threads}).value();
    std::vector<float> logits(vocabulary);
    std::mt19937 engine(2);
    std::normal_distribution<float> draw(0, 3);
    for (float& logit : logits)
        logit = draw(engine);
    const auto measure = [&](const char* name, const sampling_params& params, bool logprobs) {
        const sampling_row row{
            .params = &params,
            .vocabulary = vocabulary,
            .logprobs = logprobs,
            .top_logprobs = std::uint8_t(logprobs ? 5 : 0)
        };
        sampled_token token;
        const double seconds = fastest(how.seconds / 4, [&] {
            device->sample({logits.data(), 1, vocabulary}, {&row, 1}, {&token, 1});
        });
        say(std::string("sample_") + name, seconds * 1e3, "ms");
    };
    measure("greedy", {.temperature = 0}, false);
    measure("plain", {}, false);
    measure("top_p", {.temperature = 0.7f, .top_k = 20, .top_p = 0.8f}, false);
    measure("only_top_p", {.top_p = 0.95f}, false);
    measure("logprobs", {.temperature = 0}, true);
}

}  // namespace

void measure_products(const settings& how, double bandwidth, double peak) {
    measure_type(how, dtype::bf16, bandwidth, peak);
    measure_type(how, dtype::f32, bandwidth, peak);
    measure_sampling(how);
}

}  // namespace penstock::bench
