// Unix sockets in the file system.
#include "base/io/socket_file.hpp"

#include "base/io/errors.hpp"

#include <cerrno>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace penstock::io {
namespace {

const sockaddr_un* unix_address(const endpoint& where) {
    const auto* address = reinterpret_cast<const sockaddr_un*>(where.address.data());
    return address->sun_family == AF_UNIX ? address : nullptr;
}

// Nobody listens there any more. A full queue is an answer, too.
bool is_refused(const sockaddr_un& un, std::size_t size) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const bool refused =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&un), static_cast<socklen_t>(size)) != 0 &&
        errno == ECONNREFUSED;
    ::close(fd);
    return refused;
}

}  // namespace

result<void> clear_the_way(const endpoint& where) {
    const sockaddr_un* un = unix_address(where);
    struct stat found{};
    if (!un || ::lstat(un->sun_path, &found) != 0) return success();
    if (!S_ISSOCK(found.st_mode))
        return error(errc::io_failed, where.text + ": there is a file that is no socket");
    if (!is_refused(*un, where.address.size()))
        return error(errc::io_failed, where.text + ": in use: somebody listens there");
    ::unlink(un->sun_path);
    return success();
}

socket_file::socket_file(const endpoint& bound) {
    const sockaddr_un* un = unix_address(bound);
    struct stat found{};
    if (!un || ::lstat(un->sun_path, &found) != 0) return;
    path_ = un->sun_path;
    device_ = found.st_dev;
    number_ = found.st_ino;
}

void socket_file::remove() noexcept {
    const std::lock_guard held(mutex_);
    struct stat found{};
    if (!path_.empty() && ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ &&
        found.st_ino == number_)
        ::unlink(path_.c_str());
    path_.clear();
}

}  // namespace penstock::io
