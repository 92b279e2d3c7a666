// The gateway inside the test's process: settings from a text, ports chosen by the system, its
// request log in a file of its own.
#pragma once

#include "gateway/endpoints.hpp"
#include "gateway/gateway.hpp"
#include "gateway/settings/load.hpp"
#include "support/eventually.hpp"
#include "support/scripted_upstream.hpp"
#include "support/test_client.hpp"

#include <gtest/gtest.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace penstock::gateway {

using namespace std::chrono_literals;
using test::scripted_upstream;
using test::test_client;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool is_sanitized = true;
#else
inline constexpr bool is_sanitized = false;
#endif

using test::eventually;

// A chat request with these lines in its head, byte for byte.
inline std::string with_head(std::string_view lines, std::string_view body = "{}") {
    return "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\n" + std::string(lines) + "\r\n" +
           std::string(body);
}

// One line of the request log; its fields are flat.
class log_line {
 public:
    explicit log_line(std::string text) : text_(std::move(text)) {}

    // Of a string without its quotes; of all else as it stands. Empty: there is no such field.
    std::string operator[](std::string_view field) const {
        const std::string key = "\"" + std::string(field) + "\":";
        const auto at = text_.find(key);
        if (at == std::string::npos) return {};
        const auto begin = at + key.size();
        if (text_[begin] == '"')
            return text_.substr(begin + 1, text_.find('"', begin + 1) - begin - 1);
        return text_.substr(begin, text_.find_first_of(",}", begin) - begin);
    }
    double number(std::string_view field) const { return std::stod((*this)[field]); }
    const std::string& text() const { return text_; }

 private:
    std::string text_;
};

// What is not in `yaml`: port zero, two threads, no health checks after the first, no looks at
// engines' metrics, no log but the requests'.
inline settings::root settings_for_test(const std::string& yaml, const std::string& log_file) {
    settings::load_options options;
    options.routes.assign(canonical_routes().begin(), canonical_routes().end());
    auto loaded = settings::load_text(yaml, options);
    if (auto* wrong = std::get_if<std::vector<settings::mistake>>(&loaded))
        throw std::invalid_argument(settings::to_text("test.yaml", std::move(*wrong)));
    settings::root s = std::get<settings::loaded>(loaded).settings;
    const settings::root defaults;
    if (s.listen == defaults.listen) s.listen[0].address = "127.0.0.1:0";
    if (s.threads == 0) s.threads = 2;
    if (s.limits.connections == defaults.limits.connections) s.limits.connections = 1000;
    if (s.health.every == defaults.health.every) s.health.every = 1h;
    if (s.health.scrape == defaults.health.scrape) s.health.scrape.every = {};
    s.log.level = settings::log_level::error;
    s.log.requests = log_file;
    return s;
}

class running_gateway {
 public:
    explicit running_gateway(const std::string& yaml, make_admission make = default_admission())
        : log_file_(make_log_file()) {
        gateway_ = std::make_unique<gateway>(settings_for_test(yaml, log_file_), std::move(make));
        if (auto started = gateway_->start(); started.has_error())
            throw std::runtime_error("not started: " + started.error().detail);
    }
    ~running_gateway() {
        gateway_->drain({});
        gateway_.reset();
        std::filesystem::remove(log_file_);
    }
    running_gateway(const running_gateway&) = delete;
    running_gateway& operator=(const running_gateway&) = delete;

    gateway* operator->() { return gateway_.get(); }
    std::uint16_t port(std::size_t listener = 0) const {
        const std::string& address = gateway_->addresses().at(listener);
        return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    }
    bool reload(const std::string& yaml) {
        return gateway_->reload(settings_for_test(yaml, log_file_)).has_value();
    }

    // One request on a connection of its own.
    test::response ask(std::string_view request) const {
        test_client client(port());
        return client.exchange(request);
    }

    // All lines written so far.
    std::vector<log_line> log() const {
        std::vector<log_line> lines;
        std::ifstream in(log_file_);
        for (std::string line; std::getline(in, line);)
            if (line.ends_with('}')) lines.emplace_back(line);
        return lines;
    }
    // Line `n`, from 0, waited for.
    log_line log(std::size_t n) const {
        std::vector<log_line> lines;
        eventually([&] { return (lines = log()).size() > n; });
        return lines.size() > n ? lines[n] : log_line("");
    }

