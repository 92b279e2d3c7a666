// Which TLS each listener speaks, through all reloads.
#include "gateway/listener_tls.hpp"

#include "gateway/settings/address.hpp"

#include <algorithm>

namespace penstock::gateway {

listener_tls::listener_tls(const snapshot& first) : listeners_(entries_of(first)) {}

void listener_tls::follow(const snapshot& next) {
    const auto listed = entries_of(next);
    for (auto& mine : listeners_) {
        if (!mine.speaks) continue;
        const auto is_meant = [&mine](const entry& each) {
            return each.speaks && each.address == mine.address;
        };
        const bool one_of_many =
            std::count_if(listeners_.begin(), listeners_.end(), is_meant) > 1 ||
            std::count_if(listed.begin(), listed.end(), is_meant) > 1;
        const auto found = std::find_if(listed.begin(), listed.end(), is_meant);
        if (found != listed.end() && !one_of_many) mine.speaks = found->speaks;
    }
}

// One spelling for each address: `localhost:1` is `127.0.0.1:1`.
std::vector<listener_tls::entry> listener_tls::entries_of(const snapshot& s) {
    std::vector<entry> made;
    for (std::size_t i = 0; i < s.settings.listen.size(); ++i) {
        const std::string& written = s.settings.listen[i].address;
        const auto parsed = settings::parse_listen(written);
        made.push_back(
            {parsed.has_value() ? settings::to_text(parsed.value()) : written, s.listen_tls.at(i)}
        );
    }
    return made;
}

}  // namespace penstock::gateway
