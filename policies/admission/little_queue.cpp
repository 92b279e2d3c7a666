// Who waits, in which order.
#include "policies/admission/little.hpp"
#include "policies/admission/units.hpp"

#include <algorithm>

namespace penstock::admission {
namespace {

constexpr double typical_kept = 0.95;  // of the mean cost of those that come, at each

}  // namespace

void little::join(std::uint32_t slot) {
    request_entry& t = tickets_[slot];
    const pool_index pool = t.work.pools.items[0];
    class_queue& q = queue(pool, t.work.klass);
    if (q.waiting == 0) {
        double& owed = queues_[pool.value].owed_to_bulk;
        owed = t.work.klass == request_class::bulk ? std::min(owed, 0.0) : std::max(owed, 0.0);
    }
    t.flow = flows_.find_or_add({pool, t.work.klass, t.work.tenant});
    flow& f = flows_[t.flow];
    if (f.waiting++ == 0) {
        flows_.begins_to_wait(t.flow);
        f.served = std::max(f.served, q.level);
    }
    by_deadline_.add(f.order, slot);
    take_turn(t.flow);
    f.cost += t.cost;
    q.typical = q.typical == 0 ? t.cost : q.typical * typical_kept + t.cost * (1 - typical_kept);
    q.cost += t.cost;
    q.may_spill += t.work.pools.size > 1;
    ++q.waiting;
}

void little::leave_flow(std::uint32_t slot) {
    request_entry& t = tickets_[slot];
    flow& f = flows_[t.flow];
    by_deadline_.remove(f.order, slot);
    f.cost -= t.cost;
    if (--f.waiting == 0) {
        f.cost = 0;
        queue(f.key.pool, f.key.klass).flows.take(t.flow);
        flows_.becomes_idle(t.flow);
    } else {
        take_turn(t.flow);
    }
    t.flow = no_slot;
}

void little::take_turn(std::uint32_t flow) {
    const auto& f = flows_[flow];
    const request_entry& first = tickets_[first_of(flow)];
    queue(f.key.pool, f.key.klass).flows.put(flow, {f.served, first.due, first.sequence});
}

void little::leave(std::uint32_t slot, time_point now) {
    request_entry& t = tickets_[slot];
    changed_ = true;
    --waiting_;
    if (t.judged) {
        line& l = lines_[at(t.work.klass)];
        (t.previous == no_slot ? l.oldest : tickets_[t.previous].next) = t.next;
        (t.next == no_slot ? l.newest : tickets_[t.next].previous) = t.previous;
        --l.size;
        expiries_.take(slot);
    }
    if (t.work.pools.empty()) return;
    class_queue& q = queue(t.work.pools.items[0], t.work.klass);
    if (t.aside) {
        q.aside.erase(std::find(q.aside.begin(), q.aside.end(), slot));
        q.lack_room -= t.lacks_room;
    } else {
        leave_flow(slot);
    }
    q.may_spill -= t.work.pools.size > 1;
    q.cost = --q.waiting == 0 ? 0 : q.cost - t.cost;
    if (t.judged && --q.stayed == 0) q.departures.waiting_changed(false, now);
    t.judged = false;
}

void little::line_up(std::uint32_t slot, time_point now) {
    request_entry& t = tickets_[slot];
    line& l = lines_[at(t.work.klass)];
    t.judged = true;
    t.previous = l.newest;
    t.next = no_slot;
    (l.newest == no_slot ? l.oldest : tickets_[l.newest].next) = slot;
    l.newest = slot;
    ++l.size;
    expiries_.put(slot, std::max(t.expires, now));
    class_queue& q = queue(t.work.pools.items[0], t.work.klass);
    if (q.stayed++ == 0) q.departures.waiting_changed(true, now);
}

void little::set_aside(std::uint32_t slot, bool for_room) {
    request_entry& t = tickets_[slot];
    class_queue& q = queue(t.work.pools.items[0], t.work.klass);
    leave_flow(slot);
    t.aside = true;
    t.lacks_room = for_room;
    q.aside.push_back(slot);
    q.lack_room += for_room;
}

// What a tenant and a class have been served; less than nothing gives back. Of a ticket that is
// still in its flow, it is about to leave it, which gives the flow its new turn.
void little::charge(std::uint32_t slot, double tokens) {
    const request_entry& t = tickets_[slot];
    const work& w = t.work;
    const pool_index pool = w.pools.items[0];
    class_queue& q = queue(pool, w.klass);
    constexpr double highest_floor = 0.999;
    const double floor = std::min(classes_[at(request_class::bulk)].floor, highest_floor);
    double& owed = queues_[pool.value].owed_to_bulk;
    owed += w.klass == request_class::bulk ? -tokens : tokens * floor / (1 - floor);
    // What it could not use, for want of anything but its turn, it does not get later.
    owed = std::clamp(owed, -how_.owed_most, how_.owed_most);
    if (t.flow != no_slot) {
        flows_[t.flow].served += tokens;
        return;
    }
    const std::uint32_t i = flows_.find({pool, w.klass, w.tenant});
    if (i == flow_table::none) return;
    flows_[i].served += tokens;
    if (q.flows.contains(i)) take_turn(i);
}

}  // namespace penstock::admission
