// A scheduler with its pages, driven without an engine: sequences arrive, every planned step counts
// as computed, and an answer takes as many tokens as it was given.
#pragma once

#include "worker/engine/scheduler.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

namespace penstock::worker::test {

struct arrival {
    request_class traffic_class = request_class::realtime;
    std::uint32_t num_prompt = 1;
    std::uint32_t max_tokens = 1;
    token_id first_token = 0;  // the prompt counts up from it
};

class scheduled {
 public:
    explicit scheduled(const scheduler_options& options, std::uint32_t num_pages = 1000)
        : pages({.num_pages = num_pages}), plans(options, pages) {}

    generation_id add(const arrival& what) {
        sequence s;
        s.id = ++last_id_;
        s.traffic_class = what.traffic_class;
        s.arrived = now;
        s.tokens.resize(what.num_prompt);
        std::iota(s.tokens.begin(), s.tokens.end(), what.first_token);
        s.num_prompt = what.num_prompt;
        s.max_tokens = what.max_tokens;
        plans.add(std::move(s));
        return last_id_;
    }
    // The ids of the parts and their rows, in order.
    std::vector<std::pair<generation_id, std::uint32_t>> plan() {
        last_ = plans.plan(now);
        std::vector<std::pair<generation_id, std::uint32_t>> parts;
        for (const step_part& part : last_.parts)
            parts.emplace_back(part.who->id, part.num_rows);
        return parts;
    }
    // What the last plan says was computed; answers grow, and those that are full leave.
    void commit() {
        for (const step_part& part : last_.parts) {
            sequence& s = *part.who;
            plans.computed(part);
            if (!part.samples) continue;
            s.tokens.push_back(static_cast<token_id>(s.tokens.size()));
            if (s.tokens.size() == std::size_t{s.num_prompt} + s.max_tokens) {
                finished.push_back(s.id);
                plans.remove(s.id);
            }
        }
        last_ = {};
        ++num_steps;
    }
    std::vector<std::pair<generation_id, std::uint32_t>> step() {
        auto parts = plan();
        commit();
        return parts;
    }
    // Steps until it has finished; `at_most` when it does not.
    std::uint32_t steps_until_finished(generation_id id, std::uint32_t at_most) {
        std::uint32_t steps = 0;
        for (; steps < at_most && std::ranges::find(finished, id) == finished.end(); ++steps)
            step();
        return steps;
    }
    const step_plan& last_plan() const { return last_; }

    page_pool pages;
    scheduler plans;
    time_point now{};
    std::vector<generation_id> finished;
    std::uint32_t num_steps = 0;

 private:
    generation_id last_id_ = 0;
    step_plan last_;
};

}  // namespace penstock::worker::test
