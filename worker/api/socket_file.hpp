// The file of a Unix socket that a door listens on: gone when the door is.
#pragma once

#include <string>
#include <sys/types.h>

namespace penstock::worker {

class socket_file {
 public:
    // As bound just now, or nothing for an address that is no "unix:…".
    explicit socket_file(const std::string& address);
    ~socket_file() { remove(); }
    socket_file(socket_file&& other) noexcept
        : path_(std::move(other.path_)), device_(other.device_), number_(other.number_) {
        other.path_.clear();
    }
    socket_file& operator=(socket_file&&) = delete;

    // Not what another process has put in its place since. Connections live on.
    void remove() noexcept;

 private:
    std::string path_;
    dev_t device_ = 0;
    ino_t number_ = 0;
};

}  // namespace penstock::worker
