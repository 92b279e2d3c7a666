// Listening: one socket per loop by SO_REUSEPORT, or one Unix socket that the loops share.
#include "base/io/errors.hpp"
#include "base/io/socket_file.hpp"
#include "penstock/io/channel.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>
#include <unistd.h>

namespace penstock::io {
namespace {

error last_error(const std::string& what) {
    const boost::system::error_code failed(errno, boost::system::system_category());
    return {errc::io_failed, what + ": " + failed.message()};
}

result<int> open_socket(const endpoint& where, int backlog, bool shared_port) {
    const auto& address = reinterpret_cast<const sockaddr&>(*where.address.data());
    const auto size = static_cast<socklen_t>(where.address.size());
    const int fd = ::socket(address.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return last_error(where.text);
    const int on = 1;
    if (address.sa_family != AF_UNIX) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (shared_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    }
    if (::bind(fd, &address, size) != 0 || ::listen(fd, backlog) != 0) {
        const error failed = last_error(where.text);
        ::close(fd);
        return failed;
    }
    return fd;
}

}  // namespace

struct listener::state : std::enable_shared_from_this<listener::state>, timed {
    using descriptor_type =
        boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

    state(int fd, int backlog, std::shared_ptr<socket_file> file)
        : fd(fd), backlog(backlog), file(std::move(file)) {}
    ~state() override {
        if (!waiting && fd >= 0) ::close(fd);
    }

    void wait() {
        waiting->async_wait(
            boost::asio::posix::descriptor_base::wait_read,
            [self = shared_from_this()](boost::system::error_code failed) {
                if (failed || !self->waiting) return;
                self->accept_all();
            }
        );
    }

    void accept_all() {
        const auto alive = shared_from_this();
        for (int taken = 0; taken < accepted_at_once; ++taken) {
            const int made = ::accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (made >= 0) {
                accepted(channel::adopt(*home, made));
                if (!waiting) return;
            } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
                return wait();
            } else if (errno != ECONNABORTED && errno != EINTR) {
                home->set_deadline(*this, home->now() + std::chrono::milliseconds(100));
                return;
            }
        }
        wait();
    }

    void on_time() noexcept override {
        if (waiting) wait();
    }

    static constexpr int accepted_at_once = 256;
    int fd;
    int backlog;
    std::shared_ptr<socket_file> file;  // shared with siblings; null: it has none
    loop* home = nullptr;
    std::optional<descriptor_type> waiting;
    std::function<void(channel)> accepted;
};

listener::listener(std::shared_ptr<state> s) noexcept : state_(std::move(s)) {}
listener::listener(listener&&) noexcept = default;
listener& listener::operator=(listener&&) noexcept = default;
listener::~listener() {
    close();
}

result<listener> listener::open(const endpoint& where, int backlog) {
    const auto& address = reinterpret_cast<const sockaddr&>(*where.address.data());
    if (address.sa_family == AF_UNIX) {
        CHECK(clear_the_way(where));
        TRY(const int fd, open_socket(where, backlog, false));
        return listener(std::make_shared<state>(fd, backlog, std::make_shared<socket_file>(where)));
    }
    // SO_REUSEPORT would let a second gateway share the port unnoticed; this bind does not.
    TRY(const int alone, open_socket(where, 1, false));
    ::close(alone);
    TRY(const int fd, open_socket(where, backlog, true));
    return listener(std::make_shared<state>(fd, backlog, nullptr));
}

endpoint listener::bound() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    getsockname(state_->fd, reinterpret_cast<sockaddr*>(&address), &size);
    const auto* bytes = reinterpret_cast<const unsigned char*>(&address);
    return {text_of(reinterpret_cast<const sockaddr&>(address), size), {bytes, bytes + size}};
}

result<listener> listener::sibling() const {
    const endpoint where = bound();
    if (reinterpret_cast<const sockaddr&>(*where.address.data()).sa_family == AF_UNIX) {
        const int fd = ::fcntl(state_->fd, F_DUPFD_CLOEXEC, 0);
        if (fd < 0) return last_error(where.text);
        return listener(std::make_shared<state>(fd, state_->backlog, state_->file));
    }
    TRY(const int fd, open_socket(where, state_->backlog, true));
    return listener(std::make_shared<state>(fd, state_->backlog, nullptr));
}

void listener::accept_on(loop& home, std::function<void(channel)> accepted) {
    state_->home = &home;
    state_->accepted = std::move(accepted);
    state_->waiting.emplace(home.context(), state_->fd);
    state_->wait();
}

void listener::close() noexcept {
    if (!state_) return;
    if (state_->file) state_->file->remove();
    if (!state_->waiting) return;
    // Closing a listener resets what waits in its queue, so that is taken first.
    while (true) {
        const int made = ::accept4(state_->fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (made >= 0)
            state_->accepted(channel::adopt(*state_->home, made));
        else if (errno != ECONNABORTED && errno != EINTR)
            break;
    }
    state_->home->clear_deadline(*state_);
    state_->waiting.reset();
    state_->fd = -1;
}

}  // namespace penstock::io
