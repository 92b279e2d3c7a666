// A model of one inference engine.
#include "simulator/engine.hpp"

#include <algorithm>
#include <cmath>

namespace penstock::simulator {
namespace {

std::uint64_t reserved_by(std::uint32_t prompt, std::uint32_t output) noexcept {
    return std::uint64_t{prompt} + output;
}

}  // namespace

bool engine::ends_later(const sequence& a, const sequence& b) noexcept {
    return a.ends_at != b.ends_at ? a.ends_at > b.ends_at : a.order > b.order;
}

// ── what is asked of it ─────────────────────────────────────────────────────────────────────────

void engine::submit(const engine_request& what, time_point now, std::vector<engine_news>& out) {
    advance(now, out);
    waiting_.push_back(what);
    replan_from_next_iteration(now);
}

void engine::cancel(std::uint32_t id, time_point now, std::vector<engine_news>& out) {
    advance(now, out);
    std::erase_if(waiting_, [&](const engine_request& each) { return each.id == id; });
    for (sequence& each : prefilling_)
        if (each.id == id) each.canceled = true;
    const auto decodes = std::find_if(decoding_.begin(), decoding_.end(), [&](const sequence& s) {
        return s.id == id;
    });
    if (decodes != decoding_.end()) {
        kv_used_ -= reserved_by(decodes->prompt, decodes->output);
        decoding_.erase(decodes);
        std::make_heap(decoding_.begin(), decoding_.end(), ends_later);
    }
    replan_from_next_iteration(now);
}

void engine::set_speed(double speed, time_point now, std::vector<engine_news>& out) {
    advance(now, out);
    speed_ = speed;
    replan_from_next_iteration(now);
}

void engine::lose_all(std::vector<std::uint32_t>& out) {
    for (const sequence& each : decoding_)
        out.push_back(each.id);
    for (const sequence& each : prefilling_)
        if (!each.canceled) out.push_back(each.id);
    for (const engine_request& each : waiting_)
        out.push_back(each.id);
    decoding_.clear();
    prefilling_.clear();
    waiting_.clear();
    now_ = {};
    kv_used_ = 0;
}

// What is planned but has not begun is planned anew; of what has begun one iteration is left.
void engine::replan_from_next_iteration(time_point now) {
    if (now_.count == 0) {
        free_from_ = std::max(free_from_, now);
    } else if (now_.start == now) {
        now_.count = 0;
        free_from_ = now;
    } else {
        now_.count = 1;
    }
}

// ── iterations ──────────────────────────────────────────────────────────────────────────────────

void engine::admit() {
    while (!waiting_.empty() && running() < model_.sequences) {
        const engine_request& next = waiting_.front();
        const std::uint64_t kv = reserved_by(next.prompt, next.output);
        // One that could never fit runs alone rather than never.
        if (kv_used_ + kv > model_.kv_tokens && running() > 0) return;
        kv_used_ += kv;
        sequence& s = prefilling_.emplace_back();
        s.id = next.id;
        s.prompt = s.unread = next.prompt;
        s.output = next.output;
        waiting_.pop_front();
    }
}

void engine::plan() {
    std::erase_if(prefilling_, [&](const sequence& s) {
        if (s.canceled) kv_used_ -= reserved_by(s.prompt, s.output);
        return s.canceled;
    });
    admit();
    if (running() == 0) return;
    std::uint32_t prefill = 0;
    for (const sequence& s : prefilling_) {
        prefill = std::min(model_.chunk, prefill + std::min(s.unread, model_.chunk));
        if (prefill == model_.chunk) break;
    }
    const double reading = prefill * 1e9 / model_.prefill;
    duration length = model_.iteration +
                      model_.per_sequence * static_cast<std::int64_t>(decoding_.size()) +
                      duration(std::llround(reading));
    if (speed_ != 1) length = duration(std::llround(static_cast<double>(length.count()) / speed_));
    now_ = {free_from_, std::max(length, duration(1)), 1, prefill};
    if (jumps_ && prefill == 0) now_.count = decoding_.front().ends_at - steps_;
}

time_point engine::next_event() {
    if (now_.count == 0) plan();
    if (now_.count == 0) return never;
    return now_.start + now_.length * static_cast<std::int64_t>(now_.count);
}

void engine::advance(time_point now, std::vector<engine_news>& out) {
    for (;;) {
        // An iteration that would begin right now may still gain a request.
        if (now_.count == 0 && free_from_ < now) plan();
        if (now_.count == 0 || now < now_.start + now_.length) return;
        const auto passed = static_cast<std::uint64_t>((now - now_.start) / now_.length);
        finish(std::min(passed, now_.count), out);
    }
}

void engine::finish(std::uint64_t iterations, std::vector<engine_news>& out) {
    const duration passed = now_.length * static_cast<std::int64_t>(iterations);
    busy_ += passed;
    steps_ += iterations;
    now_.start += passed;
    now_.count -= iterations;
    free_from_ = now_.start;
    while (!decoding_.empty() && decoding_.front().ends_at <= steps_) {
        std::pop_heap(decoding_.begin(), decoding_.end(), ends_later);
        end(decoding_.back(), now_.start, out);
        decoding_.pop_back();
    }
    if (now_.prefill > 0) read_prompts(now_.start, out);
}

void engine::read_prompts(time_point now, std::vector<engine_news>& out) {
    std::uint32_t left = now_.prefill;
    while (left > 0) {
        sequence& s = prefilling_.front();
        const std::uint32_t read = std::min(left, s.unread);
        s.unread -= read;
        left -= read;
        if (s.unread > 0) return;
        sequence done = s;
        prefilling_.pop_front();
        if (done.canceled) {
            kv_used_ -= reserved_by(done.prompt, done.output);
            continue;
        }
        out.push_back({engine_news::kind::first_token, done.id, now});
        done.order = order_++;
        done.ends_at = steps_ + done.output - 1;
        if (done.output <= 1) {
            end(done, now, out);
            continue;
        }
        decoding_.push_back(done);
        std::push_heap(decoding_.begin(), decoding_.end(), ends_later);
    }
}

void engine::end(const sequence& s, time_point now, std::vector<engine_news>& out) {
    kv_used_ -= reserved_by(s.prompt, s.output);
    out.push_back({engine_news::kind::finished, s.id, now});
}

}  // namespace penstock::simulator
