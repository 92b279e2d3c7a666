// Models that take each other's requests over.
#pragma once

#include "gateway/running_gateway.hpp"

namespace penstock::gateway {

inline const std::string out_of_service = ", state: drained";
inline const headers no_fallback{{"x-penstock-no-fallback", "true"}};

struct one_model {
    std::string name;
    const scripted_upstream* upstream;
    std::string of_replica = "";  // as ", slots: 1"
    std::string more = "";        // as ", fallbacks: [b]"
};

inline std::string models_of(const std::vector<one_model>& all) {
    std::string yaml = "models:\n";
    for (const one_model& each : all)
        yaml += "  " + each.name + ": {replicas: [" + replica_of(*each.upstream, each.of_replica) +
                "]" + each.more + "}\n";
    return yaml;
}

// "chat" that may fall back to "small".
inline std::string chat_and_small(
    const scripted_upstream& chat,
    const scripted_upstream& small,
    const std::string& of_chat = "",
    const std::string& of_small = ""
) {
    return models_of({{"chat", &chat, of_chat, ", fallbacks: [small]"}, {"small", &small, of_small}}
    );
}

inline bool comes_to_rest(const running_gateway& g) {
    return g.comes_to_rest() &&
           eventually([&] { return g.in_flight("small") <= 0 && g.waiting("small") <= 0; });
}

inline double fallbacks_of(const running_gateway& g, std::string_view reason) {
    return g.metric(
        "penstock_fallbacks_total{model=\"chat\",reason=\"" + std::string(reason) + "\"}"
    );
}

}  // namespace penstock::gateway
