// Decides what every step computes: which sequences, how many tokens of each, and who is let in.
// Pure: no clock, no lock, no I/O; `now` is passed in, and pages are bookkeeping.
//
// A sequence has tokens, of which some are computed; a step computes more of them. There is no
// phase: a sequence with one token left after its prompt decodes, the others prefill. Order in a
// step: decodes of realtime, decodes of bulk, prompts of realtime, prompts of bulk. A bulk sequence
// that is older than `max_bulk_age` counts as realtime. Prompts are cut at page boundaries.
//
// Nobody is preempted: a sequence is let in only when the pages that it may need at worst (prompt
// and max_tokens) are there beside those that all running ones may still need. Inside of a lane the
// order is that of arrival, but one that does not fit yet lets up to `max_overtakes` later ones
// pass; after that everybody of its lane waits for it, and so does bulk: nobody starves.
#pragma once

#include "penstock/clock.hpp"
#include "worker/cache/page_pool.hpp"
#include "worker/engine/engine.hpp"

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <vector>

namespace penstock::worker {

struct scheduler_options {
    std::uint32_t max_sequences = 64;
    std::uint32_t max_step_tokens = 512;  // at least page_size
    duration max_bulk_age = std::chrono::seconds(10);
    double bulk_reserve = 0.1;
    std::uint32_t max_overtakes = 16;
};

// What a sequence is to the scheduler.
struct sequence {
    generation_id id = 0;
    request_class traffic_class = request_class::realtime;
    time_point arrived;
    std::vector<token_id> tokens;  // prompt, then the answer so far
    std::uint32_t num_prompt = 0;  // at least 1
    std::uint32_t max_tokens = 0;  // of the answer, at least 1
    std::string cache_salt;

    std::uint32_t num_computed = 0;  // tokens at the front whose keys and values are stored
    held_pages pages;
    std::uint64_t order = 0;                    // of arrival
    std::uint32_t num_overtakes = 0;            // later ones let in before it
    std::optional<std::uint32_t> refused_with;  // pages that were there when it last did not fit

    std::uint32_t num_left() const noexcept {
        return static_cast<std::uint32_t>(tokens.size()) - num_computed;
    }
    bool has_first_token() const noexcept { return tokens.size() > num_prompt; }
    std::uint32_t max_pages() const noexcept { return pages_at_most(num_prompt, max_tokens); }
    // The last token of an answer is never an input.
    static std::uint32_t pages_at_most(std::uint64_t prompt, std::uint64_t max_tokens) noexcept {
        return static_cast<std::uint32_t>((prompt + max_tokens - 1 + page_size - 1) / page_size);
    }
};

// Rows of one sequence in a step: its tokens [num_computed, num_computed + num_rows).
struct step_part {
    sequence* who = nullptr;
    std::uint32_t num_rows = 0;
    bool samples = false;  // they reach its end: a next token is wanted
};

struct step_plan {
    std::vector<step_part> parts;
    std::uint32_t num_rows = 0;
    std::uint32_t num_decode_rows = 0;
};

struct queue_lengths {
    std::uint32_t waiting = 0;  // not let in
    std::uint32_t prefill = 0;  // no first token yet, waiting ones included
    std::uint32_t decode = 0;
    std::uint64_t prefill_tokens = 0;
};

struct prefix_use {
    std::uint64_t lookup_tokens = 0, hit_tokens = 0;  // of the prompts let in
};

class scheduler {
 public:
    scheduler(const scheduler_options& options, page_pool& pages);

    // Sequences in one step at most: as many as leave room for a page of a prompt beside them.
    std::uint32_t num_slots() const noexcept { return num_slots_; }

    // Needs no more pages than there are in all.
    void add(sequence what);
    // Ended or cancelled: it leaves at once, and its pages are back. False when it is not here.
    bool remove(generation_id id);
    void clear();
    bool empty() const noexcept { return running_.empty() && num_waiting() == 0; }

    // Valid until the next call. Every part's sequence holds pages for its rows. Not empty unless
    // the scheduler is.
    const step_plan& plan(time_point now);
    // The rows of a part are stored; whole pages may be used by others from now on.
    void computed(const step_part& part);

    queue_lengths lengths(request_class of) const noexcept;
    prefix_use prefixes() const noexcept { return prefixes_; }
    // Pages that running sequences may still ask for.
    std::uint32_t num_promised() const noexcept { return num_promised_; }

 private:
    using queue = std::list<sequence>;
    enum class verdict : std::uint8_t { let_in, no_pages, no_rows, no_slot };

    std::size_t num_waiting() const noexcept { return waiting_[0].size() + waiting_[1].size(); }
    bool is_urgent(const sequence& s, time_point now) const noexcept;
    std::uint32_t rows_left() const noexcept { return options_.max_step_tokens - plan_.num_rows; }
    std::uint32_t chunk_of(std::uint32_t computed, std::uint32_t left) const noexcept;
    void add_part(sequence& s, std::uint32_t num_rows);
    void add_decodes(request_class of);
    void add_running_prompts(bool urgent, time_point now);
    void let_in_from(bool urgent, time_point now);
    queue* next_queue(bool urgent, time_point now, std::array<queue::iterator, 2>& at);
    verdict try_let_in(queue& from, queue::iterator who, bool urgent);
    bool has_slot(bool urgent) const noexcept;
    bool has_urgent_waiting(time_point now) const noexcept;

    scheduler_options options_;
    page_pool& pages_;
    std::uint32_t num_slots_;
    std::array<queue, 2> waiting_;  // by class, in order of arrival
    queue running_;                 // in the order they were let in
    std::vector<sequence*> passed_over_;
    std::uint64_t next_order_ = 0;
    std::uint32_t num_promised_ = 0;
    prefix_use prefixes_;
    step_plan plan_;
};

}  // namespace penstock::worker
