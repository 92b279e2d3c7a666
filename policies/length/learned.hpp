// What answers have taught: how a model reads text, how long its answers get, what each
// conversation had last. Keys are stable hashes of names, so that it outlives any reload.
#pragma once

#include "penstock/clock.hpp"
#include "penstock/contracts/work.hpp"
#include "policies/length/lru_table.hpp"
#include "policies/length/output_quantile.hpp"
#include "policies/length/token_factors.hpp"
#include "policies/length/voices.hpp"

#include <cstddef>
#include <cstdint>

namespace penstock::length {

// Whose request it is.
struct asker {
    std::uint64_t model = 0, tenant = 0;  // hashes of their names
    std::uint64_t affinity = 0;           // of `work`; 0: of no conversation

    std::uint64_t tenant_of_model() const noexcept;  // keys of the tables below
    std::uint64_t conversation() const noexcept;     // 0: none
};

// What a conversation had last. All zero: nothing is known, or it is too long ago.
struct conversation {
    std::uint32_t prompt = 0;   // tokens of its last prompt
    std::uint32_t cached = 0;   // of them, already held by the replica that read it
    std::uint32_t context = 0;  // of the pool that it was given, not of one that it spilled into
    bool is_known = false;
    time_point at{};  // its last answer's end
};

// A conversation that was silent for so long is begun anew.
inline constexpr duration conversation_idle = std::chrono::minutes(10);

// All that is learned which bears on one request: one small copy.
struct knowledge {
    token_factors factors;
    std::uint32_t output = default_output;  // typical tokens of one choice
    conversation last;
};

// Only an answer that ended by itself, or at its limit, and said its usage teaches. Not one that
// its client left, that broke or was refused, or whose usage is our own count.
constexpr bool teaches(const usage& used, ending end) noexcept {
    return end == ending::served && used.known && !used.estimated;
}

// Three bounded tables, each of which forgets first what was not taught for longest. A pure object;
// each call looks at one table and is O(1), so that parts of it may lie behind locks of their own.
class learned {
 public:
    explicit learned(std::size_t entries_each)
        : models_(entries_each), tenants_(entries_each), conversations_(entries_each) {}

    // What this tenant's answers say.
    output_belief output_of(std::uint64_t tenant_of_model) const noexcept;
    // Factors, and typical output: the tenant's `own` as far as it goes, then the model's.
    knowledge of_model(std::uint64_t model, const output_belief& own = {}) const noexcept;
    conversation of_conversation(std::uint64_t which, time_point now) const noexcept;

    // Of an answer that `teaches`.
    void teach_model(const asker& who, const openai::request_facts& sent, const usage& used);
    void teach_tenant(const asker& who, const openai::request_facts& sent, const usage& used);
    // `context` of the pool that the request was given. Work that makes no tokens is no
    // conversation: every embedding would be remembered in place of one.
    void teach_conversation(
        const asker& who,
        const openai::request_facts& sent,
        std::uint32_t context,
        const usage& used,
        time_point now
    );

    std::size_t size() const noexcept {
        return models_.size() + tenants_.size() + conversations_.size();
    }

 private:
    struct model_habits {
        token_factors factors;
        output_quantile output;
        voices heard;
    };

    lru_table<model_habits> models_;
    lru_table<output_quantile> tenants_;
    lru_table<conversation> conversations_;
};

// Tokens of a prompt that a replica may hold already: what it held of the last one, and never more
// than the prompt has.
std::uint32_t cached_hint(const conversation& last, std::uint32_t prompt_tokens) noexcept;

}  // namespace penstock::length
