// Connecting, without blocking.
#include "base/io/channel_state.hpp"
#include "base/io/errors.hpp"
#include "base/io/write_awaiter.hpp"

#include <cerrno>
#include <sys/socket.h>
#include <unistd.h>

namespace penstock::io {
namespace {

error failed_with(int code, const endpoint& where) {
    const boost::system::error_code failed(code, boost::system::system_category());
    return {code_of(failed), where.text + ": " + failed.message()};
}

}  // namespace

task<result<void>> connect(channel& made, loop& home, const endpoint& where, time_point deadline) {
    const auto& address = reinterpret_cast<const sockaddr&>(*where.address.data());
    const auto size = static_cast<socklen_t>(where.address.size());
    const int fd = ::socket(address.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) co_return failed_with(errno, where);
    const int refused = ::connect(fd, &address, size) == 0 ? 0 : errno;
    // A Unix socket whose backlog is full says EAGAIN and never becomes writable.
    if (refused != 0 && refused != EINPROGRESS) {
        ::close(fd);
        co_return failed_with(refused, where);
    }
    made = channel(new channel::state(home, fd, address.sa_family));
    if (refused == 0) co_return success();
    made.set_deadline(deadline);
    channel::write_awaiter writable{*made.state_};
    auto waited = co_await writable;
    made.set_deadline(never);
    if (waited.has_error() && waited.error().code == errc::timed_out)
        co_return error(errc::timed_out, where.text + ": connect took too long");
    if (waited.has_error()) co_return std::move(waited).error();
    int late = 0;
    socklen_t late_size = sizeof late;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &late, &late_size);
    if (late != 0) co_return failed_with(late, where);
    co_return success();
}

}  // namespace penstock::io
