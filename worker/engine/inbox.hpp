// What other threads want of the engine's thread: new generations, and ends of those that run.
//
// The bound on waiting generations is kept here, where they come in: those in the inbox and those
// that the scheduler has not let in yet. Ends need no bound of their own: one for each generation
// that has not ended.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/result.hpp"
#include "worker/engine/engine.hpp"

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace penstock::worker {

// What the reader of a generation wants of it.
enum class reader_wish : std::uint8_t { more, stop, abort };

// A generation on its way. All but `wish` belongs to the engine's thread once it was taken.
struct ticket {
    generation_id id = 0;
    generation what;
    std::shared_ptr<token_sink> sink;
    time_point submitted;
    std::atomic<reader_wish> wish{reader_wish::more};
};

// Tells the sink, once and for the last time. It has ended whatever the sink throws.
void end_ticket(ticket& which, const generation_summary& summary) noexcept;

// Of one class.
struct inbox_counts {
    std::uint64_t refused = 0;
    std::uint32_t untaken = 0;  // in the inbox still
    std::uint64_t untaken_tokens = 0;
};

struct inbox_delivery {
    std::vector<std::shared_ptr<ticket>> arrived;
    std::vector<generation_id> unwanted;  // whose readers want no more of them
};

class inbox {
 public:
    explicit inbox(std::uint32_t max_waiting) : max_waiting_(max_waiting) {}

    // Any thread.
    result<generation_id> put(generation what, std::shared_ptr<token_sink> sink, time_point now);
    // `how`: stop or abort. Nothing when it has ended, or when this was said before.
    void end(generation_id id, reader_wish how);
    inbox_counts counts(request_class of) const;
    // No more is taken in: `take` says so, and `put` refuses.
    void close();

    // The engine's thread. Replaces what `out` holds; waits for something while `idle`. False once
    // closed; `out` holds the last ones then.
    bool take(inbox_delivery& out, bool idle);
    // After a step: who ended, and how many the scheduler has not let in.
    void settle(
        std::span<const generation_id> ended, const std::array<std::uint32_t, 2>& not_let_in
    );
    // The engine cannot go on: `put` refuses from now on. The ones that nobody took.
    std::vector<std::shared_ptr<ticket>> fail(const std::string& why);

 private:
    mutable std::mutex mutex_;
    std::condition_variable something_;
    const std::uint32_t max_waiting_;
    inbox_delivery held_;
    std::unordered_map<generation_id, std::shared_ptr<ticket>> live_;
    std::array<std::uint32_t, 2> num_waiting_{};
    std::array<inbox_counts, 2> counts_{};  // by class
    generation_id last_id_ = 0;
    bool closed_ = false;
    std::string failure_;
};

}  // namespace penstock::worker
