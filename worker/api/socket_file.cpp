// Which file it is, and its end.
#include "worker/api/socket_file.hpp"

#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace penstock::worker {

socket_file::socket_file(const std::string& address) {
    constexpr std::string_view scheme = "unix:";
    if (!address.starts_with(scheme)) return;
    struct stat found{};
    const std::string path = address.substr(scheme.size());
    if (::lstat(path.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return;
    path_ = path;
    device_ = found.st_dev;
    number_ = found.st_ino;
}

void socket_file::remove() noexcept {
    if (path_.empty()) return;
    struct stat found{};
    if (::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == number_)
        ::unlink(path_.c_str());
    path_.clear();
}

}  // namespace penstock::worker
