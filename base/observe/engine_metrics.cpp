// Engines' own figures: a table of names, and a reader of lines.
#include "penstock/observe/engine_metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace penstock::observe {
namespace {

enum class meaning : std::uint8_t {
    running,
    waiting,
    kv_used,
    preemptions,
    kv_tokens,
    pages_used,  // of a penstock-worker
    pages,
    count_
};
constexpr auto num_meanings = static_cast<std::size_t>(meaning::count_);

enum class how : std::uint8_t {
    add,      // values of all series
    largest,  // of a share
    product,  // of two labels, added over all series: the value says nothing
};

struct row {
    std::string_view name;
    meaning means;
    how taken = how::add;
    std::uint8_t rank = 0;  // of several names with one meaning the lowest that is there counts
    // With `product` the names of both labels; else a label and the value that it must have.
    std::string_view label = {}, other = {};
};

// Old names behind those that replaced them; a counter with and without the `_total` that the text
// form gives it.
constexpr std::array table{
    row{"vllm:num_requests_running", meaning::running},
    row{"vllm:num_requests_waiting", meaning::waiting},
    row{"vllm:kv_cache_usage_perc", meaning::kv_used, how::largest},
    row{"vllm:gpu_cache_usage_perc", meaning::kv_used, how::largest, 1},
    row{"vllm:num_preemptions_total", meaning::preemptions},
    row{"vllm:num_preemptions", meaning::preemptions, how::add, 1},
    row{"vllm:cache_config_info",
        meaning::kv_tokens,
        how::product,
        0,
        "block_size",
        "num_gpu_blocks"},
    row{"sglang:num_running_reqs", meaning::running},
    row{"sglang:num_queue_reqs", meaning::waiting},
    row{"sglang:token_usage", meaning::kv_used, how::largest},
    row{"sglang:cache_config_info", meaning::kv_tokens, how::product, 0, "page_size", "num_pages"},
    row{"tgi_batch_current_size", meaning::running},
    row{"tgi_queue_size", meaning::waiting},
    row{"llamacpp:requests_processing", meaning::running},
    row{"llamacpp:requests_deferred", meaning::waiting},
    row{"llamacpp:kv_cache_usage_ratio", meaning::kv_used, how::largest},
    row{"trtllm_num_requests_running", meaning::running},
    row{"trtllm_num_requests_waiting", meaning::waiting},
    row{"trtllm_kv_cache_utilization", meaning::kv_used, how::largest},
    row{"nv_trt_llm_request_metrics", meaning::running, how::add, 1, "request_type", "scheduled"},
    row{"nv_trt_llm_request_metrics", meaning::waiting, how::add, 1, "request_type", "waiting"},
    row{"nv_trt_llm_kv_cache_block_metrics",
        meaning::kv_used,
        how::largest,
        1,
        "kv_cache_block_type",
        "fraction"},
    row{"nv_inference_pending_request_count", meaning::waiting, how::add, 2},
    // Both run: what has no token yet is being read, or will be in the next step.
    row{"penstock_worker_q_len_prefill", meaning::running},
    row{"penstock_worker_q_len_decode", meaning::running},
    row{"penstock_worker_kv_pages", meaning::pages_used, how::add, 0, "state", "used"},
    row{"penstock_worker_kv_pages", meaning::pages},
};

constexpr double worker_page_tokens = 64;
constexpr double absurd = 1e15;

struct sum {
    double value = 0;
    int rank = -1;  // −1: nothing was said

