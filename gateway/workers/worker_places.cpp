// The private folder of sockets.
#include "gateway/workers/worker_places.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <sys/un.h>
#include <vector>

namespace penstock::gateway {
namespace {

constexpr std::size_t socket_path_max = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::string_view folder_name = "/penstock-XXXXXX";
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

worker_places::~worker_places() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

result<worker_place*> worker_places::of(const std::string& replica_id) {
    CHECK(make_folder());
    auto& place = places_[replica_id];
    if (!place) {
        place = std::make_unique<worker_place>();
        place->socket = folder_ + '/' + std::to_string(places_.size()) + ".sock";
    }
    return place.get();
}

result<void> worker_places::make_folder() {
    if (!folder_.empty()) return success();
    std::string why;
    for (std::string folder : candidates()) {
        folder += folder_name;
        if (folder.size() + longest_socket_name.size() > socket_path_max) continue;
        if (::mkdtemp(folder.data())) {  // mode 0700
            folder_ = folder;
            return success();
        }
        why = folder + ": " + std::generic_category().message(errno);
    }
    return error(errc::io_failed, "no folder for the sockets of workers: " + why);
}

}  // namespace penstock::gateway
