// The one line that is written of a request; docs/metrics.md says what each field means.
#include "json_text.hpp"
#include "penstock/hex.hpp"
#include "penstock/observe/access_log.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace penstock::observe {
namespace {

// Longer details are cut: they may quote an upstream, and a line should fit one atomic write.
constexpr std::size_t detail_bytes_max = 512;

constexpr std::string_view class_name(request_class klass) noexcept {
    return klass == request_class::realtime ? "realtime" : "bulk";
}

constexpr std::string_view verdict_name(ending end) noexcept {
    constexpr std::string_view names[] = {
        "upstream_error", "served", "client_gone", "refused", "expired"
    };
    return names[static_cast<std::size_t>(end)];
}

// Writes into memory that is large enough. `key` is all that stands before a value: comma, name and
// colon; its size is known to the compiler, which makes a few moves of it.
struct line {
    char* at;

    template <std::size_t N>
    void raw(const char (&text)[N]) noexcept {
        std::memcpy(at, text, N - 1);
        at += N - 1;
    }
    template <std::size_t N>
    void text(const char (&key)[N], std::string_view value) noexcept {
        raw(key);
        at = put_json_string(at, value);
    }
    template <std::size_t N, class T>
    void number(const char (&key)[N], T value) noexcept {
        raw(key);
        at = put_number(at, value);
    }
    template <std::size_t N, class T>
    void number_or_null(const char (&key)[N], T value) noexcept {
        raw(key);
        if (value == T{}) return raw("null");
        at = put_number(at, value);
    }
    template <std::size_t N>
    void moment(const char (&key)[N], time_point t) noexcept {
        number_or_null(key, micros(t));
    }
    template <std::size_t N>
    void truth(const char (&key)[N], bool value) noexcept {
        raw(key);
        if (value) return raw("true");
        raw("false");
    }
    // Milliseconds with the microseconds as decimals.
    template <std::size_t N>
    void millis(const char (&key)[N], duration d) noexcept {
        const auto us = std::max<std::int64_t>(d.count() / 1000, 0);
        number(key, us / 1000);
        const auto rest = us % 1000;
        *at++ = '.';
        *at++ = static_cast<char>('0' + rest / 100);
        *at++ = static_cast<char>('0' + rest / 10 % 10);
        *at++ = static_cast<char>('0' + rest % 10);
    }
    // A string: readers of JSON that keep numbers as doubles would lose its last bits.
    template <std::size_t N>
    void hash(const char (&key)[N], std::uint64_t value) noexcept {
        raw(key);
        *at++ = '"';
        at = put_hex(at, value, 16);
        *at++ = '"';
    }
};

// Keys take 469 bytes, 21 numbers at most 21 bytes each, the time and the hash 44.
constexpr std::size_t fixed_size_max = 1024;

std::size_t size_max(const request_record& r) noexcept {
    std::size_t size = fixed_size_max;
    for (std::string_view text :
         {r.request_id,
          r.trace_id,
          r.tenant,
          r.key,
          r.model,
          r.fell_back_to,
          r.version,
          r.pool,
          r.replica,
          r.route,
          r.reason,
          r.detail.substr(0, detail_bytes_max)})
        size += json_string_size_max(text);
    return size;
}

char* put_line(char* at, const request_record& r) noexcept {
    line l{at};
    l.raw(R"({"time":)");
    l.at = put_json_time(l.at, r.arrived_unix_ms);
    l.text(R"(,"request_id":)", r.request_id);
    l.text(R"(,"trace_id":)", r.trace_id);
    l.moment(R"(,"t_arrive":)", r.arrived);
    l.moment(R"(,"t_dispatch":)", r.dispatched);
    l.moment(R"(,"t_first":)", r.first_byte);
    l.moment(R"(,"t_last":)", r.last_byte);
    l.text(R"(,"class":)", class_name(r.klass));
    l.text(R"(,"tenant":)", r.tenant);
    l.text(R"(,"key":)", r.key);
    l.text(R"(,"model":)", r.model);
    l.text(R"(,"fell_back_to":)", r.fell_back_to);
    l.text(R"(,"version":)", r.version);
    l.text(R"(,"pool":)", r.pool);
    l.text(R"(,"replica":)", r.replica);
    l.text(R"(,"route":)", r.route);
    l.truth(R"(,"streamed":)", r.streamed);
    l.number(R"(,"est_prompt":)", r.est_prompt);
    l.number(R"(,"est_error":)", r.est_error);
    l.number(R"(,"est_output":)", r.est_output);
    l.number(R"(,"prompt":)", r.used.prompt);
    l.number(R"(,"cached":)", r.used.cached);
    l.number(R"(,"output":)", r.used.output);
    l.truth(R"(,"estimated":)", r.used.estimated);
    l.number_or_null(R"(,"max_tokens":)", r.max_tokens);
    l.number_or_null(R"(,"deadline_ms":)", r.deadline_ms);
    l.hash(R"(,"affinity":)", r.affinity);
    l.text(R"(,"verdict":)", verdict_name(r.end));
    l.text(R"(,"reason":)", r.reason);
    l.text(R"(,"detail":)", r.detail.substr(0, detail_bytes_max));
    l.millis(R"(,"wait_pred_ms":)", r.predicted_wait);
    l.millis(R"(,"queue_ms":)", r.queue_wait);
    l.millis(R"(,"connect_ms":)", r.connect);
    l.number(R"(,"attempts":)", r.attempts);
    l.number(R"(,"status":)", r.status);
    l.number(R"(,"bytes_in":)", r.bytes_in);
    l.number(R"(,"bytes_out":)", r.bytes_out);
    l.number(R"(,"events":)", r.num_events);
    l.raw("}\n");
    return l.at;
}

}  // namespace

void append_access_line(std::string& out, const request_record& record) {
    char usual[4096];
    const std::size_t size = size_max(record);
    if (size <= sizeof usual) {
        out.append(usual, static_cast<std::size_t>(put_line(usual, record) - usual));
        return;
    }
    const auto large = std::make_unique_for_overwrite<char[]>(size);
    out.append(large.get(), static_cast<std::size_t>(put_line(large.get(), record) - large.get()));
}

}  // namespace penstock::observe
