// Tokens from the engine's thread to a loop.
#include "worker/api/token_inbox.hpp"

namespace penstock::worker {

class token_inbox::numbered_sink final : public token_sink {
 public:
    numbered_sink(std::shared_ptr<token_inbox> to, std::uint32_t choice)
        : to_(std::move(to)), choice_(choice) {}
    void on_token(const sampled_token& token) override { to_->put({choice_, token}); }
    void on_end(const generation_summary& summary) override { to_->put({choice_, summary}); }

 private:
    const std::shared_ptr<token_inbox> to_;
    const std::uint32_t choice_;
};

std::shared_ptr<token_sink> token_inbox::sink(std::uint32_t choice) {
    return std::make_shared<numbered_sink>(shared_from_this(), choice);
}

void token_inbox::put(arrival what) {
    bool tell = false;
    {
        const std::lock_guard held(mutex_);
        arrived_.push_back(std::move(what));
        tell = !std::exchange(told_, true);
    }
    if (!tell) return;
    home_.post([self = shared_from_this()] {
        if (self->waiter_) self->waiter_->ring();
    });
}

void token_inbox::take(std::vector<arrival>& out) {
    out.clear();
    const std::lock_guard held(mutex_);
    out.swap(arrived_);
    told_ = false;
}

}  // namespace penstock::worker
