// One lock, held for a few moves each time; no sink is called here.
#include "worker/engine/inbox.hpp"

#include <utility>

namespace penstock::worker {

void end_ticket(ticket& which, const generation_summary& summary) noexcept {
    const auto sink = std::exchange(which.sink, nullptr);
    if (!sink) return;
    try {
        sink->on_end(summary);
    } catch (...) {
        return;
    }
}

result<generation_id> inbox::put(
    generation what, std::shared_ptr<token_sink> sink, time_point now
) {
    const auto of = static_cast<std::size_t>(what.traffic_class);
    const auto made = std::make_shared<ticket>();
    made->what = std::move(what);
    made->sink = std::move(sink);
    made->submitted = now;
    {
        const std::lock_guard lock(mutex_);
        if (!failure_.empty()) return error(errc::upstream_failed, failure_);
        if (closed_) return error(errc::draining, "the engine is stopping");
        if (num_waiting_[of] >= max_waiting_) {
            ++num_refused_[of];
            return error(errc::queue_full, "max_waiting generations wait already");
        }
        made->id = ++last_id_;
        live_.emplace(made->id, made);
        held_.arrived.push_back(made);
        ++num_waiting_[of];
    }
    something_.notify_one();
    return made->id;
}

void inbox::abort(generation_id id) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = live_.find(id);
        if (found == live_.end() || found->second->aborted.exchange(true)) return;
        held_.aborted.push_back(id);
    }
    something_.notify_one();
}

std::array<std::uint64_t, 2> inbox::refused() const {
    const std::lock_guard lock(mutex_);
    return num_refused_;
}

void inbox::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    something_.notify_one();
}

bool inbox::take(inbox_delivery& out, bool idle) {
    out.arrived.clear();
    out.aborted.clear();
    std::unique_lock lock(mutex_);
    if (idle) {
        something_.wait(lock, [this] {
            return closed_ || !held_.arrived.empty() || !held_.aborted.empty();
        });
    }
    std::swap(out, held_);
    return !closed_;
}

void inbox::settle(
    std::span<const generation_id> ended, const std::array<std::uint32_t, 2>& not_let_in
) {
    const std::lock_guard lock(mutex_);
    for (const generation_id id : ended)
        live_.erase(id);
    num_waiting_ = not_let_in;
    for (const auto& ticket : held_.arrived)
        ++num_waiting_[static_cast<std::size_t>(ticket->what.traffic_class)];
}

std::vector<std::shared_ptr<ticket>> inbox::fail(const std::string& why) {
    const std::lock_guard lock(mutex_);
    failure_ = why.empty() ? "the engine stopped" : why;
    live_.clear();
    held_.aborted.clear();
    num_waiting_ = {};
    return std::exchange(held_.arrived, {});
}

}  // namespace penstock::worker