    void take(const row& r, double said) noexcept {
        if (rank >= 0 && r.rank > rank) return;
        if (rank < 0 || r.rank < rank) *this = {0, r.rank};
        value = r.taken == how::largest ? std::max(value, said) : value + said;
    }
    double said() const noexcept { return rank < 0 ? -1 : value; }
};

// ── lines ───────────────────────────────────────────────────────────────────────────────────────

struct line {
    std::string_view name, labels, value;  // `labels` without its braces
};

// Past the quoted value that begins at `at`; npos when it does not end.
std::size_t end_of_quoted(std::string_view text, std::size_t at) noexcept {
    for (++at; at < text.size(); ++at) {
        if (text[at] == '\\')
            ++at;
        else if (text[at] == '"')
            return at + 1;
    }
    return std::string_view::npos;
}

// Where the braces that open at the beginning close; npos when they do not.
std::size_t end_of_labels(std::string_view text) noexcept {
    for (std::size_t at = 1; at < text.size();) {
        if (text[at] == '}') return at;
        at = text[at] == '"' ? end_of_quoted(text, at) : at + 1;
    }
    return std::string_view::npos;
}

std::optional<line> split(std::string_view text) noexcept {
    constexpr std::string_view blank = " \t\r";
    line made;
    const std::size_t end = text.find_first_of("{ \t");
    if (text.starts_with('#') || end == std::string_view::npos) return std::nullopt;
    made.name = text.substr(0, end);
    text.remove_prefix(end);
    if (text.starts_with('{')) {
        const std::size_t close = end_of_labels(text);
        if (close == std::string_view::npos) return std::nullopt;
        made.labels = text.substr(1, close - 1);
        text.remove_prefix(close + 1);
    }
    text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
    made.value = text.substr(0, text.find_first_of(blank));
    return made;
}

std::optional<double> number(std::string_view text) noexcept {
    double value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool read = bad == std::errc() && end == text.data() + text.size();
    if (!read || !(value >= 0 && value <= absurd)) return std::nullopt;  // NaN is neither
    return value;
}

// As written, escapes included; nothing when there is no such label.
std::optional<std::string_view> label_of(std::string_view labels, std::string_view name) noexcept {
    while (!labels.empty()) {
        labels.remove_prefix(std::min(labels.find_first_not_of(", \t"), labels.size()));
        const std::size_t equals = labels.find('=');
        if (equals == std::string_view::npos || labels.substr(equals + 1, 1) != "\"")
            return std::nullopt;
        const std::size_t end = end_of_quoted(labels, equals + 1);
        if (end == std::string_view::npos) return std::nullopt;
        if (labels.substr(0, equals) == name) return labels.substr(equals + 2, end - equals - 3);
        labels.remove_prefix(end);
    }
    return std::nullopt;
}

std::optional<double> value_of(const row& r, const line& said) noexcept {
    if (r.label.empty()) return number(said.value);
    const auto first = label_of(said.labels, r.label);
    if (!first) return std::nullopt;
    if (r.taken != how::product) return *first == r.other ? number(said.value) : std::nullopt;
    const auto a = number(*first), b = number(label_of(said.labels, r.other).value_or(""));
    if (!a || !b || *a * *b > absurd) return std::nullopt;
    return *a * *b;
}

}  // namespace

fact::scraped read_engine_metrics(std::string_view text) noexcept {
    std::array<sum, num_meanings> sums;
    const auto of = [&](meaning m) -> sum& { return sums[static_cast<std::size_t>(m)]; };
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const auto said = split(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (!said) continue;
        for (const row& each : table) {
            if (each.name != said->name) continue;
            if (const auto value = value_of(each, *said)) of(each.means).take(each, *value);
        }
    }
    fact::scraped made{
        .running = of(meaning::running).said(),
        .waiting = of(meaning::waiting).said(),
        .kv_used = std::min(of(meaning::kv_used).said(), 1.0),
        .preemptions = of(meaning::preemptions).said(),
        .kv_tokens = of(meaning::kv_tokens).said()
    };
    if (const double pages = of(meaning::pages).said(); pages > 0) {
        made.kv_tokens = pages * worker_page_tokens;
        made.kv_used = std::clamp(of(meaning::pages_used).said() / pages, 0.0, 1.0);
    }
    return made;
}

bool says_anything(const fact::scraped& what) noexcept {
    return std::max({what.running, what.waiting, what.kv_used, what.preemptions, what.kv_tokens}) >=
           0;
}

}  // namespace penstock::observe
