// An engine that says what a test wrote down, a token of each generation in every round, as far as
// it is let.
#pragma once

#include "worker/engine/engine.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

namespace penstock::worker::test {

struct script {
    std::vector<token_id> tokens;
    std::uint32_t cached_tokens = 0;
    // Instead of the end of max_tokens or of a stop id, once the tokens are all said.
    finish otherwise = finish::max_tokens;
};

class fake_engine final : public engine {
 public:
    using author = std::function<script(const generation&)>;
    static constexpr std::uint32_t everything = 1u << 30;

    explicit fake_engine(author write, std::uint32_t max_positions = 4096)
        : write_(std::move(write)), max_positions_(max_positions), thread_([this] { run(); }) {}
    ~fake_engine() override {
        {
            const std::lock_guard held(mutex_);
            stopping_ = true;
        }
        changed_.notify_all();
        thread_.join();
    }

    // ── what tests say and ask ──

    // So many tokens of each generation may be said.
    void let(std::uint32_t num_tokens) {
        {
            const std::lock_guard held(mutex_);
            let_ = num_tokens;
        }
        changed_.notify_all();
    }
    // From the generation of this number on, counted from 0, submissions are refused so.
    void refuse(std::size_t from, errc why) {
        const std::lock_guard held(mutex_);
        refuse_from_ = from;
        refuse_with_ = why;
    }
    void fail(const std::string& why) {
        const std::lock_guard held(mutex_);
        state_.failure = why;
    }
    std::vector<generation> submitted() const {
        const std::lock_guard held(mutex_);
        return submitted_;
    }
    std::size_t num_running() const {
        const std::lock_guard held(mutex_);
        return running_.size();
    }
    std::size_t num_aborted() const {
        const std::lock_guard held(mutex_);
        return num_aborted_;
    }
    std::size_t num_stopped() const {
        const std::lock_guard held(mutex_);
        return num_stopped_;
    }

    // ── the engine ──

    result<generation_id> submit(generation what, std::shared_ptr<token_sink> sink) override {
        {
            const std::lock_guard held(mutex_);
            if (submitted_.size() >= refuse_from_) return error(refuse_with_);
            submitted_.push_back(what);
            script said = write_(what);
            running_[++last_id_] = {std::move(what), std::move(said), std::move(sink), 0, {}};
        }
        changed_.notify_all();
        const std::lock_guard held(mutex_);
        return last_id_;
    }
    void stop(generation_id id) override { end(id, finish::stopped); }
    void abort(generation_id id) override { end(id, finish::aborted); }
    engine_state state() const override {
        const std::lock_guard held(mutex_);
        if (is_given_) return state_;
        engine_state state = state_;
        state.kv_pages_total = max_positions_;
        state.realtime.q_len_prefill = static_cast<std::uint32_t>(running_.size());
        return state;
    }
    // From now on exactly this.
    void set_state(const engine_state& state) {
        const std::lock_guard held(mutex_);
        state_ = state;
        is_given_ = true;
    }
    std::uint32_t vocabulary() const noexcept override { return 512; }
    std::uint32_t max_positions() const noexcept override { return max_positions_; }

 private:
    struct spoken {
        generation what;
        script said;
        std::shared_ptr<token_sink> sink;
        std::uint32_t next = 0;
        std::optional<finish> ended;  // by its reader
    };

    void end(generation_id id, finish how) {
        {
            const std::lock_guard held(mutex_);
            const auto found = running_.find(id);
            if (found != running_.end() && !found->second.ended) found->second.ended = how;
        }
        changed_.notify_all();
    }

    bool can_move(const spoken& each) const { return each.ended || each.next < let_; }

    void run() {
        std::unique_lock held(mutex_);
        while (true) {
            changed_.wait(held, [this] {
                if (stopping_) return true;
                for (const auto& [id, each] : running_)
                    if (can_move(each)) return true;
                return false;
            });
            if (stopping_) break;
            for (auto at = running_.begin(); at != running_.end();) {
                const auto end = can_move(at->second) ? move(at->second) : std::nullopt;
                if (end) {
                    tell_end(at->second, *end);
                    at = running_.erase(at);
                } else {
                    ++at;
                }
            }
        }
        for (auto& [id, each] : running_)
            tell_end(each, finish::aborted);
        running_.clear();
    }

    static std::optional<finish> move(spoken& each) {
        if (each.ended) return each.ended;
        if (each.next >= each.said.tokens.size()) return each.said.otherwise;
        const token_id id = each.said.tokens[each.next++];
        sampled_token token;
        token.id = id;
        if (each.what.logprobs) {
            token.logprob = -0.5f * static_cast<float>(each.next);
            for (std::uint8_t i = 0; i < each.what.top_logprobs; ++i)
                token.top.push_back({i == 0 ? id : token_id('a' + i), -1.0f - i});
        }
        each.sink->on_token(token);
        for (const token_id stop : each.what.stop_ids)
            if (stop == id) return finish::stop_id;
        if (each.next == each.what.max_tokens) return finish::max_tokens;
        return std::nullopt;
    }

    void tell_end(const spoken& each, finish why) {
        num_aborted_ += why == finish::aborted;
        num_stopped_ += why == finish::stopped;
        generation_summary summary;
        summary.reason = why;
        summary.prompt_tokens = static_cast<std::uint32_t>(each.what.prompt.size());
        summary.cached_tokens = each.said.cached_tokens;
        summary.output_tokens = each.next;
        each.sink->on_end(summary);
    }

    const author write_;
    const std::uint32_t max_positions_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::map<generation_id, spoken> running_;
    std::vector<generation> submitted_;
    engine_state state_;
    bool is_given_ = false;
    generation_id last_id_ = 0;
    std::uint32_t let_ = everything;
    std::size_t num_aborted_ = 0, num_stopped_ = 0;
    std::size_t refuse_from_ = everything;
    errc refuse_with_ = errc::queue_full;
    bool stopping_ = false;
    std::thread thread_;
};

}  // namespace penstock::worker::test
