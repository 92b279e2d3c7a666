// A model of one inference engine: continuous batching by iterations, in whole nanoseconds.
#pragma once

#include "penstock/clock.hpp"

#include <cstdint>
#include <deque>
#include <vector>

namespace penstock::simulator {

// An iteration gives every decoding sequence one token and reads at most `chunk` tokens of prompts.
// It takes `iteration` + `per_sequence` × decoding sequences + tokens of prompts ÷ `prefill`.
// The defaults are those of the reference load (docs/simulator.md).
struct engine_model {
    duration iteration = std::chrono::milliseconds(12);
    duration per_sequence = std::chrono::microseconds(120);
    double prefill = 40'000;       // tokens of prompts a second
    std::uint32_t chunk = 1024;    // tokens of prompts in one iteration at most
    std::uint32_t sequences = 64;  // running at once at most
    std::uint64_t kv_tokens =
        300'000;  // whose keys and values fit; reserved when one begins to run
    bool operator==(const engine_model&) const = default;
};

struct engine_request {
    std::uint32_t id = 0;
    std::uint32_t prompt = 1, output = 1;  // tokens, at least one of each
};

struct engine_news {
    enum class kind : std::uint8_t { first_token, finished } what;
    std::uint32_t id;
    time_point when;
};

// Requests wait in order of arrival inside it and keep their whole prompt and answer reserved while
// they run. A request takes part in the first iteration that begins no earlier than it came. The
// last piece of a prompt gives the first token.
//
// Iterations in which nothing but decoding happens are taken in one jump. `jumps` off takes each by
// itself, with the same results at the same times: a test holds the two against each other.
// Cost: O(log running) for each change, not for each token. `now` never runs backwards.
class engine {
 public:
    explicit engine(const engine_model& model, bool jumps = true) : model_(model), jumps_(jumps) {}

    void submit(const engine_request& what, time_point now, std::vector<engine_news>& out);
    // The iteration under way is not shortened. Unknown ids are ignored.
    void cancel(std::uint32_t id, time_point now, std::vector<engine_news>& out);
    // Appends what has happened up to and with `now`.
    void advance(time_point now, std::vector<engine_news>& out);
    // When `advance` should be called next; `never` when it has nothing to do.
    time_point next_event();
    // Times a tempo of its own; 1 is the model's. From the next iteration on.
    void set_speed(double speed, time_point now, std::vector<engine_news>& out);
    // Appends the ids of all that it had, which are lost; empty afterwards.
    void lose_all(std::vector<std::uint32_t>& out);

    // Calls report(id, tokens since the last report) for all that decode, as of the last `advance`.
    template <class Report>
    void report_progress(Report&& report) {
        for (sequence& s : decoding_) {
            const std::uint32_t made = s.output - static_cast<std::uint32_t>(s.ends_at - steps_);
            if (made != s.reported) report(s.id, made - s.reported);
            s.reported = made;
        }
    }

    std::uint32_t waiting() const noexcept { return static_cast<std::uint32_t>(waiting_.size()); }
    std::uint32_t running() const noexcept {
        return static_cast<std::uint32_t>(prefilling_.size() + decoding_.size());
    }
    std::uint64_t kv_used() const noexcept { return kv_used_; }
    duration busy() const noexcept { return busy_; }  // time spent in iterations that are over
    const engine_model& model() const noexcept { return model_; }

 private:
    struct sequence {
        std::uint64_t ends_at = 0;  // of `steps_`, once it decodes
        std::uint64_t order = 0;    // among those that end together
        std::uint32_t id = 0, prompt = 0, output = 0;
        std::uint32_t unread = 0;    // tokens of its prompt
        std::uint32_t reported = 1;  // tokens; the first is told by itself
        bool canceled = false;
    };
    // So many equal iterations from `start` on.
    struct segment {
        time_point start;
        duration length{};
        std::uint64_t count = 0;  // 0: none is planned
        std::uint32_t prefill = 0;
    };
    static bool ends_later(const sequence& a, const sequence& b) noexcept;

    void plan();
    void admit();
    void finish(std::uint64_t iterations, std::vector<engine_news>& out);
    void read_prompts(time_point now, std::vector<engine_news>& out);
    void end(const sequence& s, time_point now, std::vector<engine_news>& out);
    void replan_from_next_iteration(time_point now);

    engine_model model_;
    bool jumps_;
    double speed_ = 1;
    std::deque<engine_request> waiting_;
    std::deque<sequence> prefilling_;
    std::vector<sequence> decoding_;  // a heap: the next to end first
    segment now_;
    time_point free_from_{};   // the next iteration begins no earlier
    std::uint64_t steps_ = 0;  // iterations so far
    std::uint64_t order_ = 0;
    std::uint64_t kv_used_ = 0;
    duration busy_{};
};

}  // namespace penstock::simulator
