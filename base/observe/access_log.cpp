// The access log's buffers and its writer thread.
#include "penstock/observe/access_log.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace penstock::observe {
namespace {

// A buffer that a burst has blown up is let go after it was written.
constexpr std::size_t kept_capacity_max = 256u << 10;

int open_for_append(const std::string& path) noexcept {
    return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

bool is_regular(int fd) noexcept {
    struct stat status{};
    return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

std::int64_t steady_now() noexcept {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

// What is written at once to an output that may block: a pipe that polls as writable takes this
// much without waiting, and whole lines stay whole beside other writers.
std::size_t unblocked_size(std::string_view lines) noexcept {
    if (lines.size() <= PIPE_BUF) return lines.size();
    const auto last = lines.substr(0, PIPE_BUF).rfind('\n');
    return last == std::string_view::npos ? PIPE_BUF : last + 1;
}

}  // namespace

access_log::access_log(access_log_settings settings, int num_threads)
    : settings_(std::move(settings)), fd_(settings_.fd) {
    for (int i = 0; i < num_threads; ++i)
        threads_.push_back(std::make_unique<thread_log>(*this));
    wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    if (!settings_.path.empty()) fd_ = open_for_append(settings_.path);
    if (fd_ < 0) {
        const int why = errno;
        ::close(wake_fd_);
        throw std::system_error(why, std::generic_category(), settings_.path);
    }
    is_file_ = is_regular(fd_);
    // The writer inherits a mask that leaves every signal to other threads; SIGPIPE is an EPIPE.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    writer_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_setname_np(writer_.native_handle(), "access-log");
}

access_log::~access_log() {
    give_up_at_.store(steady_now() + settings_.patience.count());
    wake();
    writer_.join();
    take_reopened();
    if (!settings_.path.empty()) ::close(fd_);
    ::close(wake_fd_);
}

void access_log::thread_log::write(const request_record& record) {
    const std::size_t bound = log_.settings_.pending_bytes_max;
    if (log_.pending_bytes() >= bound) {
        log_.dropped_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    line_.clear();
    append_access_line(line_, record);
    const std::size_t before = log_.pending_.fetch_add(line_.size(), std::memory_order_relaxed);
    const std::size_t now = before + line_.size();
    if (now > bound) {
        log_.pending_.fetch_sub(line_.size(), std::memory_order_relaxed);
        log_.dropped_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    {
        std::lock_guard lock(mutex_);
        lines_.append(line_);
    }
    if (before < log_.settings_.write_at_bytes && now >= log_.settings_.write_at_bytes) log_.wake();
}

std::size_t access_log::thread_log::capacity_bytes() {
    std::lock_guard lock(mutex_);
    return line_.capacity() + lines_.capacity();
}

bool access_log::flush(duration patience) {
    std::unique_lock lock(mutex_);
    const std::uint64_t mine = ++flushes_asked_;
    wake();
    return flushed_.wait_for(lock, patience, [&] { return flushes_done_ >= mine; });
}

result<void> access_log::reopen() {
    if (settings_.path.empty()) return success();
    const int fd = open_for_append(settings_.path);
    if (fd < 0) return error(errc::io_failed, settings_.path + ": " + std::strerror(errno));
    const int unused = reopened_fd_.exchange(fd);
    if (unused >= 0) ::close(unused);
    wake();
    return success();
}

void access_log::run() noexcept {
    const int period = static_cast<int>(
        std::chrono::duration_cast<std::chrono::milliseconds>(settings_.write_every).count()
    );
    for (bool closing = false; !closing;) {
        pollfd woken{.fd = wake_fd_, .events = POLLIN};
        ::poll(&woken, 1, period);
        forget_wakes();
        closing = give_up_at_.load() != 0;
        std::uint64_t asked = 0;
        {
            std::lock_guard lock(mutex_);
            asked = flushes_asked_;
        }
        take_reopened();
        write_pending();
        {
            std::lock_guard lock(mutex_);
            flushes_done_ = asked;
        }
        flushed_.notify_all();
    }
}

void access_log::write_pending() {
    for (auto& thread : threads_) {
        taken_.clear();
        if (taken_.capacity() > kept_capacity_max) taken_ = std::string();
        {
            std::lock_guard lock(thread->mutex_);
            taken_.swap(thread->lines_);
        }
        write_out(taken_);
    }
}

void access_log::write_out(std::string_view lines) {
    while (!lines.empty() && await_writable()) {
        const std::size_t size = is_file_ ? lines.size() : unblocked_size(lines);
        const ssize_t sent = ::write(fd_, lines.data(), size);
        if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (sent < 0) break;
        pending_.fetch_sub(static_cast<std::size_t>(sent), std::memory_order_relaxed);
        lines.remove_prefix(static_cast<std::size_t>(sent));
    }
    const auto lost = static_cast<std::uint64_t>(std::ranges::count(lines, '\n'));
    dropped_.fetch_add(lost, std::memory_order_relaxed);
    pending_.fetch_sub(lines.size(), std::memory_order_relaxed);
}

// False: the log is being closed and the output stayed blocked.
bool access_log::await_writable() {
    while (!is_file_) {
        const std::int64_t give_up_at = give_up_at_.load();
        const std::int64_t left = give_up_at == 0 ? -1 : give_up_at - steady_now();
        if (give_up_at != 0 && left <= 0) return false;
        pollfd events[] = {{.fd = fd_, .events = POLLOUT}, {.fd = wake_fd_, .events = POLLIN}};
        const int wait_ms = left < 0 ? -1 : static_cast<int>(left / 1'000'000 + 1);
        if (::poll(events, 2, wait_ms) > 0 && events[0].revents != 0) return true;
        forget_wakes();
    }
    return true;
}

void access_log::take_reopened() noexcept {
    const int fd = reopened_fd_.exchange(-1);
    if (fd < 0) return;
    ::close(fd_);
    fd_ = fd;
    is_file_ = is_regular(fd_);
}

void access_log::wake() const noexcept {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t sent = ::write(wake_fd_, &one, sizeof one);
}

void access_log::forget_wakes() const noexcept {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof count);
}

}  // namespace penstock::observe
