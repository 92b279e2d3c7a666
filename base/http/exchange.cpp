// One request and its answer: reading the body, framing the answer.
#include "base/http/spare_bytes.hpp"
#include "penstock/http/response.hpp"
#include "penstock/http/server.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace penstock::http {
namespace {

// Bodies up to this size are drained after an early refusal, so that the connection can be kept.
constexpr std::uint64_t drained_to_keep = 64 * 1024;

// A client has the stall timeout for each so many bytes, not for all that waits.
constexpr std::size_t progress_bytes = 16 * 1024;

void append_number(std::string& out, std::uint64_t value, int base) {
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, value, base).ptr;
    out.append(text, end);
}

refusal as_refusal(const error& why) {
    if (why.code == errc::timed_out) return errc::body_timeout;
    return {errc::client_gone};
}

}  // namespace

bool body_budget::take(std::uint64_t bytes) noexcept {
    const auto before = held_.fetch_add(bytes, std::memory_order_relaxed);
    if (before + bytes <= limit_.load(std::memory_order_relaxed)) return true;
    give(bytes);
    return false;
}

exchange::exchange(
    io::channel& client,
    body_budget& budget,
    std::shared_ptr<const server_options> options,
    const gate& serving,
    bool is_admin
)
    : client_(client),
      budget_(budget),
      options_(std::move(options)),
      serving_(serving),
      admin_(is_admin) {}

exchange::~exchange() {
    release_request();
}

// ── the request ─────────────────────────────────────────────────────────────────────────────────

io::task<stage_result<>> exchange::read_body() {
    body_read_ = true;
    reader_ = body_reader(head_.framing, head_.content_length);
    if (head_.framing == body_framing::none) co_return success();
    if (head_.framing == body_framing::sized && head_.content_length > options_->body_bytes) {
        body_read_ = false;
        co_return refusal(errc::body_too_large);
    }
    auto whole = take_early();
    if (whole.has_value() && !reader_.is_done()) {
        auto rest = co_await read_more();
        client_.set_deadline(never);
        whole = std::move(rest);
    }
    // Where the next request would begin is not known any more.
    if (whole.has_error()) close_after();
    co_return std::move(whole);
}

// What came with the head is most often the whole body: it is moved, not copied. Bytes count
// against the budget as they come: who only announces them takes nothing from others.
stage_result<> exchange::take_early() {
    std::string early = std::exchange(early_, {});
    if (head_.framing != body_framing::sized || early.size() > head_.content_length)
        return append(early);
    if (!budget_.take(early.size())) return refusal(errc::out_of_body_memory);
    budgeted_ = early.size();
    std::string_view bytes = early, payload;
    while (reader_.next(bytes, payload) == body_reader::step::payload) {
    }
    body_ = std::move(early);
    return success();
}

io::task<stage_result<>> exchange::read_more() {
    client_.set_deadline(after(home().now(), options_->body_timeout));
    // Addresses alone: pages that nothing is written to cost no memory.
    if (head_.framing == body_framing::sized) body_.reserve(head_.content_length);
    if (head_.expects_continue && body_.empty()) {
        auto sent = co_await client_.send("HTTP/1.1 100 Continue\r\n\r\n");
        if (sent.has_error()) co_return as_refusal(sent.error());
    }
    while (!reader_.is_done()) {
        auto bytes = co_await client_.read();
        if (bytes.has_error()) co_return as_refusal(bytes.error());
        if (bytes.value().empty()) co_return refusal(errc::client_gone);
        auto taken = append(bytes.value());
        if (taken.has_error()) co_return std::move(taken).error();
    }
    co_return success();
}

stage_result<> exchange::append(std::string_view bytes) {
    std::string_view payload;
    while (true) {
        switch (reader_.next(bytes, payload)) {
            case body_reader::step::more:
                return success();
            case body_reader::step::done:
                if (!bytes.empty()) client_.unread(bytes);
                return success();
            case body_reader::step::malformed:
                return refusal(errc::malformed_body, "The body's chunked framing is broken.");
            case body_reader::step::payload:
                break;
        }
        const std::uint64_t size = body_.size() + payload.size();
        if (size > options_->body_bytes) return refusal(errc::body_too_large);
        if (size > budgeted_) {
            if (!budget_.take(size - budgeted_)) return refusal(errc::out_of_body_memory);
            budgeted_ = size;
        }
        body_.append(payload);
    }
}

