// One attempt at one replica.
#include "gateway/stages/attempt.hpp"

#include "gateway/request_context.hpp"
#include "gateway/stages/fall_back.hpp"
#include "gateway/stages/steer.hpp"
#include "penstock/openai/answer.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace penstock::gateway {
namespace {

// Of an upstream's error, looked into before it is judged.
constexpr std::size_t error_body_max = 64 * 1024;

bool takes_usage_option(openai::dialect spoken) {
    return spoken == openai::dialect::chat || spoken == openai::dialect::completions ||
           spoken == openai::dialect::fim;
}

std::vector<openai::edit> edits_of(request_context& c) {
    openai::edit_wishes wishes;
    if (c.replica->upstream_model != c.facts.model)
        wishes.upstream_model = c.replica->upstream_model;
    using length::cap_choice;
    if (c.cap.what == cap_choice::what::clamp || c.cap.what == cap_choice::what::insert)
        wishes.clamp_max_tokens = c.cap.limit;
    c.injected_usage = c.facts.stream && takes_usage_option(c.facts.spoken) &&
                       !c.facts.include_usage.value_or(false);
    wishes.inject_usage = c.injected_usage;
    return openai::edits_for(c.facts, wishes);
}

// What a worker of ours is told beside: it orders by class, too, and lets a tenant find in its
// cache only what that tenant asked.
void append_worker_lines(const request_context& c, std::string& head) {
    head += c.work.klass == request_class::bulk ? "x-penstock-class: bulk\r\n"
                                                : "x-penstock-class: realtime\r\n";
    if (!c.key->cache_salt.empty())
        head.append("x-penstock-cache-salt: ").append(c.key->cache_salt).append("\r\n");
}

// What is new in this attempt's head; the client's own lines follow it.
std::string head_begin(const request_context& c, std::uint64_t body_size) {
    constexpr std::size_t fixed_parts = 64;
    std::string head;
    head.reserve(c.upstream_target.size() + c.replica->own_headers.size() + fixed_parts);
    head += c.route->method;
    head += ' ';
    head += c.upstream_target;
    head += " HTTP/1.1\r\n";
    head += c.replica->own_headers;
    if (c.replica->worker) append_worker_lines(c, head);
    // An engine that holds work back for larger batches shall do so for less time.
    if (c.replica->where->is_late(c.now())) head += "X-SLO-HINT: reduce_delta\r\n";
    head += "Content-Length: ";
    head += std::to_string(body_size);
    head += "\r\n";
    return head;
}

time_point first_byte_deadline(const request_context& c) {
    const time_point total = c.work.deadline;
    if (!c.work.streamed) return total;
    // A class that may take its time is not cut short by what is meant for the other.
    const duration longest = std::max(
        c.settings->settings.timeouts.first_byte, c.settings->limits_of(c.work.klass).ttft
    );
    return std::min(total, after(c.record.dispatched, longest));
}

io::task<attempt_result> connect(request_context& c) {
    upstream& where = *c.replica->where;
    c.upstream = c.fresh_connection ? io::channel() : where.take_idle(c.thread.loop);
    c.reused_connection = c.upstream.is_open();
    if (c.reused_connection) co_return success();
    const time_point began = c.now();
    const time_point deadline =
        std::min(c.work.deadline, after(began, c.settings->settings.timeouts.connect));
    auto made = co_await where.connect(c.upstream, c.thread.loop, deadline);
    c.record.connect += c.now() - began;
    if (made.has_error()) co_return attempt_failure(std::move(made).error());
    co_return success();
}

io::task<attempt_result> send(request_context& c) {
    const std::string_view body = c.x.body();
    const auto edits = edits_of(c);
    const std::string head = head_begin(c, openai::edited_size(body, edits));
    std::vector<std::string_view> pieces;
    pieces.reserve(4 + 2 * edits.size());
    pieces.assign({head, c.kept_headers, "\r\n"});
    openai::pieces_of(body, edits, pieces);

    co_await c.thread.loop.turn();
    c.record.dispatched = c.now();
    c.reserved.dispatched();
    c.upstream.set_deadline(first_byte_deadline(c));
    std::size_t size = 0;
    for (const auto piece : pieces)
        size += piece.size();
    auto sent = c.upstream.send_now(pieces);
    if (sent.has_value() && sent.value() == size) co_return success();
    if (sent.has_value()) {
        std::size_t gone = sent.value();
        while (gone >= pieces.front().size()) {
            gone -= pieces.front().size();
            pieces.erase(pieces.begin());
        }
        pieces.front().remove_prefix(gone);
        auto rest = co_await c.upstream.send(pieces);
        if (!rest.has_error()) co_return success();
        sent = std::move(rest).error();
    }
    // An upstream that refuses before it has read all has perhaps answered: its answer is read
    // then.
    if (sent.error().code == errc::connection_reset) co_return success();
    attempt_failure failed(std::move(sent).error());
    failed.request_written = true;
    co_return failed;
}

attempt_failure failed(const request_context& c, error why) {
    attempt_failure f(std::move(why));
    f.request_written = true;
    f.response_begun = c.answer && c.answer->has_begun();
    return f;
}

// Collects the body into `peeked` while `enough` says no. Ends with the body, too.
template <class Enough>
io::task<attempt_result> peek(request_context& c, std::size_t max, Enough enough) {
    std::string_view payload;
    while (true) {
        const auto step = c.answer->next(payload);
        if (step == http::body_reader::step::payload) {
            c.peeked.append(payload);
            if (enough(payload)) co_return success();
            if (c.peeked.size() > max) co_return success();
        } else if (step == http::body_reader::step::done) {
            c.peeked_all = true;
            co_return success();
        } else if (step == http::body_reader::step::malformed) {
            co_return failed(c, errc::upstream_protocol);
        } else {
            auto bytes = co_await c.upstream.read();
            auto more = c.answer->feed(std::move(bytes));
            if (more.has_error()) {
                attempt_failure f = failed(c, std::move(more).error());
                f.why.retry = again::yes;  // no answer has begun (invariant 4)
                co_return f;
            }
            if (!more.value()) {
                c.peeked_all = true;
                co_return success();
            }
        }
    }
}

// The first event that is not a comment decides.
io::task<attempt_result> peek_first_event(request_context& c) {
    http::sse_scanner scanner;
    std::size_t begin = 0;  // of the event in `peeked`
    bool is_error = false, has_event = false;
    const auto look = [&](std::string_view piece) {
        std::size_t end = c.peeked.size() - piece.size();
        while (!piece.empty()) {
            const std::size_t size = scanner.find_end(piece);
            if (size == std::string_view::npos) return false;
            end += size;
            piece.remove_prefix(size);
            usage ignored;
            using kind = openai::event_facts::kind;
            const std::string_view event = std::string_view(c.peeked).substr(begin, end - begin);
            const auto what = openai::read_event(c.facts.spoken, event, ignored).what;
            begin = end;
            if (what == kind::comment) continue;
            has_event = true;
            is_error = what == kind::error;
            return true;
        }
        return false;
    };
    auto peeked = co_await peek(c, c.settings->settings.limits.event, look);
    if (peeked.has_error()) co_return std::move(peeked).error();
    if (is_error) co_return failed(c, error(errc::upstream_failed, "an error as first event"));
    if (c.peeked_all && !has_event)
        co_return failed(c, error(errc::upstream_failed, "a stream without any event"));
    co_return success();
}

io::task<attempt_result> judge_client_error(request_context& c) {
    const int status = c.answer->head().status;
    auto peeked = co_await peek(c, error_body_max, [](std::string_view) { return false; });
    if (peeked.has_error()) co_return std::move(peeked).error();
    const bool has_other = (!c.resteered && has_larger_pool(c)) || has_fallback(c);
    if ((status == 400 || status == 413 || status == 422) && has_other &&
        says_context_too_small(c.peeked)) {
        attempt_failure f = failed(c, errc::context_length_exceeded);
        f.context_too_small = true;
        co_return f;
    }
    co_return success();
}

io::task<attempt_result> judge(request_context& c) {
    const auto& head = c.answer->head();
    const int status = head.status;
    const auto says = [&] { return "status " + std::to_string(status); };
    if (status == 429 || status == 503 || status == 529) {
        attempt_failure f = failed(c, error(errc::upstream_overloaded, says()));
        f.engine_refused = true;
        f.retry_after = retry_after_of(head);
        co_return f;
    }
    if (status >= 500) co_return failed(c, error(errc::upstream_failed, says()));
    // Our own credentials, name of the model or path are wrong there: not the client's doing.
    if (status < 200 || (status >= 300 && status < 400) || status == 401 || status == 403 ||
        status == 404 || status == 405 || status == 407)
        co_return failed(c, error(errc::upstream_rejected, says()));
    if (status >= 400) {
        auto judged = co_await judge_client_error(c);
        if (judged.has_value() && c.x.has_started())
            co_return failed(c, error(errc::upstream_rejected, says()));
        co_return std::move(judged);
    }
    const bool is_events =
        http::same_name(head.headers.find("content-type").substr(0, 17), "text/event-stream");
    if (!is_events) {
        if (c.x.has_started())
            co_return failed(c, error(errc::upstream_protocol, "no event stream"));
        co_return success();
    }
    c.is_event_stream = true;
    auto first = co_await peek_first_event(c);
    co_return std::move(first);
}

}  // namespace

