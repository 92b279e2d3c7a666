// The operational log over spdlog, which filters by level and serializes lines; the JSON is ours.
#include "penstock/observe/log.hpp"

#include "json_text.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <mutex>
#include <poll.h>
#include <string>
#include <unistd.h>

namespace penstock::observe::log {
namespace {

// Standard error, asked first whether it takes a line now: a full pipe must not stop an event loop.
class output_sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
    void redirect(std::function<void(std::string_view)> output) {
        std::lock_guard lock(mutex_);
        output_ = std::move(output);
    }
    std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const std::string_view line(message.payload.data(), message.payload.size());
        if (output_) return output_(line);
        pollfd ready{.fd = STDERR_FILENO, .events = POLLOUT};
        if (::poll(&ready, 1, 0) <= 0 || ::write(STDERR_FILENO, line.data(), line.size()) < 0)
            dropped_.fetch_add(1, std::memory_order_relaxed);
    }
    void flush_() override {}

 private:
    std::function<void(std::string_view)> output_;
    std::atomic<std::uint64_t> dropped_{0};
};

// Lives as long as the process: lines may be said while others are being destroyed.
struct operational_log {
    std::shared_ptr<output_sink> sink = std::make_shared<output_sink>();
    spdlog::logger logger{"penstock", sink};
};

operational_log& the_log() {
    static auto* const made = new operational_log;
    return *made;
}

constexpr spdlog::level::level_enum spdlog_level(level l) noexcept {
    constexpr spdlog::level::level_enum levels[] = {
        spdlog::level::debug,
        spdlog::level::info,
        spdlog::level::warn,
        spdlog::level::err,
        spdlog::level::off
    };
    return levels[static_cast<std::size_t>(l)];
}

struct append_value {
    std::string& out;
    void operator()(std::string_view text) const { append_json_string(out, text); }
    void operator()(bool value) const { out += value ? "true" : "false"; }
    void operator()(std::int64_t value) const { number(value); }
    // 600000, not 6e+05: lines are read by people, too.
    void operator()(double value) const {
        if (!std::isfinite(value)) {
            out += "null";
            return;
        }
        const double size = std::abs(value);
        const bool usual = size == 0 || (size >= 1e-6 && size < 1e15);
        char digits[number_size_max];
        const auto how = usual ? std::chars_format::fixed : std::chars_format::general;
        out.append(digits, std::to_chars(digits, digits + sizeof digits, value, how).ptr);
    }
    template <class T>
    void number(T value) const {
        char digits[number_size_max];
        out.append(digits, put_number(digits, value));
    }
};

void say(level at, std::string_view name, std::string_view event, fields fields) {
    auto& logger = the_log().logger;
    if (!logger.should_log(spdlog_level(at))) return;
    using namespace std::chrono;
    const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch());
    char time[32];
    std::string line = R"({"time":)";
    line.append(time, put_json_time(time, now.count()));
    line.append(R"(,"level":")").append(name).append(R"(","event":)");
    append_json_string(line, event);
    for (const field& each : fields) {
        line += ',';
        append_json_string(line, each.key);
        line += ':';
        std::visit(append_value{line}, each.value);
    }
    line += "}\n";
    logger.log(spdlog_level(at), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

void debug(std::string_view event, fields fields) {
    say(level::debug, "debug", event, fields);
}
void info(std::string_view event, fields fields) {
    say(level::info, "info", event, fields);
}
void warning(std::string_view event, fields fields) {
    say(level::warning, "warning", event, fields);
}
void error(std::string_view event, fields fields) {
    say(level::error, "error", event, fields);
}

void escaped(std::string_view event, const std::exception_ptr& what, std::string_view of) noexcept {
    if (!what) return;
    try {
        try {
            std::rethrow_exception(what);
        } catch (const std::exception& known) {
            error(event, {{"of", of}, {"why", known.what()}});
        } catch (...) {
            error(event, {{"of", of}, {"why", "unknown"}});
        }
    } catch (...) {
        std::fputs("something escaped, and there is no memory to say what\n", stderr);
    }
}

void set_level(level least) {
    the_log().logger.set_level(spdlog_level(least));
}

bool says(level at) noexcept {
    return the_log().logger.should_log(spdlog_level(at));
}

void set_output(std::function<void(std::string_view line)> output) {
    the_log().sink->redirect(std::move(output));
}

std::uint64_t lines_dropped() noexcept {
    return the_log().sink->dropped();
}

}  // namespace penstock::observe::log
