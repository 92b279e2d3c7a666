// The plan of a step, from what runs and what waits.
#include "worker/engine/scheduler.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace penstock::worker {
namespace {

std::uint32_t share_of(std::uint32_t whole, double share) noexcept {
    return static_cast<std::uint32_t>(whole * std::clamp(share, 0.0, 1.0));
}

std::uint32_t num_held(const sequence& s) noexcept {
    return static_cast<std::uint32_t>(s.pages.ids().size());
}

}  // namespace

scheduler::scheduler(const scheduler_options& options, page_pool& pages)
    : options_(options),
      pages_(pages),
      num_slots_(std::min(
          options.max_sequences, std::max(options.max_step_tokens, page_size + 1) - page_size
      )) {}

void scheduler::add(sequence what) {
    what.order = next_order_++;
    waiting_[static_cast<std::size_t>(what.traffic_class)].push_back(std::move(what));
}

bool scheduler::remove(generation_id id) {
    const auto is_it = [id](const sequence& s) { return s.id == id; };
    const auto running = std::ranges::find_if(running_, is_it);
    if (running != running_.end()) {
        num_promised_ -= running->max_pages() - num_held(*running);
        running_.erase(running);
        return true;
    }
    return std::ranges::any_of(waiting_, [&](queue& from) {
        const auto found = std::ranges::find_if(from, is_it);
        if (found == from.end()) return false;
        from.erase(found);
        return true;
    });
}

void scheduler::clear() {
    running_.clear();
    for (queue& q : waiting_)
        q.clear();
    num_promised_ = 0;
}

bool scheduler::is_urgent(const sequence& s, time_point now) const noexcept {
    return s.traffic_class == request_class::realtime ||
           now >= after(s.arrived, options_.max_bulk_age);
}

const step_plan& scheduler::plan(time_point now) {
    plan_.parts.clear();
    plan_.num_rows = plan_.num_decode_rows = 0;
    add_decodes(request_class::realtime);
    add_decodes(request_class::bulk);
    plan_.num_decode_rows = plan_.num_rows;
    add_running_prompts(true, now);
    let_in_from(true, now);
    add_running_prompts(false, now);
    if (!has_urgent_waiting(now)) let_in_from(false, now);
    return plan_;
}

// Rows of a prompt that a step can still take: all that are left, or as many whole pages as fit.
std::uint32_t scheduler::chunk_of(std::uint32_t computed, std::uint32_t left) const noexcept {
    const std::uint32_t most = rows_left();
    if (left <= most) return left;
    const std::uint32_t end = (computed + most) / page_size * page_size;
    return end > computed ? end - computed : 0;
}

void scheduler::add_part(sequence& s, std::uint32_t num_rows) {
    const std::uint32_t before = num_held(s);
    if (!pages_.grow(s.pages, s.num_computed + num_rows))
        throw std::logic_error("a running sequence was promised pages that are not there");
    num_promised_ -= num_held(s) - before;
    plan_.parts.push_back({&s, num_rows, num_rows == s.num_left()});
    plan_.num_rows += num_rows;
}

// Slots are fewer than rows, so that every decode has its row.
void scheduler::add_decodes(request_class of) {
    for (sequence& s : running_)
        if (s.traffic_class == of && s.has_first_token()) add_part(s, 1);
}

void scheduler::add_running_prompts(bool urgent, time_point now) {
    for (sequence& s : running_) {
        if (s.has_first_token() || is_urgent(s, now) != urgent) continue;
        const std::uint32_t chunk = chunk_of(s.num_computed, s.num_left());
        if (chunk == 0) return;
        add_part(s, chunk);
    }
}

bool scheduler::has_urgent_waiting(time_point now) const noexcept {
    const queue& bulk = waiting_[static_cast<std::size_t>(request_class::bulk)];
    return !waiting_[static_cast<std::size_t>(request_class::realtime)].empty() ||
           (!bulk.empty() && is_urgent(bulk.front(), now));
}

