// What the body scan and the watching of events cost, warm. The budget: 0.6 µs for 400 B of body,
// 3 µs for 8 KiB, 50 ns for an event.
#include "penstock/openai/answer.hpp"
#include "penstock/openai/edits.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace penstock::openai {
namespace {

std::string chat_body(std::size_t size, std::string_view piece) {
    std::string body =
        R"({"model": "qwen2.5-7b-instruct", "messages": [{"role": "system", "content": )"
        R"("You are a helpful assistant."}, {"role": "user", "content": ")";
    const std::string_view end = R"("}], "stream": true, "max_tokens": 256, "temperature": 0.7})";
    while (body.size() + end.size() < size)
        body += piece;
    return body.append(end);
}

void scan(benchmark::State& state, const std::string& body) {
    for (auto _ : state)
        benchmark::DoNotOptimize(scan_json(body, dialect::chat, false, {}));
    state.counters["bytes"] = static_cast<double>(body.size());
}

void read(benchmark::State& state, dialect spoken, const std::string& event) {
    usage used;
    for (auto _ : state)
        benchmark::DoNotOptimize(read_event(spoken, event, used));
    state.counters["bytes"] = static_cast<double>(event.size());
}

const std::string plain = "the quick brown fox jumps over the lazy dog ";
const std::string lines = "two short lines\\nof \\\"code\\\"\\n";
const std::string escaped = "\\u043f\\u0440\\u0438\\u0432\\u0435\\u0442 ";
const std::string russian = "привет, мир ";
const std::string chunk =
    R"(data: {"id":"chatcmpl-7f3a","object":"chat.completion.chunk","created":1717171717,)"
    R"("model":"qwen2.5-7b","choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,)"
    R"("finish_reason":null}]})"
    "\n\n";
const std::string delta =
    "event: content_block_delta\n"
    R"(data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" a"}})"
    "\n\n";

BENCHMARK_CAPTURE(scan, plain_400, chat_body(400, plain));
BENCHMARK_CAPTURE(scan, plain_8k, chat_body(8192, plain));
BENCHMARK_CAPTURE(scan, lines_8k, chat_body(8192, lines));
BENCHMARK_CAPTURE(scan, russian_8k, chat_body(8192, russian));
BENCHMARK_CAPTURE(scan, escaped_8k, chat_body(8192, escaped));
BENCHMARK_CAPTURE(read, chat_chunk, dialect::chat, chunk);
BENCHMARK_CAPTURE(read, anthropic_delta, dialect::messages, delta);

void edit(benchmark::State& state) {
    const auto facts = scan_json(chat_body(400, plain), dialect::chat, false, {});
    for (auto _ : state)
        benchmark::DoNotOptimize(
            edits_for(facts.value(), {.upstream_model = "up", .inject_usage = true})
        );
}
BENCHMARK(edit);

}  // namespace
}  // namespace penstock::openai

BENCHMARK_MAIN();
