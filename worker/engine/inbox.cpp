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
            ++counts_[of].refused;
            return error(errc::queue_full, "max_waiting generations wait already");
        }
        made->id = ++last_id_;
        live_.emplace(made->id, made);
        held_.arrived.push_back(made);
        ++num_waiting_[of];
        ++counts_[of].untaken;
        counts_[of].untaken_tokens += made->what.prompt.size();
    }
    something_.notify_one();
    return made->id;
}

void inbox::end(generation_id id, reader_wish how) {
    {
        const std::lock_guard lock(mutex_);
        const auto found = live_.find(id);
        if (found == live_.end()) return;
        reader_wish none = reader_wish::more;
        if (!found->second->wish.compare_exchange_strong(none, how)) return;
        held_.unwanted.push_back(id);
    }
    something_.notify_one();
}

inbox_counts inbox::counts(request_class of) const {
    const std::lock_guard lock(mutex_);
    return counts_[static_cast<std::size_t>(of)];
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
    out.unwanted.clear();
    std::unique_lock lock(mutex_);
    if (idle) {
        something_.wait(lock, [this] {
            return closed_ || !held_.arrived.empty() || !held_.unwanted.empty();
        });
    }
    std::swap(out, held_);
    for (inbox_counts& of : counts_)
        of = {of.refused, 0, 0};
    return !closed_;
}

void inbox::settle(
    std::span<const generation_id> ended, const std::array<std::uint32_t, 2>& not_let_in
) {
    const std::lock_guard lock(mutex_);
    for (const generation_id id : ended)
        live_.erase(id);
    for (std::size_t of = 0; of < num_waiting_.size(); ++of)
        num_waiting_[of] = not_let_in[of] + counts_[of].untaken;
}

std::vector<std::shared_ptr<ticket>> inbox::fail(const std::string& why) {
    const std::lock_guard lock(mutex_);
    failure_ = why.empty() ? "the engine stopped" : why;
    live_.clear();
    held_.unwanted.clear();
    num_waiting_ = {};
    for (inbox_counts& of : counts_)
        of = {of.refused, 0, 0};
    return std::exchange(held_.arrived, {});
}

}  // namespace penstock::worker