// The queue of a lane's next sequence by arrival; null at its end. Bulk is in order of arrival, so
// the aged ones are its front.
scheduler::queue* scheduler::next_queue(
    bool urgent, time_point now, std::array<queue::iterator, 2>& at
) {
    queue& realtime = waiting_[static_cast<std::size_t>(request_class::realtime)];
    queue& bulk = waiting_[static_cast<std::size_t>(request_class::bulk)];
    const bool has_bulk = at[1] != bulk.end() && is_urgent(*at[1], now) == urgent;
    const bool has_realtime = urgent && at[0] != realtime.end();
    if (has_realtime && (!has_bulk || at[0]->order < at[1]->order)) return &realtime;
    return has_bulk ? &bulk : nullptr;
}

void scheduler::let_in_from(bool urgent, time_point now) {
    std::array<queue::iterator, 2> at{waiting_[0].begin(), waiting_[1].begin()};
    passed_over_.clear();
    while (queue* from = next_queue(urgent, now, at)) {
        queue::iterator& next = at[static_cast<std::size_t>(from - waiting_.data())];
        const auto who = next++;
        const verdict said = try_let_in(*from, who, urgent);
        if (said == verdict::let_in) {
            for (sequence* other : passed_over_)
                ++other->num_overtakes;
        } else if (said == verdict::no_pages) {
            passed_over_.push_back(&*who);
        } else {
            return;
        }
        const auto holds_up = [&](const sequence* s) {
            return s->num_overtakes >= options_.max_overtakes;
        };
        if (passed_over_.size() > options_.max_overtakes ||
            std::ranges::any_of(passed_over_, holds_up))
            return;
    }
}

bool scheduler::has_slot(bool urgent) const noexcept {
    const std::uint32_t kept = urgent ? 0 : share_of(num_slots_, options_.bulk_reserve);
    return running_.size() + kept < num_slots_ || (running_.empty() && num_slots_ > 0);
}

// The reserve is of no use to anybody while nothing runs.
scheduler::verdict scheduler::try_let_in(queue& from, queue::iterator who, bool urgent) {
    if (rows_left() == 0) return verdict::no_rows;
    if (!has_slot(urgent)) return verdict::no_slot;
    const std::uint32_t there = pages_.num_available() - num_promised_;
    if (!running_.empty() && who->refused_with && there <= *who->refused_with)
        return verdict::no_pages;

    held_pages prefix = pages_.take_prefix(who->tokens, who->cache_salt);
    const std::uint32_t reused = prefix.num_reused();
    if (chunk_of(reused, who->num_left() - reused) == 0) return verdict::no_rows;
    const std::uint32_t kept =
        urgent || running_.empty() ? 0 : share_of(pages_.counts().total, options_.bulk_reserve);
    const auto num_new = who->max_pages() - static_cast<std::uint32_t>(prefix.ids().size());
    if (std::uint64_t{num_promised_} + num_new + kept > pages_.num_available()) {
        who->refused_with = there;
        return verdict::no_pages;
    }

    who->pages = std::move(prefix);
    who->num_computed = reused;
    num_promised_ += num_new;
    prefixes_.lookup_tokens += who->num_prompt;
    prefixes_.hit_tokens += reused;
    running_.splice(running_.end(), from, who);
    add_part(*who, chunk_of(reused, who->num_left()));
    return verdict::let_in;
}

void scheduler::computed(const step_part& part) {
    sequence& s = *part.who;
    s.num_computed += part.num_rows;
    pages_.make_known(s.pages, s.tokens, s.num_computed);
}

queue_lengths scheduler::lengths(request_class of) const noexcept {
    queue_lengths lengths;
    const queue& waiting = waiting_[static_cast<std::size_t>(of)];
    lengths.waiting = lengths.prefill = static_cast<std::uint32_t>(waiting.size());
    for (const sequence& s : waiting)
        lengths.prefill_tokens += s.num_prompt;
    for (const sequence& s : running_) {
        if (s.traffic_class != of) continue;
        if (s.has_first_token()) {
            ++lengths.decode;
        } else {
            ++lengths.prefill;
            lengths.prefill_tokens += s.num_left();
        }
    }
    return lengths;
}

}  // namespace penstock::worker
