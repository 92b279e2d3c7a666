// Where bundled workers listen, and what is known of them: one place for each replica's id, for the
// gateway's whole life.
#pragma once

#include "gateway/workers/socket_folder.hpp"
#include "gateway/workers/worker_status.hpp"
#include "penstock/result.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace penstock::gateway {

struct worker_place {
    std::string socket;  // path of the Unix socket
    worker_status status;
};

// The sockets stand in a folder that only our user may enter: under XDG_RUNTIME_DIR, else under
// /tmp. It is made when it is first needed and removed with its owner; what gateways that were
// killed have left there goes first.
class worker_places {
 public:
    // The same one for the same id. Used by the thread that starts and reloads; a place stays where
    // it is.
    result<worker_place*> of(const std::string& replica_id);
    // Empty: it was not needed yet.
    std::string folder() const { return folder_ ? folder_->path() : std::string(); }

 private:
    result<void> make_folder();
    std::optional<socket_folder> folder_;
    std::map<std::string, std::unique_ptr<worker_place>> places_;
};

}  // namespace penstock::gateway
