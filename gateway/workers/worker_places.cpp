// Where the folder of sockets is, and what stands in it.
#include "gateway/workers/worker_places.hpp"

#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <sys/un.h>
#include <utility>
#include <vector>

namespace penstock::gateway {
namespace {

constexpr std::size_t socket_path_max = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::string_view longest_socket_name = "/4294967295.sock";

// XDG_RUNTIME_DIR is the user's own and goes with its session; where it is missing, not a folder or
// too deep for a socket's path, /tmp does.
std::vector<std::string> candidates() {
    std::vector<std::string> all;
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    std::error_code unknown;
    if (runtime && *runtime == '/' && std::filesystem::is_directory(runtime, unknown))
        all.emplace_back(runtime);
    all.emplace_back("/tmp");
    return all;
}

}  // namespace

result<worker_place*> worker_places::of(const std::string& replica_id) {
    CHECK(make_folder());
    auto& place = places_[replica_id];
    if (!place) {
        place = std::make_unique<worker_place>();
        place->socket = folder() + '/' + std::to_string(places_.size()) + ".sock";
    }
    return place.get();
}

result<void> worker_places::make_folder() {
    if (folder_) return success();
    std::string why;
    for (const std::string& root : candidates()) {
        remove_stale_folders(root);
        const std::size_t longest = socket_folder::path_size_max(root) + longest_socket_name.size();
        if (folder_ || longest > socket_path_max) continue;
        auto made = socket_folder::make(root);
        if (made.has_value())
            folder_.emplace(std::move(made).value());
        else
            why = made.error().detail;
    }
    if (folder_) return success();
    return error(errc::io_failed, "no folder for the sockets of workers: " + why);
}

}  // namespace penstock::gateway
