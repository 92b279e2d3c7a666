// Which TLS each listener speaks, through all reloads.
#pragma once

#include "gateway/snapshot.hpp"

#include <memory>
#include <string>
#include <vector>

namespace penstock::gateway {

// A listener belongs to the address that it was opened for, not to a place in the list: entries may
// be taken out or reordered by a reload. It takes the renewed certificate of its address; it never
// changes between plain and TLS, and keeps what it has while its address is not listed or more than
// one entry could be meant (several with port 0).
class listener_tls {
 public:
    using context = std::shared_ptr<const io::tls_context>;

    // `first`: the settings whose `listen` is opened.
    explicit listener_tls(const snapshot& first);
    void follow(const snapshot& next);
    // By entry of `listen` at the start; null: plain.
    const context& of(std::size_t listener) const { return listeners_.at(listener).speaks; }

 private:
    struct entry {
        std::string address;
        context speaks;
    };
    static std::vector<entry> entries_of(const snapshot& s);

    std::vector<entry> listeners_;
};

}  // namespace penstock::gateway