io::task<attempt_result> attempt(request_context& c) {
    c.peeked.clear();
    c.peeked_all = false;
    c.is_event_stream = c.x.has_started();  // only keep-alive comments start before an answer
    c.answer.reset();
    auto connected = co_await connect(c);
    if (connected.has_error()) co_return std::move(connected).error();
    auto sent = co_await send(c);
    if (sent.has_error()) co_return std::move(sent).error();
    const duration every = c.settings->settings.timeouts.keepalive_after;
    if (c.work.streamed && !c.wishes.no_keepalive && every > duration::zero())
        c.comments.start(every);

    c.answer.emplace(c.upstream);
    auto arrived = co_await c.answer->read_head(false);
    if (arrived.has_error()) co_return failed(c, std::move(arrived).error());
    auto judged = co_await judge(c);
    co_return std::move(judged);
}

bool says_context_too_small(std::string_view body) noexcept {
    constexpr std::array<std::string_view, 6> words{
        "context_length_exceeded",          // OpenAI, vLLM
        "maximum context length",           // vLLM
        "maximum model length",             // vLLM
        "longer than the model's context",  // SGLang
        "exceed_context_size",              // llama.cpp
        "inputs tokens + max_new_tokens",   // TGI
    };
    return std::any_of(words.begin(), words.end(), [&](std::string_view each) {
        return body.find(each) != std::string_view::npos;
    });
}

duration retry_after_of(const http::response_head& head) noexcept {
    constexpr std::int64_t at_most_ms = 60'000;
    const auto number = [&](std::string_view name) -> std::int64_t {
        const std::string_view text = head.headers.find(name);
        std::int64_t value = 0;
        const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
        return bad == std::errc() && end == text.data() + text.size()
                   ? std::clamp<std::int64_t>(value, 0, at_most_ms)
                   : 0;
    };
    std::int64_t ms = number("retry-after-ms");
    if (ms == 0) ms = std::min(number("retry-after") * 1000, at_most_ms);
    return std::chrono::milliseconds(ms);
}

}  // namespace penstock::gateway
