// The private folder in which the sockets of bundled workers stand. It goes with its gateway, or,
// when that was killed, with the next one that looks.
#pragma once

#include "gateway/workers/worker_process.hpp"
#include "penstock/result.hpp"

#include <string>

namespace penstock::gateway {

// In the folder stands a file `lock`, locked from before it has its name until its gateway ends,
// however it ends: who gets the lock knows that nobody lives there.
class socket_folder {
 public:
    // ROOT/penstock-XXXXXX, which only our user may enter.
    static result<socket_folder> make(const std::string& root);
    ~socket_folder();
    socket_folder(socket_folder&& other) noexcept
        : path_(std::exchange(other.path_, {})), lock_(std::move(other.lock_)) {}
    socket_folder& operator=(socket_folder&&) = delete;

    const std::string& path() const noexcept { return path_; }
    // Longer than any that `make` gives beneath this root.
    static std::size_t path_size_max(const std::string& root) noexcept;

 private:
    socket_folder(std::string path, owned_fd lock) noexcept
        : path_(std::move(path)), lock_(std::move(lock)) {}

    std::string path_;
    owned_fd lock_;
};

// Removes those folders beneath `root` whose gateways are gone: of our user, closed to all others,
// named as we name ours and with a lock that nobody holds. Follows no link, looks into no folder
// within them, and removes nothing that has no lock. What cannot be removed stays.
void remove_stale_folders(const std::string& root);

}  // namespace penstock::gateway