    // The value of one series, written as the exposition writes it; −1 when there is none.
    double metric(std::string_view series) const {
        const std::string text = gateway_->expose_metrics();
        const std::string line = "\n" + std::string(series) + " ";
        const auto at = text.find(line);
        return at == std::string::npos ? -1 : std::stod(text.substr(at + line.size(), 32));
    }
    double in_flight(std::string_view model = "chat") const {
        return metric("penstock_requests_in_flight{model=\"" + std::string(model) + "\"}");
    }
    // Slots taken at all replicas together.
    double slots_taken() const {
        const std::string text = gateway_->expose_metrics();
        const std::string name = "\npenstock_upstream_in_flight{";
        double sum = 0;
        for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + 1))
            sum += std::stod(text.substr(text.find("} ", at) + 2, 32));
        return sum;
    }
    double waiting(std::string_view model = "chat") const {
        return metric("penstock_queue_waiting{model=\"" + std::string(model) + "\"}");
    }
    // Nothing is in the path any more, every permit was given back and no body is held. A body goes
    // with its connection's turn, a moment after its request has left the path.
    bool comes_to_rest() const {
        return eventually([&] {
            return in_flight() <= 0 && slots_taken() == 0 && waiting() <= 0 &&
                   metric("penstock_body_bytes_held") == 0;
        });
    }

 private:
    static std::string make_log_file() {
        std::string name = (std::filesystem::temp_directory_path() / "penstock-XXXXXX").string();
        const int fd = ::mkstemp(name.data());
        if (fd < 0) throw std::runtime_error("mkstemp");
        ::close(fd);
        return name;
    }

    std::string log_file_;
    std::unique_ptr<gateway> gateway_;
};

// ── settings and bodies that most tests need ────────────────────────────────────────────────────

// `more`: further members of each replica, as ", slots: 2".
inline std::string replica_of(const scripted_upstream& upstream, std::string_view more = {}) {
    return "{url: \"" + upstream.url() + "\"" + std::string(more) + "}";
}

// The model "chat" with these replicas; `more`: further members, as ", max_tokens: 100".
inline std::string chat_model(
    const std::vector<std::string>& replicas, std::string_view more = {}
) {
    std::string list;
    for (std::size_t i = 0; i < replicas.size(); ++i)
        list += (i > 0 ? ", " : "") + replicas[i].substr(0, replicas[i].size() - 1) + ", id: r" +
                std::to_string(i) + "}";
    return "models: {chat: {replicas: [" + list + "]" + std::string(more) + "}}\n";
}

inline std::string chat_model(const scripted_upstream& upstream, std::string_view more = {}) {
    return chat_model({replica_of(upstream)}, more);
}

// `more`: further members, as R"(,"n":2)".
inline std::string chat_body(std::string_view more = {}) {
    return R"({"model":"chat","messages":[{"role":"user","content":"hello"}])" + std::string(more) +
           "}";
}

inline constexpr std::string_view chat_path = "/v1/chat/completions";

using headers = std::vector<std::pair<std::string, std::string>>;

inline std::string chat_request(std::string_view more = {}, const headers& lines = {}) {
    return test::post(chat_path, chat_body(more), lines);
}

inline constexpr std::string_view streamed = R"(,"stream":true)";
// The client asks for usage itself: nothing is taken out of the stream.
inline constexpr std::string_view streamed_with_usage =
    R"(,"stream":true,"stream_options":{"include_usage":true})";

// The body of an answer as the upstream sends it.
inline std::string all_of(const test::answer& what) {
    std::string text;
    for (const auto& piece : what.pieces)
        text += piece;
    return text;
}

using allowance = std::shared_ptr<std::atomic<std::size_t>>;
inline allowance nothing_yet() {
    return std::make_shared<std::atomic<std::size_t>>(0);
}
inline constexpr std::size_t everything = 1'000'000;

}  // namespace penstock::gateway