void exchange::release_request() noexcept {
    spare_bytes::give(std::exchange(body_, {}));
    spare_bytes::give(std::exchange(head_bytes_, {}));
    head_.clear();
    budget_.give(std::exchange(budgeted_, 0));
}

// ── the answer ──────────────────────────────────────────────────────────────────────────────────

bool exchange::may_keep_alive() const noexcept {
    if (!keep_alive_ || serving_.is_closed()) return false;
    if (body_read_) return reader_.is_done();
    return head_.framing == body_framing::none ||
           (head_.framing == body_framing::sized && !head_.expects_continue &&
            head_.content_length <= drained_to_keep);
}

void exchange::compose_head(int status, std::string_view reason, std::string_view headers) {
    started_ = true;
    keep_alive_ = may_keep_alive();
    constexpr std::size_t own_lines = 160;
    out_.clear();
    out_.reserve(headers.size() + reason.size() + own_lines);
    out_ += "HTTP/1.1 ";
    append_number(out_, static_cast<std::uint64_t>(status), 10);
    out_ += ' ';
    out_ += reason.empty() ? reason_phrase(status) : reason;
    out_ += "\r\n";
    out_ += headers;
    if (!keep_alive_)
        out_ += "Connection: close\r\n";
    else if (head_.minor_version == 0)
        out_ += "Connection: keep-alive\r\n";
}

void exchange::start(
    int status,
    std::string_view reason,
    std::string_view headers,
    std::optional<std::uint64_t> length
) {
    chunked_ = !length && head_.minor_version == 1;
    if (!length && !chunked_) keep_alive_ = false;
    compose_head(status, reason, headers);
    if (length && status != 204) {
        out_ += "Content-Length: ";
        append_number(out_, *length, 10);
        out_ += "\r\n";
    } else if (chunked_) {
        out_ += "Transfer-Encoding: chunked\r\n";
    }
    out_ += "\r\n";
}

result<bool> exchange::write_now(std::span<const std::string_view> pieces, bool last) {
    if (broken_) return error(errc::connection_reset);
    std::array<std::string_view, 64> parts;
    std::size_t count = 0;
    std::size_t size = 0;
    for (const auto piece : pieces)
        size += piece.size();
    std::string joined;
    std::string_view one;
    if (pieces.size() > parts.size() - 2) {
        for (const auto piece : pieces)
            joined += piece;
        one = joined;
        pieces = {&one, 1};
    }

    // The composed head and the chunk's size go in front, in the same send.
    if (chunked_ && size > 0) {
        append_number(out_, size, 16);
        out_ += "\r\n";
    }
    const std::string front = std::move(out_);
    out_.clear();
    parts[count++] = front;
    for (const auto piece : pieces)
        parts[count++] = piece;
    if (chunked_)
        parts[count++] = size > 0 ? (last ? "\r\n0\r\n\r\n" : "\r\n") : (last ? "0\r\n\r\n" : "");
    finished_ = finished_ || last;

    const std::span<const std::string_view> all(parts.data(), count);
    auto taken = client_.send_now(all);
    broken_ = taken.has_error();
    TRY(std::size_t sent, std::move(taken));
    bytes_out_ += sent;
    for (const auto part : all) {
        const std::size_t gone = std::min(sent, part.size());
        out_.append(part.substr(gone));
        sent -= gone;
    }
    return out_.empty();
}

io::task<result<void>> exchange::drain() {
    const std::string rest = std::move(out_);
    out_.clear();
    auto sent = co_await send_rest(rest);
    client_.set_deadline(never);
    broken_ = sent.has_error();
    co_return std::move(sent);
}

io::task<result<void>> exchange::send_rest(std::string_view rest) {
    do {
        const std::string_view some = rest.substr(0, progress_bytes);
        client_.set_deadline(after(home().now(), options_->stall_timeout));
        CO_CHECK(client_.send(some));
        bytes_out_ += some.size();
        rest.remove_prefix(some.size());
    } while (!rest.empty());
    co_return success();
}

io::task<result<void>> exchange::respond(
    int status, std::string_view headers, std::string_view body
) {
    start(status, {}, headers, body.size());
    if (head_.method == "HEAD") body = {};
    auto all = write_now({&body, 1}, true);
    if (all.has_error()) co_return std::move(all).error();
    if (all.value() && !client_.is_tls()) co_return success();
    auto drained = co_await drain();
    co_return std::move(drained);
}

}  // namespace penstock::http
