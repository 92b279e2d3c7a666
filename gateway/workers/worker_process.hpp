// One process of a bundled worker: started in a group of its own, heard through a pipe, and never
// longer alive than we are.
#pragma once

#include "penstock/result.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace penstock::gateway {

// A file descriptor, closed with its owner.
class owned_fd {
 public:
    owned_fd() = default;
    explicit owned_fd(int fd) noexcept : fd_(fd) {}
    owned_fd(owned_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    owned_fd& operator=(owned_fd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~owned_fd();
    int get() const noexcept { return fd_; }

 private:
    int fd_ = -1;
};

// Where the child finds the read end of its lifeline. We hold the only write end and never write:
// the child reads an end of file when we are gone, however we went, and must then exit.
inline constexpr int lifeline_fd = 3;

class worker_process {
 public:
    // `command`: the program and its arguments. The child has nothing of ours but the environment,
    // its output and the lifeline: no other descriptor, no blocked and no ignored signal.
    static result<worker_process> start(const std::vector<std::string>& command);
    // Kills the whole group and takes the child's status.
    ~worker_process();
    worker_process(worker_process&& other) noexcept;
    worker_process& operator=(worker_process&&) = delete;

    pid_t pid() const noexcept { return pid_; }
    // Its standard output and error, non-blocking.
    int output() const noexcept { return output_.get(); }
    // Readable once it has ended.
    int end() const noexcept { return end_.get(); }

    // To the whole group, unless the child has ended.
    void signal(int number) const noexcept;
    // How it ended, as "status 1" or "signal 9"; nothing while it runs. What is left of its group
    // is killed then.
    std::optional<std::string> ended();
    // Its status is never asked for again: it is somebody else's once we are gone.
    void abandon() noexcept { pid_ = -1; }

 private:
    worker_process(pid_t pid, owned_fd lifeline, owned_fd output, owned_fd end) noexcept;

    pid_t pid_ = -1;  // −1: its status was taken
    owned_fd lifeline_, output_, end_;
};

}  // namespace penstock::gateway
