// The coarse time wheel: deadlines that are almost always moved before they fire cost one store.
#include "penstock/io/loop.hpp"

#include <algorithm>
#include <utility>

namespace penstock::io {

timed::~timed() {
    if (link_ == nullptr) return;
    *link_ = next_;
    if (next_) next_->link_ = link_;
}

time_wheel::time_wheel(time_point now) noexcept : start_(now) {}

void time_wheel::unlink(timed& who) noexcept {
    *who.link_ = who.next_;
    if (who.next_) who.next_->link_ = who.link_;
    who.link_ = nullptr;
    who.next_ = nullptr;
}

std::uint64_t time_wheel::due_tick(time_point deadline) const noexcept {
    const auto from_start = std::max(deadline - start_, duration::zero());
    const auto due = static_cast<std::uint64_t>(from_start / tick) + 1;
    return std::clamp(due, now_ + 1, now_ + num_buckets - 1);
}

void time_wheel::link(timed& who) noexcept {
    who.tick_ = due_tick(who.deadline_);
    timed*& bucket = buckets_[who.tick_ % num_buckets];
    who.next_ = bucket;
    who.link_ = &bucket;
    if (bucket) bucket->link_ = &who.next_;
    bucket = &who;
}

void time_wheel::set(timed& who, time_point deadline) noexcept {
    who.deadline_ = deadline;
    if (deadline == never) return;
    if (who.link_ != nullptr) {
        if (who.tick_ <= due_tick(deadline)) return;  // is looked at in time anyway
        unlink(who);
    }
    link(who);
}

void time_wheel::clear(timed& who) noexcept {
    // Stays in its bucket: whoever sets a deadline usually sets the next one soon.
    who.deadline_ = never;
}

void time_wheel::advance(time_point now) noexcept {
    const auto target = static_cast<std::uint64_t>(std::max(now - start_, duration::zero()) / tick);
    if (target > now_ + num_buckets) now_ = target - num_buckets;
    while (now_ < target) {
        ++now_;
        timed* head = std::exchange(buckets_[now_ % num_buckets], nullptr);
        if (head) head->link_ = &head;
        while (head) {
            timed& who = *head;
            unlink(who);
            if (who.deadline_ <= now) {
                who.deadline_ = never;
                who.on_time();
            } else if (who.deadline_ != never) {
                link(who);
            }
        }
    }
}

}  // namespace penstock::io
