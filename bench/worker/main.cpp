// What the bundled worker reaches of what the machine gives: a model in the shape of Qwen2.5-0.5B
// with random weights, the model that we ship, and a tokenizer, through the parts that serve
// requests.
//
//     bench_worker --scratch FOLDER [--model FOLDER] [--tokenizer FOLDER] [--threads N]
//         [--kernels avx512|avx2|portable] [--quick]
#include "bench/kernels/figures.hpp"
#include "bench/worker/random_checkpoint.hpp"
#include "bench/worker/timed_run.hpp"
#include "worker/engine/start.hpp"
#include "worker/models/catalogue.hpp"
#include "worker/ops/cpu/cpu_backend.hpp"
#include "worker/ops/cpu/thread_team.hpp"
#include "worker/text/tokenizer.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <random>
#include <string>

namespace {

using namespace penstock;
using bench::say;

struct arguments {
    std::filesystem::path scratch, model, tokenizer;
    bench::settings how{
        .threads = worker::num_usable_cores(), .kernels = worker::usable_kernels().front()
    };
    bool quick = false;
};

struct loaded {
    std::unique_ptr<worker::engine> engine;
    double seconds = 0;
    std::uint64_t bytes = 0;
};

result<loaded> load(
    const std::filesystem::path& folder, const bench::settings& how, std::uint32_t positions
) {
    loaded made;
    const auto began = std::chrono::steady_clock::now();
    TRY(auto device, worker::open_cpu(*how.kernels, how.threads));
    TRY(auto weights, worker::checkpoint::open(folder));
    weights.set_readers(how.threads);
    TRY(auto model, worker::load_model(folder, weights, *device, {.max_positions = positions}));
    made.bytes = weights.total_bytes();
    made.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    worker::engine_options options;
    options.reuse_prefixes = false;
    TRY(made.engine, worker::start_engine(std::move(device), std::move(model), options));
    return made;
}

// Decode at batch 1 and 16 as a share of the bandwidth that reading every weight once a step takes,
// prefill as a share of the peak of multiply-adds.
result<void> measure_shape(const arguments& given) {
    const bench::decoder_dimensions shape;
    const auto folder = given.scratch / "random-0.5b";
    CHECK(bench::write_random_checkpoint(folder, shape));
    const double bandwidth = bench::read_bandwidth(given.how), peak = bench::fma_peak(given.how);
    say("read_bandwidth", bandwidth / 1e9, "GB/s");
    say("fma_peak", peak / 1e9, "GFLOP/s");
    TRY(auto loaded, load(folder, given.how, 2048));
    say("load", double(loaded.bytes) / loaded.seconds / 1e9, "GB/s");

    auto& engine = *loaded.engine;
    const std::uint32_t output = given.quick ? 16 : 64;
    TRY(const auto one, bench::run_generations(engine, 1, 16, output));
    TRY(const auto sixteen, bench::run_generations(engine, 16, 16, output));
    TRY(const auto prompt, bench::run_generations(engine, 1, given.quick ? 512 : 1024, 2));
    const auto weights = double(shape.layer_weights() + shape.output_weights());
    say("decode_batch1", one.decode_rate(), "tokens/s");
    say("decode_batch1_of_bandwidth", one.decode_rate() * weights * 2 / bandwidth, "ratio");
    say("decode_batch16", sixteen.decode_rate(), "tokens/s");
    say("decode_batch16_over_batch1", sixteen.decode_rate() / one.decode_rate(), "ratio");
    say("prefill", prompt.prefill_rate(), "tokens/s");
    say("prefill_of_peak", prompt.prefill_rate() * 2 * double(shape.layer_weights()) / peak, "ratio"
    );
    say("decode_batch16_of_prefill", sixteen.decode_rate() / prompt.prefill_rate(), "ratio");
    return success();
}

result<void> measure_shipped(const arguments& given) {
    TRY(auto loaded, load(given.model, given.how, 0));
    TRY(const auto one, bench::run_generations(*loaded.engine, 1, 64, 256));
    TRY(const auto sixteen, bench::run_generations(*loaded.engine, 16, 64, 256));
    say("shipped_decode_batch1", one.decode_rate(), "tokens/s");
    say("shipped_decode_batch16", sixteen.decode_rate(), "tokens/s");
    say("shipped_prefill", sixteen.prefill_rate(), "tokens/s");
    return success();
}

// Text of words of many lengths, numbers, marks and lines, a tenth of it not English.
std::string some_text(std::size_t bytes) {
    static constexpr const char* words[] = {"the",        "gateway",
                                            "forwards",   "requests",
                                            "to",         "a",
                                            "worker",     "that",
                                            "answers",    "12,345",
                                            "return",     "std::vector<int>",
                                            "(x + 1);\n", "\n\n",
                                            "  ",         "вода",
                                            "открывает",  "水",
                                            "模型",       "don't",
                                            "It's",       "internationalization",
                                            "0x7fff",     "—",
                                            "🙂"};
    std::mt19937 random(3);
    std::string text;
    while (text.size() < bytes) {
        text += words[random() % std::size(words)];
        text += ' ';
    }
    return text;
}

result<void> measure_tokenizer(const arguments& given) {
    TRY(const auto tokens, worker::tokenizer::load(given.tokenizer));
    const std::string text = some_text(given.quick ? 1 << 20 : 8 << 20);
    std::vector<worker::token_id> ids;
    const double seconds = bench::fastest(given.quick ? 0.3 : 2, [&] {
        ids.clear();
        tokens.encode(text, {}, ids);
    });
    say("tokenizer", double(text.size()) / seconds / 1e6, "MB/s");
    say("tokenizer_bytes_per_token", double(text.size()) / double(ids.size()), "bytes");
    return success();
}

int run(const arguments& given) {
    std::printf("# %s, %u threads\n", given.how.kernels->name, given.how.threads);
    int status = 0;
    for (const auto part : {measure_shape, measure_shipped, measure_tokenizer}) {
        const auto done = part(given);
        if (!done.has_error()) continue;
        std::fprintf(stderr, "bench_worker: %s\n", done.error().detail.c_str());
        status = 1;
    }
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    arguments given;
    CLI::App app{"Measures the bundled worker."};
    app.add_option("--scratch", given.scratch, "where the random model is kept (1 GB)")->required();
    app.add_option("--model", given.model, "the model that we ship")->required();
    app.add_option("--tokenizer", given.tokenizer, "a folder with a tokenizer.json")->required();
    app.add_option("--threads", given.how.threads, "of the worker's backend");
    app.add_option_function<std::string>(
           "--kernels",
           [&](const std::string& set) {
               for (const auto* kernels : worker::usable_kernels())
                   if (kernels->name == "cpu " + set) given.how.kernels = kernels;
           },
           "avx512, avx2 or portable; the best by default"
    )
        ->check(CLI::IsMember({"avx512", "avx2", "portable"}));
    app.add_flag("--quick", given.quick, "a rough answer");
    CLI11_PARSE(app, argc, argv);
    return run(given);
}
