// Bytes to the client as they come, with back pressure both ways.
#include "gateway/request_context.hpp"
#include "gateway/stages/answer_head.hpp"
#include "gateway/stages/stages.hpp"

#include <algorithm>
#include <array>

namespace penstock::gateway {
namespace {

constexpr duration progress_every = std::chrono::milliseconds(250);

// One answer on its way: what watches it, and the pieces that may leave.
class passage {
 public:
    explicit passage(request_context& c)
        : c_(c),
          events_(c.facts.spoken, c.injected_usage, c.settings->settings.limits.event),
          whole_(c.facts.spoken),
          model_(c.thread.metrics.model(c.model->name)),
          last_chunk_(c.record.first_byte),
          last_progress_(c.record.first_byte) {}

    void start() {
        if (c_.x.has_started()) return;
        const auto& head = c_.answer->head();
        std::optional<std::uint64_t> length;
        if (head.framing == http::body_framing::sized && !hides_usage())
            length = head.content_length;
        if (head.framing == http::body_framing::none) length = 0;
        c_.record.status = head.status;
        c_.x.start(head.status, head.reason, relayed_head(c_), length);
    }

    void take(std::string_view payload) {
        if (c_.is_event_stream)
            events_.feed(payload, c_.used, pieces_);
        else {
            whole_.feed(payload);
            pieces_.push_back(payload);
        }
    }

    // Everything at hand goes out in as few sends as it can. False: the kernel keeps some waiting.
    result<bool> send_at_hand(bool& done) {
        std::string_view payload;
        while (true) {
            const auto step = c_.answer->next(payload);
            if (step == http::body_reader::step::malformed) {
                CHECK(send(false));  // what came before it
                return error(errc::upstream_broken, "broken chunk framing");
            }
            done = step == http::body_reader::step::done;
            if (step == http::body_reader::step::payload) take(payload);
            const bool must_send = pieces_.size() >= pieces_at_once || events_.lends();
            if (step != http::body_reader::step::payload || must_send) {
                auto sent = send(done);
                if (sent.has_error() || step != http::body_reader::step::payload) return sent;
            }
        }
    }

    result<bool> send(bool last) {
        if (last && c_.is_event_stream) events_.finish(pieces_);
        if (pieces_.empty() && !last && c_.x.has_sent_head()) return true;
        auto sent = c_.x.write_now(pieces_, last);
        pieces_.clear();
        if (sent.has_error()) return error(errc::client_gone);
        is_out_ = sent.value();
        return sent;
    }
    void drained() { is_out_ = true; }

    void count_chunk() {
        if (!c_.is_event_stream) return;
        const time_point now = c_.now();
        observe::thread_metrics::between_chunks(model_, now - last_chunk_);
        last_chunk_ = now;
        if (now - last_progress_ < progress_every) return;
        last_progress_ = now;
        const std::uint32_t content = events_.num_content();
        c_.slot.tell(event::progress{content - std::exchange(told_, content)}, now);
    }

    // What the answer used: as the upstream said, or as far as we saw it.
    void close_account(bool whole) {
        c_.record.num_events = events_.num_events();
        if (!c_.is_event_stream) {
            if (const usage found = whole_.found(); found.known) c_.used = found;
        }
        if (c_.used.known && (whole || !c_.is_event_stream)) return;
        const bool refused = c_.record.status >= 400;  // by the upstream: nothing was used
        if (whole && (refused || c_.facts.work != openai::work_kind::generative)) return;
        c_.used.estimated = true;
        c_.used.prompt = std::max<std::uint64_t>(c_.used.prompt, c_.work.prompt_tokens);
        c_.used.output = std::max<std::uint64_t>(c_.used.output, events_.num_content());
    }

    bool says_error() const { return events_.saw_error(); }
    // The last event has left, whatever of the framing has not.
    bool has_said_all() const { return events_.saw_end() && is_out_; }
    bool is_inside_event() const { return events_.is_inside_event(); }

 private:
    bool hides_usage() const { return c_.is_event_stream && c_.injected_usage; }

    static constexpr std::size_t pieces_at_once = 56;
    request_context& c_;
    event_relay events_;
    openai::answer_watch whole_;
    observe::model_slot model_;
    time_point last_chunk_, last_progress_;
    std::uint32_t told_ = 0;
    bool is_out_ = false;  // the kernel has taken all that was sent
    std::vector<std::string_view> pieces_;
};

refusal as_refusal(const request_context& c, error why) {
    if (auto on = c.goes_on(); on.has_error()) return std::move(on).error();
    if (why.code == errc::client_gone) return {errc::client_gone};
    if (why.code == errc::timed_out) return {errc::upstream_timeout};
    refusal broken(errc::upstream_broken);
    broken.detail = std::move(why.detail);
    return broken;
}

io::task<result<void>> pass_on(request_context& c, passage& p) {
    bool done = c.peeked_all;
    p.start();
    c.x.release_request();
    c.answer->own_what_is_at_hand();
    co_await c.thread.loop.turn();
    if (!c.peeked.empty()) p.take(c.peeked);
    auto sent = done ? p.send(true) : p.send_at_hand(done);
    // Unstreamed answers have the total alone (DESIGN §9.3).
    const duration between = c.settings->settings.timeouts.between_bytes;
    const auto read_deadline = [&] {
        if (!c.is_event_stream) return c.work.deadline;
        return std::min(after(c.thread.loop.now(), between), c.work.deadline);
    };
    while (true) {
        if (sent.has_error()) co_return std::move(sent).error();
        if (!sent.value()) {
            auto drained = co_await c.x.drain();
            if (drained.has_error()) co_return error(errc::client_gone);
            p.drained();
        }
        if (done) co_return success();
        if (!c.peeked.empty()) std::string().swap(c.peeked);
        c.upstream.set_deadline(read_deadline());
        auto bytes = co_await c.upstream.read();
        auto more = c.answer->feed(std::move(bytes));
        if (more.has_error()) co_return std::move(more).error();
        if (!more.value()) {
            done = true;
            sent = p.send(true);
            continue;
        }
        p.count_chunk();
        sent = p.send_at_hand(done);
    }
}

}  // namespace

io::task<stage_result<>> relay(request_context& c) {
    passage p(c);
    auto passed = co_await pass_on(c, p);
    const bool whole = passed.has_value();
    if (!whole) {
        refusal why = as_refusal(c, std::move(passed).error());
        c.upstream.close();
        // SDKs leave at the last event, before the answer's framing has ended.
        const bool has_all = why.code == errc::client_gone && p.has_said_all();
        p.close_account(has_all);
        if (has_all) {
            c.end = p.says_error() ? ending::upstream_error : ending::served;
            c.x.abort();
            co_return success();
        }
        c.inside_event = p.is_inside_event();
        c.end = why.code == errc::client_gone ? ending::client_gone : ending::upstream_error;
        co_return why;
    }
    p.close_account(true);
    if (c.answer->is_reusable() && c.upstream.is_open()) {
        c.upstream.set_deadline(never);
        c.replica->where->give_back(c.thread.loop, std::move(c.upstream));
    }
    const bool failed_inside = c.is_event_stream && p.says_error();
    c.end = failed_inside            ? ending::upstream_error
            : c.record.status >= 400 ? ending::refused
                                     : ending::served;
    co_return success();
}

}  // namespace penstock::gateway
