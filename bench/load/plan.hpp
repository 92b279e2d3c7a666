// What load is asked for on the command line, and the request that makes it up.
#pragma once

#include "wire.hpp"

namespace penstock::bench {

enum class load { closed, paced, streams, open };

struct plan {
    explicit plan(const arguments& given)
        : port(static_cast<int>(given.number("--port", 4000))),
          seconds(given.number("--seconds", 5)),
          rate(given.number("--rate", 0)),
          ramp(given.number("--ramp", 1)),
          body(static_cast<std::size_t>(given.number("--body", 400))),
          events(static_cast<std::uint32_t>(given.number("--events", 1'000'000))),
          period_us(static_cast<std::int64_t>(1e6 / given.number("--events-per-second", 50))),
          key(given.text("--key", "sk-bench")),
          model(given.text("--model", "bench")) {
        const auto streams = given.number("--streams", 0);
        const auto open = given.number("--open", 0);
        kind = open > 0 ? load::open : streams > 0 ? load::streams : rate > 0 ? load::paced : kind;
        connections = static_cast<std::size_t>(
            open > 0      ? open
            : streams > 0 ? streams
                          : given.number("--connections", 64)
        );
    }

    bool streamed() const { return kind == load::streams || kind == load::open; }

    load kind = load::closed;
    int port;
    std::size_t connections;
    double seconds;
    double rate;             // requests a second; 0: as fast as answers come
    double ramp;             // seconds over which streams begin
    std::size_t body;        // bytes of a request's JSON
    std::uint32_t events;    // of each stream
    std::int64_t period_us;  // between two events of a stream
    std::string key;
    std::string model;
};

// A body of exactly `plan.body` bytes, or the least that holds what must be in it.
inline std::string body_of(const plan& plan) {
    std::string body = R"({"model":")" + plan.model + R"(",)";
    if (plan.streamed()) body += R"("stream":true,)";
    body += R"("temperature":0.7,"max_tokens":256,"messages":[)"
            R"({"role":"system","content":"You are a terse assistant."},)"
            R"({"role":"user","content":")";
    if (plan.streamed()) {
        body += "#events=" + std::to_string(plan.events);
        body += " #period_us=" + std::to_string(plan.period_us) + " ";
    }
    const std::string end = R"("}]})";
    const std::string words = "the gate and pipe that feed water to a turbine ";
    for (std::size_t i = 0; body.size() + end.size() < plan.body; ++i)
        body += words[i % words.size()];
    return body + end;
}

// The head that openai-python sends.
inline std::string request_of(const plan& plan) {
    const auto body = body_of(plan);
    return "POST /v1/chat/completions HTTP/1.1\r\n"
           "Host: 127.0.0.1:" +
           std::to_string(plan.port) +
           "\r\n"
           "Accept-Encoding: gzip, deflate\r\n"
           "Connection: keep-alive\r\n"
           "Accept: application/json\r\n"
           "Content-Type: application/json\r\n"
           "User-Agent: OpenAI/Python 1.99.0\r\n"
           "X-Stainless-Lang: python\r\n"
           "X-Stainless-Package-Version: 1.99.0\r\n"
           "X-Stainless-OS: Linux\r\n"
           "X-Stainless-Arch: x64\r\n"
           "X-Stainless-Runtime: CPython\r\n"
           "X-Stainless-Runtime-Version: 3.11.2\r\n"
           "Authorization: Bearer " +
           plan.key +
           "\r\n"
           "X-Stainless-Async: false\r\n"
           "x-stainless-retry-count: 0\r\n"
           "x-stainless-read-timeout: 600\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace penstock::bench
