// Tokens on their way from the engine's thread to the loop of the client that waits for them: any
// number of tokens costs one wake-up of the loop.
#pragma once

#include "penstock/io/loop.hpp"
#include "worker/engine/engine.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

namespace penstock::worker {

// Of one request, shared by its generations: it may outlive the request, whose generations end up
// to one step later. Holds at most the tokens that they may have (`max_tokens` each).
class token_inbox : public std::enable_shared_from_this<token_inbox> {
 public:
    struct arrival {
        std::uint32_t choice = 0;
        std::variant<sampled_token, generation_summary> what;
    };

    // `home` must live until the last generation has ended.
    explicit token_inbox(io::loop& home) : home_(home) {}

    // What the engine tells of one generation goes in under this index.
    std::shared_ptr<token_sink> sink(std::uint32_t choice);

    // The rest on the loop's thread. `who` is rung when something is there; null: nobody waits.
    void wake(io::alarm* who) noexcept { waiter_ = who; }
    // All that came so far, in order.
    void take(std::vector<arrival>& out);

 private:
    class numbered_sink;
    void put(arrival what);

    io::loop& home_;
    io::alarm* waiter_ = nullptr;
    std::mutex mutex_;
    std::vector<arrival> arrived_;
    bool told_ = false;  // the loop has been woken for what is there
};

}  // namespace penstock::worker
