// Processes of bundled workers.
#include "gateway/workers/worker_process.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock::gateway {
namespace {

error failed(const std::string& what, int code) {
    std::array<char, 128> text{};
    return {errc::io_failed, what + ": " + ::strerror_r(code, text.data(), text.size())};
}

struct pipe_ends {
    owned_fd read, write;
};

// Neither end is inherited by any child but through `child_files`.
result<pipe_ends> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failed("pipe", errno);
    return pipe_ends{owned_fd(ends[0]), owned_fd(ends[1])};
}

// What the child has open: nothing to read, one pipe to write, its lifeline.
class child_files {
 public:
    child_files(int output, int lifeline) {
        ::posix_spawn_file_actions_init(&actions_);
        ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
        ::posix_spawn_file_actions_adddup2(&actions_, lifeline, lifeline_fd);
        ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_addclosefrom_np(&actions_, lifeline_fd + 1);
    }
    ~child_files() { ::posix_spawn_file_actions_destroy(&actions_); }
    child_files(const child_files&) = delete;
    child_files& operator=(const child_files&) = delete;
    const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
    posix_spawn_file_actions_t actions_{};
};

// A group of its own, so that a terminal's Ctrl-C ends the gateway, which then ends its workers in
// order; and none of our blocked and ignored signals.
class child_attributes {
 public:
    child_attributes() {
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawnattr_setflags(
            &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        );
        ::posix_spawnattr_setpgroup(&attributes_, 0);
        sigset_t none, all;
        sigemptyset(&none);
        sigfillset(&all);
        ::posix_spawnattr_setsigmask(&attributes_, &none);
        ::posix_spawnattr_setsigdefault(&attributes_, &all);
    }
    ~child_attributes() { ::posix_spawnattr_destroy(&attributes_); }
    child_attributes(const child_attributes&) = delete;
    child_attributes& operator=(const child_attributes&) = delete;
    const posix_spawnattr_t* get() const noexcept { return &attributes_; }

 private:
    posix_spawnattr_t attributes_{};
};

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (std::string& each : texts)
        all.push_back(each.data());
    all.push_back(nullptr);
    return all;
}

std::string how(const siginfo_t& end) {
    const bool by_itself = end.si_code == CLD_EXITED;
    return (by_itself ? "status " : "signal ") + std::to_string(end.si_status);
}

// A descriptor that collides with those the child gets would be overwritten before it is copied.
result<owned_fd> out_of_the_way(owned_fd fd) {
    if (fd.get() > lifeline_fd) return fd;
    owned_fd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, lifeline_fd + 1));
    if (moved.get() < 0) return failed("dup", errno);
    return moved;
}

}  // namespace

owned_fd::~owned_fd() {
    if (fd_ >= 0) ::close(fd_);
}

result<worker_process> worker_process::start(const std::vector<std::string>& command) {
    TRY(pipe_ends lifeline, make_pipe());
    TRY(pipe_ends output, make_pipe());
    TRY(owned_fd childs_lifeline, out_of_the_way(std::move(lifeline.read)));
    TRY(owned_fd childs_output, out_of_the_way(std::move(output.write)));
    if (::fcntl(output.read.get(), F_SETFL, O_NONBLOCK) != 0) return failed("fcntl", errno);

    std::vector<std::string> copies = command;
    const std::vector<char*> arguments = pointers_to(copies);
    const child_files files(childs_output.get(), childs_lifeline.get());
    const child_attributes attributes;
    pid_t pid = -1;
    const int code =
        ::posix_spawn(&pid, arguments[0], files.get(), attributes.get(), arguments.data(), environ);
    if (code != 0) return failed(command.front(), code);
    worker_process made(
        pid,
        std::move(lifeline.write),
        std::move(output.read),
        owned_fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))
    );
    if (made.end() < 0) return failed("pidfd_open, which needs Linux 5.3,", errno);
    return made;
}

worker_process::worker_process(pid_t pid, owned_fd lifeline, owned_fd output, owned_fd end) noexcept
    : pid_(pid), lifeline_(std::move(lifeline)), output_(std::move(output)), end_(std::move(end)) {}

worker_process::worker_process(worker_process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      lifeline_(std::move(other.lifeline_)),
      output_(std::move(other.output_)),
      end_(std::move(other.end_)) {}

worker_process::~worker_process() {
    if (pid_ < 0) return;
    signal(SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
}

void worker_process::signal(int number) const noexcept {
    if (pid_ > 0) ::kill(-pid_, number);
}

std::optional<std::string> worker_process::ended() {
    if (pid_ < 0) return std::nullopt;
    // Its number stays taken until its status is: the group that is killed is surely its own.
    siginfo_t end{};
    const int waited = ::waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT);
    if (waited == 0 && end.si_pid == 0) return std::nullopt;
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
    return waited == 0 ? how(end) : "unknown";
}

}  // namespace penstock::gateway
