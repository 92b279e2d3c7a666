// What answers have taught.
#include "policies/length/learned.hpp"

#include <algorithm>
#include <limits>

namespace penstock::length {
namespace {

// Two hashes as one that depends on every bit of both (the finalizer of SplitMix64).
std::uint64_t mixed(std::uint64_t a, std::uint64_t b) noexcept {
    std::uint64_t x = a + 0x9e37'79b9'7f4a'7c15 * (b | 1);
    x = (x ^ (x >> 30) ^ b) * 0xbf58'476d'1ce4'e5b9;
    x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11eb;
    return x ^ (x >> 31);
}

std::uint32_t saturated(std::uint64_t tokens) noexcept {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(std::min(tokens, most));
}

// Choices share what they took equally, as far as anybody says.
void learn_output(
    output_quantile& what, const openai::request_facts& sent, const usage& used
) noexcept {
    if (sent.work == openai::work_kind::generative) what.learn(used.output / std::max(1u, sent.n));
}

}  // namespace

std::uint64_t asker::tenant_of_model() const noexcept {
    return mixed(tenant, model);
}

std::uint64_t asker::conversation() const noexcept {
    return affinity == 0 ? 0 : mixed(affinity, tenant_of_model());
}

output_belief learned::output_of(std::uint64_t tenant_of_model) const noexcept {
    const output_quantile* known = tenants_.find(tenant_of_model);
    return known ? known->belief() : output_belief{};
}

knowledge learned::of_model(std::uint64_t model, const output_belief& own) const noexcept {
    knowledge k;
    const model_habits* known = models_.find(model);
    if (known) k.factors = known->factors;
    if (known && !own.stands_alone()) k.output = known->output.typical(default_output);
    k.output = own.over(k.output);
    return k;
}

conversation learned::of_conversation(std::uint64_t which, time_point now) const noexcept {
    const conversation* known = conversations_.find(which);
    if (!known || now - known->at > conversation_idle) return {};
    return *known;
}

void learned::teach_model(const asker& who, const openai::request_facts& sent, const usage& used) {
    model_habits& model = models_.use(who.model);
    learn_output(model.output, sent, used);
    if (!is_only_text(sent) || used.prompt == 0) return;
    const amounts text = amounts_of(sent);
    const auto tokens = static_cast<double>(used.prompt);
    if (model.heard.hears(who.tenant, model.factors.surprises(text, tokens)))
        model.factors.learn(text, tokens);
}

void learned::teach_tenant(const asker& who, const openai::request_facts& sent, const usage& used) {
    if (sent.work != openai::work_kind::generative) return;
    learn_output(tenants_.use(who.tenant_of_model()), sent, used);
}

void learned::teach_conversation(
    const asker& who,
    const openai::request_facts& sent,
    std::uint32_t context,
    const usage& used,
    time_point now
) {
    if (who.affinity == 0 || sent.work != openai::work_kind::generative) return;
    conversations_.use(who.conversation()) = {
        .prompt = saturated(used.prompt),
        .cached = saturated(std::min(used.cached, used.prompt)),
        .context = context,
        .is_known = true,
        .at = now,
    };
}

std::uint32_t cached_hint(const conversation& last, std::uint32_t prompt_tokens) noexcept {
    return std::min(last.cached, prompt_tokens);
}

}  // namespace penstock::length
