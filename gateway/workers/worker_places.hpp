// Where bundled workers listen, and what is known of them: one place for each replica's id, for the
// gateway's whole life.
#pragma once

#include "gateway/workers/worker_status.hpp"
#include "penstock/result.hpp"

#include <map>
#include <memory>
#include <string>

namespace penstock::gateway {

struct worker_place {
    std::string socket;  // path of the Unix socket
    worker_status status;
};

// The sockets stand in a folder that only our user may enter: under XDG_RUNTIME_DIR, else under
// /tmp. It is made when it is first needed and removed with its owner.
class worker_places {
 public:
    worker_places() = default;
    ~worker_places();
    worker_places(const worker_places&) = delete;
    worker_places& operator=(const worker_places&) = delete;

    // The same one for the same id. Used by the thread that starts and reloads; a place stays where
    // it is.
    result<worker_place*> of(const std::string& replica_id);
    const std::string& folder() const noexcept { return folder_; }

 private:
    result<void> make_folder();
    std::string folder_;  // empty: not made yet
    std::map<std::string, std::unique_ptr<worker_place>> places_;
};

}  // namespace penstock::gateway
