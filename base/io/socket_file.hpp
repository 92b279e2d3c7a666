// The file of a Unix socket: in whose way it stands, and when it goes.
#pragma once

#include "penstock/io/channel.hpp"

#include <mutex>
#include <string>
#include <sys/types.h>

namespace penstock::io {

// Before `where` is bound. What a process that is gone has left there is removed. Fails when
// somebody listens there, and when there is a file that is no socket.
result<void> clear_the_way(const endpoint& where);

// As bound just now. Goes with the first of the listeners that share it: from then on nobody new
// comes, and those who wait are taken.
class socket_file {
 public:
    // Of an endpoint that is no Unix socket: nothing.
    explicit socket_file(const endpoint& bound);
    ~socket_file() { remove(); }
    socket_file(const socket_file&) = delete;
    socket_file& operator=(const socket_file&) = delete;

    // Not what somebody else has put in its place since. Any thread.
    void remove() noexcept;

 private:
    std::mutex mutex_;
    std::string path_;  // empty: there is none, or it was removed
    dev_t device_ = 0;
    ino_t number_ = 0;
};

}  // namespace penstock::io
